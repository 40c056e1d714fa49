"""Metric `modes`: which centres of a grid are still drawn."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.seeds import Seed


@pytest.fixture(scope="module")
def grid():
    return build("source", "gaussian-grid")


def test_counts_what_is_there_by_hand(measure, grid):
    centres, spread = grid.modes(), grid.spread()
    samples = np.concatenate(
        [
            np.repeat(centres[:2], [3, 1], axis=0),
            centres[2:3] + np.array([2.9 * spread, 0]),  # inside
            centres[3:4] + np.array([3.1 * spread, 0]),  # outside: neither high quality nor a mode covered
        ]
    )
    found = measure("modes", samples, samples, source=grid)
    shares = np.array([3, 1, 1]) / 5
    assert (found["covered"], found["lost"]) == (3, len(centres) - 3)
    assert found["high_quality"] == pytest.approx(5 / 6)
    assert found["entropy"] == pytest.approx(-(shares * np.log(shares)).sum())


def test_a_share_makes_covering_harder(measure, grid):
    samples = np.repeat(grid.modes()[:2], [95, 5], axis=0)
    assert measure("modes", samples, samples, {"share": 0.06}, source=grid)["covered"] == 1
    assert measure("modes", samples, samples, {"share": 0.05}, source=grid)["covered"] == 2
    seven = np.repeat(grid.modes()[:2], [93, 7], axis=0)  # 0.07 · 100 is 7.000000000000001
    assert measure("modes", seven, seven, {"share": 0.07}, source=grid)["covered"] == 2


def test_real_data_covers_every_mode_and_the_share_within_the_radius_is_rayleighs(measure, grid):
    samples = grid.draw(20_000, Seed(("modes", 0)))
    found = measure("modes", samples, samples, source=grid)
    inside = 1 - math.exp(-4.5)  # within three deviations in the plane
    assert found["lost"] == 0
    assert abs(found["high_quality"] - inside) < 4 * math.sqrt(inside * (1 - inside) / 20_000)
    assert found["entropy"] == pytest.approx(math.log(len(grid.modes())), abs=0.01)


def test_no_sample_near_a_mode_has_no_entropy(measure, grid):
    far = np.full((4, 2), 1e6)
    found = measure("modes", far, far, source=grid)
    assert (found["covered"], found["high_quality"]) == (0, 0)
    assert math.isnan(found["entropy"])


def test_undefined_is_nan(measure, grid):
    rows = np.array([[0.0, np.nan]])
    assert all(math.isnan(v) for v in measure("modes", rows, rows, source=grid).values())


def test_plan_is_told_when_modes_are_not_known(grid):
    metric, model = build("metric", "modes"), build("model", "gaussian")
    assert "leave the metric out" in metric.objection(build("source", "normal"), model)
    assert metric.objection(grid, model) is None
