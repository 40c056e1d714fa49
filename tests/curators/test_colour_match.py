"""Curator `colour-match`: every sample gets the colours of the nearest real image, and stays where it was."""

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.kernels import colour


def pool(samples, generation=3):
    return Pool.born(np.asarray(samples), Origin(f"pool {generation}", generation))


def curated(fresh, real, **settings):
    curator = build("curator", {"use": "colour-match", **settings})
    return curator.curate(fresh, real=real, founder=fresh, seed=Seed(("test",)))


def scenes(n, tints, seed=0, side=24):
    """Images of soft noise around a tint `(3,)` each."""
    rng = np.random.default_rng(seed)
    tints = np.asarray(tints, float)[np.arange(n) % len(tints)]
    return np.clip(rng.normal(tints[:, :, None, None], 12, (n, 3, side, side)), 0, 255).astype(np.uint8)


RED, GREEN, BLUE = (170, 70, 70), (70, 160, 80), (60, 80, 170)


@pytest.fixture
def real():
    return pool(scenes(3, [RED, GREEN, BLUE]), REAL_DATA)


def test_each_sample_gets_the_colours_of_the_nearest_real_image(real):
    off = [(150, 90, 75), (75, 80, 150), (80, 140, 90), (160, 80, 90)]
    fresh = pool(scenes(4, off, seed=1))
    found = curated(fresh, real)
    for image, row in zip(found.samples, [0, 2, 1, 0], strict=True):
        np.testing.assert_allclose(image.mean((1, 2)), real.samples[row].mean((1, 2)), atol=1)
        np.testing.assert_allclose(image.std((1, 2)), real.samples[row].std((1, 2)), rtol=0.15)
    assert np.abs(found.samples.astype(int) - fresh.samples).mean() > 5


def test_nothing_is_dropped_moved_or_written_over(real):
    fresh = pool(scenes(7, [RED, BLUE], seed=2))
    before = fresh.digest()
    found = curated(fresh, real)
    assert fresh.digest() == before
    np.testing.assert_array_equal(found.row, fresh.row)
    assert found.origins == fresh.origins


def test_real_images_are_left_as_they_are(real):
    np.testing.assert_array_equal(curated(real, real).samples, real.samples)


def test_curating_twice_changes_no_more_than_rounding(real):
    once = curated(pool(scenes(6, [(150, 90, 75), (75, 80, 150)], seed=3)), real)
    twice = curated(once, real)
    assert np.abs(twice.samples.astype(int) - once.samples).mean() < 0.6


def test_a_sample_is_edited_alike_in_whatever_company_and_order(real, monkeypatch):
    fresh = pool(scenes(9, [RED, (90, 90, 90), BLUE], seed=4))
    whole = curated(fresh, real).samples
    order = np.random.default_rng(0).permutation(9)
    np.testing.assert_array_equal(curated(fresh.take(order), real).samples, whole[order])
    np.testing.assert_array_equal(curated(fresh.take(np.array([5])), real).samples, whole[5:6])
    monkeypatch.setattr(colour, "TOGETHER", 2)
    np.testing.assert_array_equal(curated(fresh, real).samples, whole)


def test_the_divergence_is_that_of_the_real_image_from_the_sample():
    """KL(sample ‖ real) forgives a real image that has more colours than the sample; the other way round does not."""
    sample = np.full((1, 1, 16, 16), 100, np.uint8)
    both = np.where(np.arange(256).reshape(1, 1, 16, 16) < 128, 100, 240).astype(np.uint8)
    near = np.full((1, 1, 16, 16), 110, np.uint8)
    real = pool(np.concatenate([near, both]), REAL_DATA)
    found = curated(pool(sample), real).samples
    assert set(found.ravel().tolist()) == {240}  # matched to `both`: a constant has the quantile 1 everywhere


def test_grey_images_have_one_channel():
    rng = np.random.default_rng(5)
    dark, bright = rng.normal(60, 10, (1, 1, 20, 20)), rng.normal(180, 10, (1, 1, 20, 20))
    real = pool(np.concatenate([dark, bright]).astype(np.uint8), REAL_DATA)
    found = curated(pool(rng.normal(160, 20, (2, 1, 20, 20)).astype(np.uint8)), real)
    np.testing.assert_allclose(found.samples.mean((1, 2, 3)), real.samples[1].mean(), atol=1)


def test_an_empty_pool_stays_empty(real):
    fresh = pool(scenes(2, [RED]))
    assert len(curated(fresh.take(np.arange(0)), real)) == 0


@pytest.mark.parametrize(
    ("fresh", "real", "message"),
    [
        (np.zeros((2, 1, 8, 8), np.uint8), np.zeros((2, 3, 8, 8), np.uint8), r"samples and real ones alike, but got"),
        (np.zeros((2, 3, 8, 8)), np.zeros((2, 3, 8, 8), np.uint8), r"got float64 of shape \(2, 3, 8, 8\) and uint8"),
        (np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8), r"takes uint8 images"),
        (np.zeros((2, 3, 8, 8), np.uint8), np.zeros((0, 3, 8, 8), np.uint8), r"has no real image to match"),
    ],
)
def test_what_has_no_colours_is_refused(fresh, real, message):
    with pytest.raises(DataError, match=message):
        curated(pool(fresh), pool(real, REAL_DATA))


def test_settings_that_cannot_be_are_refused(real):
    for settings, message in (
        ({"bins": 100}, "bins must divide 256, .* but is 100"),
        ({"pseudocount": 0}, "pseudocount must be above"),
    ):
        with pytest.raises(ConfigError, match=message):
            curated(real, real, **settings)


def captioned(samples, captions, generation=3):
    return Pool.born(samples, Origin(f"pool {generation}", generation), condition=np.array(captions))


def test_within_a_caption_a_sample_keeps_to_the_real_images_of_that_caption():
    real = captioned(scenes(3, [RED, GREEN, RED], seed=5), ["a", "a", "b"], REAL_DATA)
    fresh = captioned(scenes(2, [GREEN, GREEN], seed=1), ["b", "a"])
    found = curated(fresh, real, within="condition")
    for image, row in zip(found.samples, [2, 1], strict=True):  # the green sample of "b" becomes red
        np.testing.assert_allclose(image.mean((1, 2)), real.samples[row].mean((1, 2)), atol=1)
    assert np.abs(curated(fresh, real).samples[0].mean((1, 2)) - real.samples[1].mean((1, 2))).max() < 1


def test_a_caption_without_a_real_image_is_named(real):
    with pytest.raises(DataError, match="has no real image of 'c' to match colours with; say within"):
        curated(
            captioned(real.samples, ["a", "c", "a"]), captioned(real.samples, ["a"] * 3, REAL_DATA), within="condition"
        )


def test_keeping_to_captions_needs_some():
    curator = build("curator", {"use": "colour-match", "within": "condition"})
    source, model = build("source", "normal"), build("model", "kde")
    assert "needs captions or classes" in curator.objection(source, model)
    assert build("curator", "colour-match").objection(source, model) is None
