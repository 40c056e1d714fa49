"""Metric `noise`: planted noise is found, whatever lies under it, and clean images have none."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.kernels.grain import differences, noise_levels

KINDS = ("flat", "slope", "waves", "discs")


def clean(kind, n=4, side=96, channels=3):
    """Images far from 0 and 255, before rounding."""
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(np.arange(side) / side, np.arange(side) / side)
    images = np.full((n, channels, side, side), 128.0)
    for image in images.reshape(-1, side, side):
        a, b, c = rng.uniform(-1, 1, 3)
        if kind == "slope":
            image += 40 * (a * x + b * y)
        elif kind == "waves":
            image += 40 * np.sin(6 * a * x + 6 * b * y + c)
        elif kind == "discs":
            image += 50 * ((x - 0.5 - 0.2 * a) ** 2 + (y - 0.5 - 0.2 * b) ** 2 < 0.06) - 25
    return images


def rounded(images):
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def planted(kind, sigma, seed=0):
    images = clean(kind)
    return rounded(images + np.random.default_rng(seed).normal(0, sigma, images.shape))


@pytest.mark.parametrize("sigma", [1, 2, 5, 12, 25])
@pytest.mark.parametrize("kind", KINDS)
def test_planted_noise_is_found(measure, kind, sigma):
    images = planted(kind, sigma)
    found = measure("noise", images, images)
    truth = math.sqrt(sigma**2 + 1 / 12)  # rounding is noise too
    assert found["mean"] == pytest.approx(truth, rel=0.05 if kind == "discs" else 0.03)
    assert found["median"] == pytest.approx(truth, rel=0.05 if kind == "discs" else 0.03)
    if kind != "discs":
        assert found["laplacian"] == pytest.approx(truth, rel=0.02)


def test_twice_the_noise_is_twice_the_number(measure):
    one, two = (measure("noise", planted("waves", s), planted("waves", s))["mean"] for s in (8, 16))
    assert two / one == pytest.approx(2, rel=0.03)


def test_clean_images_have_none(measure):
    for kind in ("flat", "discs"):
        images = rounded(clean(kind))
        assert measure("noise", images, images)["mean"] == 0
    smooth = rounded(clean("waves"))  # what rounding leaves: √(1/12) = 0.29 levels
    assert measure("noise", smooth, smooth)["mean"] < 0.4


def test_edges_are_no_noise_to_the_median_but_to_the_mean(measure):
    images = rounded(clean("discs"))
    found = measure("noise", images, images)
    assert found["mean"] == 0
    assert found["laplacian"] > 0.4


def test_slopes_vanish_and_the_mask_is_immerkaers():
    x, y = np.meshgrid(np.arange(9), np.arange(7))
    assert not differences((2 * x + 3 * y + 5).astype(np.uint8)[None]).any()
    dot = np.zeros((1, 5, 5), np.uint8)
    dot[0, 2, 2] = 1
    np.testing.assert_array_equal(differences(dot)[0], [[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    extreme = np.zeros((1, 3, 3), np.uint8)
    extreme[0, [0, 0, 1, 2, 2], [0, 2, 1, 0, 2]] = 255
    assert differences(extreme)[0, 0, 0] == 8 * 255


def test_the_error_and_spread_are_over_images(measure):
    images = np.concatenate([planted("waves", s)[:1] for s in (2, 4, 8)])
    found, alone = measure("noise", images, images), noise_levels(images)[0]
    assert found["sd"] == pytest.approx(alone.std(ddof=1))
    assert found["mean_se"] == pytest.approx(alone.std(ddof=1) / 3**0.5)
    assert found["median"] == pytest.approx(alone[1])


def test_it_needs_no_real_data_and_judges_neither_way():
    assert build("metric", "noise").alone
    assert build("metric", "noise").better == {}


def test_undefined_is_nan_and_vectors_are_refused(measure):
    tiny = np.zeros((2, 1, 2, 9), np.uint8)
    assert all(math.isnan(v) for v in measure("noise", tiny, tiny).values())
    none = np.zeros((0, 1, 9, 9), np.uint8)
    assert all(math.isnan(v) for v in measure("noise", none, none).values())
    with pytest.raises(DataError, match=r"takes uint8 images .*, but got float64 of shape \(2, 4\)"):
        measure("noise", np.zeros((2, 4)), np.zeros((2, 4)))
