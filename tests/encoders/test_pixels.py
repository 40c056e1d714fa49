"""Encoder `pixels`: the samples themselves."""

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import DataError


def test_images_become_rows_between_0_and_1():
    images = np.random.default_rng(0).integers(0, 256, (7, 3, 4, 5), np.uint8)
    images[0, 0, 0, :2] = 0, 255
    rows = build("encoder", "pixels").encode(images)
    assert rows.dtype == np.float32
    assert rows.shape == (7, 60)
    assert rows[0, 0] == 0
    assert rows[0, 1] == 1
    np.testing.assert_array_equal(np.rint(rows * 255).astype(np.uint8).reshape(images.shape), images)


def test_float_images_and_uint8_images_of_the_same_picture_agree():
    images = np.random.default_rng(1).integers(0, 256, (3, 1, 4, 4), np.uint8)
    encoder = build("encoder", "pixels")
    np.testing.assert_array_equal(encoder.encode(images), encoder.encode(images.astype(np.float32) / 255))


def test_vectors_keep_the_precision_that_a_collapsed_cloud_needs():
    cloud = 1.0 + 1e-9 * np.random.default_rng(2).standard_normal((50, 3))
    rows = build("encoder", "pixels").encode(cloud)
    np.testing.assert_array_equal(rows, cloud)
    assert rows.std() > 0
    assert cloud.astype(np.float32).std() == 0  # what float32 would have left


@pytest.mark.parametrize(
    "samples",
    [np.array(["a caption"]), np.arange(5), np.zeros((2, 3), np.int64), np.zeros((2, 3, 4)), np.zeros((2, 0, 4, 4))],
    ids=["text", "symbols", "whole numbers", "three axes", "no channel"],
)
def test_other_spaces_are_refused_by_name(samples):
    with pytest.raises(DataError, match=r"encoder 'pixels' takes uint8 images .* but got"):
        build("encoder", "pixels").encode(samples)
