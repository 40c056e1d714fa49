"""Colours as distributions: the space, the divergence, and matching as scikit-image does it."""

import numpy as np
import pytest
from PIL import Image
from scipy.stats import entropy
from skimage.exposure import match_histograms

from autophagy.kernels import colour

RNG = np.random.default_rng(7)


def smooth(n, side=32, channels=3, seed=0, depth=25):
    """Images with every grey level near others, as photographs have: sums of slow waves."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    images = np.empty((n, channels, side, side))
    for image in images.reshape(-1, side, side):
        a, b, c, d = rng.uniform(-0.2, 0.2, 4)
        image[:] = 120 + rng.uniform(-1, 1) * depth + depth * (np.sin(a * x + b * y) + np.cos(c * x - d * y))
    return np.clip(np.rint(images + rng.normal(0, 3, images.shape)), 0, 255).astype(np.uint8)


def test_the_space_is_jpegs_full_range():
    image = RNG.integers(0, 256, (1, 3, 64, 64)).astype(np.uint8)
    pillow = np.asarray(Image.fromarray(image[0].transpose(1, 2, 0)).convert("YCbCr"), float).transpose(2, 0, 1)
    np.testing.assert_allclose(colour.ycbcr(image)[0], pillow, atol=1.01)  # Pillow works in whole numbers
    corners = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8).reshape(4, 3, 1, 1)
    known = [[0, 128, 128], [255, 128, 128], [76.245, 84.972, 255.5], [29.07, 255.5, 107.265]]
    np.testing.assert_allclose(colour.ycbcr(corners).reshape(4, 3), known, atol=1e-3)


def test_there_and_back_is_the_same_image():
    image = RNG.integers(0, 256, (3, 3, 64, 64)).astype(np.uint8)
    np.testing.assert_array_equal(colour.rgb(colour.ycbcr(image)), image)
    np.testing.assert_array_equal(colour.rgb(colour.ycbcr(image[:, :1])), image[:, :1])


def test_the_divergence_is_scipys_averaged_over_channels():
    p, q = (colour.shares(colour.counts(smooth(4, seed=seed)), 64, 0.5) for seed in (1, 2))
    truth = [[np.mean([entropy(p[i, c], q[j, c]) for c in range(3)]) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(colour.divergences(p, q), truth, rtol=1e-10)


def test_the_divergence_of_a_copy_is_zero_and_of_others_is_not():
    p = colour.shares(colour.counts(smooth(5)), 256, 0.5)
    far = colour.divergences(p, p)
    assert np.abs(np.diag(far)).max() < 1e-12
    assert far[~np.eye(5, dtype=bool)].min() > 1e-3


def test_a_divergence_of_two_levels_is_the_closed_form():
    pixels = np.zeros((2, 1, 256), np.int64)
    pixels[0, 0, [10, 200]], pixels[1, 0, [10, 200]] = [75, 25], [50, 50]
    p = colour.shares(pixels, 2, 1e-12)  # two bins, of levels 0–127 and 128–255
    expected = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    assert colour.divergences(p[:1], p[1:])[0, 0] == pytest.approx(expected, rel=1e-9)
    assert colour.divergences(p[1:], p[:1])[0, 0] == pytest.approx(0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(2), rel=1e-9)


def test_blocks_do_not_change_the_nearest(monkeypatch):
    p, q = (colour.shares(colour.counts(smooth(n, seed=n)), 256, 0.5) for n in (23, 31))
    whole = colour.nearest(p, q)
    np.testing.assert_array_equal(whole, colour.divergences(p, q).argmin(1))
    monkeypatch.setattr(colour, "TOGETHER", 5)
    np.testing.assert_array_equal(colour.nearest(p, q), whole)
    assert len(set(whole.tolist())) > 1


def test_equal_divergences_go_to_the_first(monkeypatch):
    p = colour.shares(colour.counts(smooth(3)), 256, 0.5)
    monkeypatch.setattr(colour, "TOGETHER", 2)
    np.testing.assert_array_equal(colour.nearest(p, np.concatenate([p, p])), [0, 1, 2])


@pytest.mark.parametrize("kind", ["smooth", "noise", "few levels", "one level", "other size"])
def test_a_channel_is_matched_as_scikit_image_does(kind):
    source = RNG.integers(0, 256, (40, 40)).astype(np.uint8)
    target = {
        "smooth": smooth(1, 40, 1)[0, 0],
        "noise": RNG.integers(30, 90, (40, 40)).astype(np.uint8),
        "few levels": RNG.choice([3, 4, 250], (40, 40)).astype(np.uint8),
        "one level": np.full((40, 40), 77, np.uint8),
        "other size": RNG.integers(0, 256, (17, 23)).astype(np.uint8),
    }[kind]
    table = colour.lookup(*(np.bincount(x.ravel(), minlength=256) for x in (source, target)))
    np.testing.assert_array_equal(table[source], np.rint(match_histograms(source, target)))


def test_an_image_is_matched_in_three_channels_and_loses_less_than_by_rounding_twice():
    source, target = smooth(1, seed=3), smooth(1, seed=4)
    found = colour.matched(source[0], colour.counts(target)[0])
    levels, wanted = (np.rint(colour.ycbcr(x)[0]).clip(0, 255).astype(np.uint8) for x in (source, target))
    plain = colour.rgb(np.stack([np.rint(match_histograms(a, b)) for a, b in zip(levels, wanted, strict=True)]))
    assert np.abs(found.astype(int) - plain).max() <= 2  # the plain way drops up to half a level of each channel
    assert np.abs(found.astype(int) - source[0]).mean() > 5


def test_an_image_matched_to_itself_is_itself():
    images = np.concatenate([smooth(3), RNG.integers(0, 256, (3, 3, 32, 32)).astype(np.uint8)])
    for image, own in zip(images, colour.counts(images), strict=True):
        np.testing.assert_array_equal(colour.matched(image, own), image)


def test_matching_twice_is_matching_once_but_for_rounding():
    for seed in range(5):
        source, target = (
            smooth(1, 64, seed=seed, depth=10)[0],
            colour.counts(smooth(1, 64, seed=seed + 50, depth=10))[0],
        )
        once = colour.matched(source, target)
        assert 0 < once.min() <= once.max() < 255  # no colour was cut, which would spoil the levels
        twice = np.abs(colour.matched(once, target).astype(int) - once)
        assert twice.mean() < 0.5
        assert (twice > 2).mean() < 0.01


def test_a_grey_image_is_matched_exactly_and_a_second_time_changes_nothing():
    for seed in range(5):
        source, target = (smooth(1, seed=seed + n, channels=1)[0] for n in (0, 50))
        once = colour.matched(source, colour.counts(target[None])[0])
        np.testing.assert_array_equal(once[0], np.rint(match_histograms(source[0], target[0])))
        np.testing.assert_array_equal(colour.matched(once, colour.counts(target[None])[0]), once)


def test_a_ramp_takes_the_levels_of_another():
    source = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    target = (np.arange(256) // 2 + 100).astype(np.uint8).reshape(1, 16, 16)
    found = colour.matched(source, colour.counts(target[None])[0])
    assert np.abs(found.astype(int) - target).max() <= 1  # half the ramp's quantiles fall between two levels
    assert (found[0, 0, 0], found[0, -1, -1]) == (100, 227)
