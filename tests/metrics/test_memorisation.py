"""Metrics `memorisation` and `authenticity`: known answers for copies, new data and distant data."""

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.features import Features
from autophagy.core.pool import Origin, Pool

METRICS = ["memorisation", "authenticity"]


def draw(n, seed):
    return np.random.default_rng(seed).standard_normal((n, 5))


def test_copies_are_told_from_new_data(measure):
    train, held_out = draw(500, 0), draw(400, 1)
    copies = train[:400] + 1e-3 * draw(400, 2)
    copied, new = (measure("memorisation", x, held_out, real=train) for x in (copies, draw(400, 3)))
    assert copied["c_t_z"] < -10 < -4 < new["c_t_z"] < 4
    assert copied["auc"] > 0.99
    assert abs(new["auc"] - 0.5) < 4 * math.sqrt(1 / (12 * 400) * 2)
    assert copied["ratio"] < 0.01 < 0.9 < new["ratio"] < 1.1
    assert new["c_t"] == pytest.approx(new["c_t_z"] * copied["c_t"] / copied["c_t_z"], rel=0.5)


def test_distant_samples_are_no_copies(measure):
    found = measure("memorisation", 4 * draw(400, 3), draw(400, 1), real=draw(500, 0))
    assert found["c_t_z"] > 5
    assert found["auc"] < 0.1


def test_authenticity_stands_beside_a_control(measure):
    train, held_out = draw(500, 0), draw(400, 1)
    new = measure("authenticity", draw(400, 2), held_out, real=train)
    assert abs(new["excess"]) < 4 * math.sqrt(2 * 0.25 / 400)
    assert new["control"] > 0.5
    assert new["excess"] == new["authenticity"] - new["control"]
    copied = measure("authenticity", train[:400] + 1e-4, held_out, real=train)
    assert copied["authenticity"] == 0
    assert copied["control"] == new["control"]


@pytest.mark.parametrize("name", METRICS)
def test_copies_of_the_generation_before_are_found_there_alone(finish, name):
    train, held_out, before = draw(400, 0), draw(300, 1), draw(400, 2)
    generation = replace(
        finish(before[:300] + 1e-4, held_out, real=train), previous=Pool.born(before, Origin("before", 0))
    )
    real, previous = (build("metric", {"use": name, "against": a}) for a in ("real", "previous"))
    assert (real.reads, previous.reads) == ((), ("previous",))
    value = {"memorisation": "ratio", "authenticity": "authenticity"}[name]
    assert previous.measure(generation)[value] < 0.01 < 0.5 < real.measure(generation)[value]
    assert previous.identity(generation)["against"] == "previous"


@pytest.mark.parametrize("name", METRICS)
def test_a_founder_has_no_generation_before(measure, name):
    found = measure(name, draw(50, 0), draw(50, 1), {"against": "previous"}, real=draw(50, 2))
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("name", METRICS)
def test_undefined_is_nan(measure, name):
    good, bad = draw(60, 0), np.full((60, 5), np.nan)
    for sides in ((bad, good, good), (good, bad, good), (good, good, bad), (good[:0], good, good)):
        samples, reference, real = sides
        assert all(math.isnan(v) for v in measure(name, samples, reference, real=real).values())


@pytest.mark.parametrize("name", METRICS)
def test_exact_copies_of_images_are_at_distance_zero(measure, name):
    images = np.random.default_rng(0).integers(0, 256, (80, 1, 6, 6)).astype(np.uint8)
    fresh = np.random.default_rng(1).integers(0, 256, (80, 1, 6, 6)).astype(np.uint8)
    found = measure(name, images, fresh, real=images)
    assert found.get("authenticity", 0.0) == 0.0
    assert found.get("ratio", 0.0) == 0.0
    with pytest.raises(DataError, match="like with like"):
        measure(name, np.zeros((4, 3, 6, 6), np.uint8), fresh, real=images)


@pytest.mark.parametrize(("name", "kernel"), [("memorisation", "nearest_and_own"), ("authenticity", "is_authentic")])
def test_the_held_out_side_is_worked_out_once(measure, name, kernel, monkeypatch):
    module = importlib.import_module(f"autophagy.metrics.{name}")
    calls, plain, features = [], getattr(module, kernel), Features()
    monkeypatch.setattr(module, kernel, lambda *rows: calls.append(kernel) or plain(*rows))
    sides = {"samples": draw(300, 0), "reference": draw(300, 1), "real": draw(80, 2), "features": features}
    first = measure(name, **sides, settings={})
    assert len(calls) == 2
    monkeypatch.setattr("autophagy.metrics.memorisation.centres", None)  # a second clustering would fail
    assert measure(name, **sides, settings={}) == first
    assert len(calls) == 3


@pytest.mark.parametrize("name", METRICS)
def test_the_whole_training_set_is_read(finish, name):
    metric = build("metric", {"use": name, "limit": 30})
    identity = metric.identity(finish(draw(60, 0), draw(70, 1), real=draw(80, 2)))
    assert (identity["n"], identity["n_control"], identity["n_train"]) == (30, 30, 80)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_remembered_is_of_one_reference(finish, name):
    """Two generations of one cache, whose encoder is fitted on another reference each."""
    metric = build("metric", {"use": name, "encoder": {"use": "pca", "components": 2}})
    shared, train, held_out, samples = Features(), draw(300, 0), draw(200, 1), draw(200, 2)
    wide = draw(100, 3) * np.array([9, 1, 1, 1, 9])
    for reference in (draw(100, 4), wide):
        alone, beside = (
            metric.measure(finish(samples, reference, real=train, control=held_out, features=features))
            for features in (Features(), shared)
        )
        assert alone == beside


def test_the_ratio_is_of_median_distances(measure):
    """Samples 1 and 3 from the one training row, held-out rows 2 and 2 from it."""
    settings = {"cells": 1, "per_cell": 1}
    found = measure("memorisation", [[1.0], [3.0]], [[0.0]], settings, real=[[0.0]], control=[[2.0], [-2.0]])
    assert found["ratio"] == pytest.approx(1.0)
