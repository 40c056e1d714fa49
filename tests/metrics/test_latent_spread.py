from dataclasses import replace

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.parts import Encodes

NONE = {"spread", "axis_spread", "centre"}


class FirstPixels(Encodes):
    """Takes the first two pixels of an image for its code."""

    def sample(self, n, *, condition, bias, seed, begin=None):
        raise AssertionError("a metric must not draw from the founder")

    def encode_means(self, samples):
        return samples.reshape(len(samples), -1)[:, :2].astype(np.float32)

    def save(self, folder):
        return None


@pytest.fixture
def spread(finish):
    """spread(images, limit=100, founder=…) is what the metric says of them."""

    def measured(images, limit=100, founder=None):
        generation = replace(finish(images, images[:1]), founder=founder or FirstPixels())
        return build("metric", {"use": "latent-spread", "limit": limit}).measure(generation)

    return measured


def images(codes: np.ndarray) -> np.ndarray:
    found = np.zeros((len(codes), 1, 2, 2), np.uint8)
    found[:, 0, 0] = codes
    return found


def test_it_is_the_standard_deviation_of_all_coordinates(spread) -> None:
    """As the notebook has it: np.std of the flattened codes of 100 images, divisor n."""
    codes = np.random.default_rng(0).integers(0, 200, (100, 2))
    found = spread(images(codes))
    assert found["spread"] == pytest.approx(codes.flatten().std())
    assert found["centre"] == pytest.approx(codes.mean())
    assert found["axis_spread"] == pytest.approx((codes[:, 0].std() + codes[:, 1].std()) / 2)


def test_equal_images_off_the_centre_have_no_spread_along_the_axes(spread) -> None:
    found = spread(images(np.tile([10, 30], (50, 1))))
    assert found["spread"] == pytest.approx(10)
    assert found["axis_spread"] == 0


def test_it_reads_the_first_hundred(spread) -> None:
    codes = np.concatenate([np.tile([[10, 10], [30, 30]], (50, 1)), np.full((900, 2), 255)])
    assert spread(images(codes))["spread"] == pytest.approx(10)
    assert spread(images(codes), limit=2000)["spread"] > 50


def test_without_a_founder_there_is_no_value(finish) -> None:
    found = build("metric", "latent-spread").measure(finish(images(np.ones((9, 2))), images(np.ones((9, 2)))))
    assert set(found) == NONE
    assert all(np.isnan(value) for value in found.values())


def test_a_founder_that_cannot_encode_is_told(spread) -> None:
    from autophagy.testing.toys import Still

    with pytest.raises(DataError, match="needs a founder that encodes images, such as a 'vae', but got a Still"):
        spread(images(np.ones((9, 2))), founder=Still())


def test_the_plan_refuses_a_model_that_cannot_encode() -> None:
    metric, source = build("metric", "latent-spread"), build("source", "mnist")
    assert "'eigen-mixture' does not" in metric.objection(source, build("model", "eigen-mixture"))
    assert metric.objection(source, build("model", "vae")) is None
