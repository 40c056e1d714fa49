"""Encoders with maps: features are their means, and an image's maps depend on it alone."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.parts import SpatialEncoder
from autophagy.encoders import _inception, inception_maps
from autophagy.testing import check


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 3, 33, 47)).astype(np.uint8)


def random_weights(seed=0):
    """The published names and shapes of the first five convolutions."""
    draw = torch.Generator().manual_seed(seed)
    shapes = {"1a_3x3": (32, 3, 3), "2a_3x3": (32, 32, 3), "2b_3x3": (64, 32, 3), "3b_1x1": (80, 64, 1)}
    found = {}
    for name, (maps, channels, k) in {**shapes, "4a_3x3": (192, 80, 3)}.items():
        found[f"Conv2d_{name}.conv.weight"] = (
            torch.randn(maps, channels, k, k, generator=draw) / (channels * k * k) ** 0.5
        )
        for part in ("weight", "running_var"):
            found[f"Conv2d_{name}.bn.{part}"] = 0.5 + torch.rand(maps, generator=draw)
        for part in ("bias", "running_mean"):
            found[f"Conv2d_{name}.bn.{part}"] = 0.1 * torch.randn(maps, generator=draw)
    return found


@pytest.fixture
def inception(monkeypatch):
    """The encoder on random weights, as if they were those of the published file."""
    weights = random_weights()
    monkeypatch.setattr(_inception, "network", lambda path: _inception.Network(weights))
    monkeypatch.setattr(type(inception_maps.WEIGHTS), "missing", lambda self: None)
    return weights


@pytest.mark.parametrize("side", [31, 32, 40, 96])
@pytest.mark.parametrize("layer", ["relu1", "relu2", "relu5"])
def test_alexnets_features_are_the_means_of_its_maps(images, layer, side):
    encoder = build("encoder", {"use": "alexnet", "layer": layer, "side": side})
    maps = encoder.maps(images)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps.mean((2, 3)), encoder.encode(images), atol=1e-5 * maps.max())
    if layer == "relu1":
        assert maps.shape == (5, 64, (side - 3) // 4, (side - 3) // 4)


def test_a_change_in_a_corner_is_a_change_in_that_corner_of_the_maps(images):
    encoder = build("encoder", {"use": "alexnet", "layer": "relu1", "side": 96})
    square = np.repeat(images[:1, :, :32, :32], 3, axis=2).repeat(3, axis=3)
    other = square.copy()
    other[..., :12, 80:] ^= 255
    changed = (encoder.maps(square) != encoder.maps(other)).any((0, 1))
    assert changed[:2, -2:].any()
    assert not changed[5:].any()
    assert not changed[:, :17].any()


@pytest.mark.parametrize("side", [None, 64])
@pytest.mark.parametrize("layer", ["pool1", "conv4"])
def test_inceptions_maps_are_those_of_plain_convolutions(inception, images, layer, side):
    encoder = build("encoder", {"use": "inception-maps", "layer": layer, **({"side": side} if side else {})})
    x = torch.from_numpy(images).float()
    if side:
        x = F.interpolate(x, (side, side), mode="bilinear", antialias=True)
    x = (x - 128) / 128
    names = {"1a_3x3": (2, 0), "2a_3x3": (1, 0), "2b_3x3": (1, 1), "pool": None, "3b_1x1": (1, 0), "4a_3x3": (1, 0)}
    for name, how in list(names.items())[: 4 if layer == "pool1" else 6]:
        if how is None:
            x = F.max_pool2d(x, 3, 2)
            continue
        x = F.conv2d(x, inception[f"Conv2d_{name}.conv.weight"], None, *how)
        mean, var, gain, bias = (
            inception[f"Conv2d_{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.batch_norm(x, mean, var, gain, bias, eps=0.001).relu()
    found = encoder.maps(images)
    np.testing.assert_allclose(found, x.numpy(), atol=2e-5 * float(x.max()))
    np.testing.assert_allclose(encoder.encode(images), x.mean((2, 3)).numpy(), atol=2e-5 * float(x.max()))


def test_inceptions_maps_keep_the_claims_of_encoders(inception, images):
    encoder = build("encoder", "inception-maps")
    assert check(encoder)
    np.testing.assert_array_equal(encoder.maps(images[::-1])[::-1], encoder.maps(images))
    assert encoder.maps(images[:0]).shape == (0, 64, 6, 10)


def test_images_too_small_for_two_positions_are_refused(inception):
    encoder = build("encoder", "inception-maps")
    with pytest.raises(DataError, match=r"at least 15 pixels a side, but got 14; set side"):
        encoder.maps(np.zeros((1, 3, 14, 30), np.uint8))
    assert encoder.maps(np.zeros((1, 3, 15, 15), np.uint8)).shape == (1, 64, 2, 2)
    large = build("encoder", {"use": "inception-maps", "layer": "conv4"})
    assert large.maps(np.zeros((1, 3, 23, 23), np.uint8)).shape == (1, 192, 2, 2)


def test_an_encoder_without_maps_is_named():
    with pytest.raises(ConfigError, match=r"the test compares positions, but 'pixels' has one row"):
        SpatialEncoder.of(build("encoder", "pixels"), "the test")


def test_missing_weights_are_said_in_the_plan(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOPHAGY_CACHE", str(tmp_path))
    encoder = build("encoder", "inception-maps")
    assert "autophagy weights inception" in encoder.objection(None, None)
    with pytest.raises(DataError, match="autophagy weights inception"):
        encoder.encode(np.zeros((1, 3, 32, 32), np.uint8))
