"""Metric `pairwise-distance`: every unordered pair, streamed."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
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


@pytest.fixture
def by_caption(finish, images):
    """Values of images with captions, of which the third stands alone."""
    captions = np.array(["a", "b"] * 74 + ["b", "c"])

    def measured(**settings):
        generation = finish(images, images)
        metric = build("metric", {"use": "pairwise-distance", **settings})
        samples = replace(generation.samples, condition=captions)
        return metric.measure(replace(generation, samples=samples)), captions

    return measured


def test_pairs_within_a_caption_are_those_of_each_caption_together(by_caption, images):
    found, captions = by_caption(within="condition")
    rows = images.reshape(150, -1).astype(np.float64)
    truth = np.concatenate([pdist(rows[captions == name]) for name in "abc"])
    assert len(truth) == 74 * 73 // 2 + 75 * 74 // 2
    assert found["mean"] == pytest.approx(truth.mean(), rel=1e-12)
    assert found["min"] == pytest.approx(truth.min(), rel=1e-14)
    for name, share in SHARES.items():
        assert found[name] == pytest.approx(np.quantile(truth, share), rel=5e-4)
    assert found["mean"] != by_caption()[0]["mean"]


def test_a_curve_is_enough_to_draw_the_distribution(by_caption, images):
    found, _ = by_caption(curve=True)
    few, _ = by_caption()
    assert {name: found[name] for name in few} == few
    levels = [found[f"q{percent:02}"] for percent in range(1, 100)]
    truth = pdist(images.reshape(150, -1).astype(np.float64))
    np.testing.assert_allclose(levels, np.quantile(truth, np.arange(1, 100) / 100), rtol=5e-4)
    assert levels == sorted(levels)
    assert set(found) - set(few) == {f"q{p:02}" for p in range(1, 100)} - set(SHARES)


def test_captions_of_one_sample_each_have_no_pair(finish, images):
    generation = finish(images[:3], images)
    metric = build("metric", {"use": "pairwise-distance", "within": "condition"})
    alone = replace(generation, samples=replace(generation.samples, condition=np.arange(3)))
    assert all(math.isnan(v) for v in metric.measure(alone).values())
    with pytest.raises(DataError, match="needs classes or captions, but got none"):
        metric.measure(generation)


def test_pairs_within_a_caption_need_captions():
    metric = build("metric", {"use": "pairwise-distance", "within": "condition"})
    digits = build("source", "digits")
    assert "model 'vae' has none" in metric.objection(digits, build("model", "vae"))
    assert metric.objection(digits, build("model", "diffusion")) is None


@pytest.mark.parametrize("rows", [[0, 1, 3], [0, 1, 10, 11], [0, 0, 1], [0, 1, 2, 40, 41, 80]])
@pytest.mark.parametrize("share", [0, 0.05, 0.25, 0.5, 0.9, 1])
def test_quantiles_of_few_distances_lie_between_their_ranks(rows, share) -> None:
    points = np.array(rows, np.float64)[:, None]
    truth = pdist(points)
    assert spread(points).quantile(share) == pytest.approx(np.quantile(truth, share), rel=5e-4, abs=1e-12)


def test_a_quantile_beside_an_endless_distance_is_finite() -> None:
    assert spread(np.array([[0.0], [1.0], [1e69]])).quantile(0) == pytest.approx(1, rel=5e-4)
