"""Metric `moments`: the first two moments against the truth or held-out data."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build


def test_against_held_out_data(measure, finish):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3000, 3)), 2 * rng.standard_normal((2500, 3)) + 1
    found = measure("moments", a, b)
    assert found["mean_shift"] == pytest.approx(np.linalg.norm(a.mean(0) - b.mean(0)), rel=1e-12)
    assert found["variance"] == pytest.approx(a.var(0).sum(), rel=1e-12)
    assert found["variance_ratio"] == pytest.approx(a.var(0).sum() / b.var(0).sum(), rel=1e-12)
    assert build("metric", "moments").identity(finish(a, b)) == {"n": 3000, "n_reference": 2500, "against": "reference"}


def test_against_the_truth_where_it_is_known(measure):
    source = build("source", {"use": "normal", "dim": 2, "mean": [3.0, 4.0], "covariance": [[1.0, 0.0], [0.0, 7.0]]})
    samples = np.array([[1.0, 0], [-1, 0]])
    found = measure("moments", samples, samples + 9, source=source)
    assert found == {"mean_shift": 5.0, "variance": 1.0, "variance_ratio": 1 / 8, "variance_match": 1 / 8}


@pytest.mark.parametrize(("scale", "match"), [(0.0, 0.0), (0.5, 0.25), (1.0, 1.0), (2.0, 0.25), (1e9, 1e-18)])
def test_a_variance_that_explodes_matches_no_better_than_one_that_is_lost(measure, scale, match):
    real = np.array([[-1.0], [1.0]])
    found = measure("moments", scale * real, real)
    assert found["variance_match"] == pytest.approx(match, rel=1e-12, abs=0)


def test_only_the_match_of_variances_has_a_direction():
    assert build("metric", "moments").better == {"mean_shift": "lower", "variance_match": "higher"}


def test_images_are_0_to_255(measure):
    black, white = np.zeros((4, 1, 2, 2), np.uint8), np.full((4, 1, 2, 2), 255, np.uint8)
    found = measure("moments", black, white)
    assert found["mean_shift"] == 255 * 2
    assert math.isnan(found["variance_match"])
    assert math.isnan(found["variance_ratio"])  # all white: nothing to lose


def test_a_collapsed_cloud_far_away_keeps_its_variance(measure):
    rng = np.random.default_rng(1)
    tiny = 1e6 + 1e-6 * rng.standard_normal((500, 2))
    assert measure("moments", tiny, tiny)["variance"] == pytest.approx(tiny.var(0).sum(), rel=1e-9)


def test_undefined_is_nan(measure):
    real = np.array([[0.0], [1.0]])
    assert all(math.isnan(v) for v in measure("moments", real[:0], real).values())
    assert all(math.isnan(v) for v in measure("moments", np.array([[np.inf]]), real).values())
