"""Metric `pairwise-distance`: every unordered pair, streamed."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from autophagy.core.catalog import build
from autophagy.kernels import distances as _distances
from autophagy.kernels.pairwise import spread

SHARES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (150, 3, 12, 12)).astype(np.uint8)


def test_images_are_compared_as_integers(measure, images):
    found = measure("pairwise-distance", images, images)
    truth = pdist(images.reshape(150, -1).astype(np.float64))
    assert found["mean"] == pytest.approx(truth.mean(), rel=1e-12)
    assert found["min"] == pytest.approx(truth.min(), rel=1e-14)
    for name, share in SHARES.items():
        assert found[name] == pytest.approx(np.quantile(truth, share), rel=5e-4)


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1.0, 1e6])
def test_vectors_keep_their_precision_at_any_scale(measure, scale):
    rng = np.random.default_rng(1)
    rows = scale * np.concatenate([rng.standard_normal((40, 3)), 1000 + 1e-6 * rng.standard_normal((40, 3))])
    found, truth = measure("pairwise-distance", rows, rows), pdist(rows)
    assert found["mean"] == pytest.approx(truth.mean(), rel=1e-9)
    assert found["min"] == pytest.approx(truth.min(), rel=1e-6)
    for name, share in SHARES.items():
        low, high = (np.quantile(truth, share, method=way) for way in ("lower", "higher"))
        assert low * (1 - 5e-4) <= found[name] <= high * (1 + 5e-4)


def test_every_pair_is_counted_once_whatever_the_blocks(images, monkeypatch):
    rows = images.reshape(150, -1)
    whole = spread(rows)
    monkeypatch.setattr(_distances, "TILE", (23, 40))
    cut = spread(rows)
    assert whole.pairs == whole.counts.sum() == cut.counts.sum() == 150 * 149 // 2
    np.testing.assert_array_equal(whole.counts, cut.counts)
    assert (cut.least, cut.mean) == (whole.least, pytest.approx(whole.mean, rel=1e-14))


def test_copies_are_at_distance_zero(measure):
    rows = np.full((20, 4), 0.1)
    found = measure("pairwise-distance", rows, rows)
    assert set(found.values()) == {0.0}


def test_neither_way_is_better():
    assert build("metric", "pairwise-distance").better == {}


def test_needs_no_real_data():
    assert build("metric", "pairwise-distance").alone


def test_undefined_is_nan(measure, images):
    assert all(math.isnan(v) for v in measure("pairwise-distance", images[:1], images).values())
    rows = np.array([[0.0], [np.inf], [1.0]])
    assert all(math.isnan(v) for v in measure("pairwise-distance", rows, rows).values())


def test_limit_is_said(finish, images):
    metric = build("metric", {"use": "pairwise-distance", "limit": 60})
    generation = finish(images, images)
    assert metric.identity(generation) == {"n": 60}
    assert metric.measure(generation)["mean"] != build("metric", "pairwise-distance").measure(generation)["mean"]
