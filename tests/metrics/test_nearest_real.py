"""Metric `nearest-real`: memorisation, with fresh real data as the control."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.features import Features


@pytest.fixture(scope="module")
def train():
    return np.random.default_rng(0).integers(0, 256, (200, 1, 6, 6)).astype(np.uint8)


@pytest.fixture(scope="module")
def fresh():
    return np.random.default_rng(1).integers(0, 256, (300, 1, 6, 6)).astype(np.uint8)


def flat(images):
    return images.reshape(len(images), -1).astype(np.float64)


def test_distances_are_those_of_every_pair(measure, train, fresh):
    found = measure("nearest-real", fresh[:150], train, real=train, control=fresh[150:])
    mine, usual = (cdist(flat(x), flat(train)).min(1) for x in (fresh[:150], fresh[150:]))
    assert found["median"] == pytest.approx(np.median(mine), rel=1e-12)
    assert found["control_median"] == pytest.approx(np.median(usual), rel=1e-12)
    assert found["ratio"] == pytest.approx(np.median(mine) / np.median(usual), rel=1e-12)
    assert found["closer"] == (mine < np.quantile(usual, 0.05)).mean()
    assert found["copies"] == 0


def test_copies_of_the_training_set_are_found(measure, train, fresh):
    samples = np.concatenate([train[:90], fresh[:10]])
    found = measure("nearest-real", samples, train, real=train, control=fresh[10:])
    assert found["copies"] == 90
    assert found["ratio"] == found["median"] == 0
    assert found["closer"] >= 0.9


def test_copies_of_vectors_are_exact(measure):
    rng = np.random.default_rng(2)
    real = 1e6 + rng.standard_normal((50, 4))
    samples = np.concatenate([real[:7], real[:7] + 1e-9])
    assert measure("nearest-real", samples, real, control=real + 1)["copies"] == 7


def test_new_data_is_as_near_as_the_control(measure):
    rng = np.random.default_rng(3)
    real, control, samples = (rng.standard_normal((1500, 3)) for _ in range(3))
    found = measure("nearest-real", samples, real, real=real, control=control)
    assert abs(found["closer"] - 0.05) < 4 * math.sqrt(2 * 0.05 * 0.95 / 1500)
    assert found["ratio"] == pytest.approx(1, abs=0.1)


def test_the_control_is_worked_out_once(measure, train, fresh, monkeypatch):
    features = Features()
    first = measure("nearest-real", fresh[:50], train, real=train, control=fresh[50:], features=features)
    calls = []
    kernel = build("metric", "nearest-real").__class__._distances
    monkeypatch.setattr(
        "autophagy.metrics.nearest_real.NearestReal._distances", lambda *a: calls.append(1) or kernel(*a)
    )
    again = measure("nearest-real", fresh[:50], train, real=train, control=fresh[50:], features=features)
    assert (again, len(calls)) == (first, 1)


def test_undefined_is_nan(measure, train, fresh):
    nothing = measure("nearest-real", fresh[:0], train, control=fresh)
    assert math.isnan(nothing["median"])
    assert math.isnan(nothing["closer"])
    rows = np.array([[0.0], [np.nan]])
    found = measure("nearest-real", rows, np.zeros((3, 1)), control=np.ones((4, 1)))
    assert all(math.isnan(found[name]) for name in ("median", "ratio", "closer", "copies"))


def test_grey_and_colour_are_not_compared(measure, train):
    with pytest.raises(DataError, match="like with like"):
        measure("nearest-real", np.zeros((4, 3, 6, 6), np.uint8), train)


def test_limit_is_said_and_real_data_is_never_left_out(finish, train, fresh):
    metric = build("metric", {"use": "nearest-real", "limit": 30})
    generation = finish(fresh, train, real=train, control=fresh[:20])
    assert metric.identity(generation) == {"n": 30, "n_real": 200, "n_control": 20}
