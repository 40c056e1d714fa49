"""Encoder `alexnet`: torch's numbers without torch, the same for an image wherever it stands."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from threadpoolctl import threadpool_limits

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.identity import part_key
from autophagy.encoders import _alexnet

LAYERS = {"relu1": 64, "relu2": 192, "relu3": 384, "relu4": 256, "relu5": 256}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # ImageNet's, of colours in 0 … 1


def alexnet(**settings):
    return build("encoder", {"use": "alexnet", **settings})


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (7, 3, 40, 56)).astype(np.uint8)


def torchs(images, layer):
    """The same layer by torch's convolutions, `images` `(n, 3, h, w)`, 0–255."""
    weights = load_file(_alexnet.WEIGHTS)
    x = (torch.from_numpy(images).float() / 255 - MEAN[:, None, None]) / STD[:, None, None]
    for number, (stride, padding) in enumerate([(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)][:layer], 1):
        x = F.max_pool2d(x, 3, 2) if number in (2, 3) else x
        x = F.relu(F.conv2d(x, weights[f"conv{number}.weight"], weights[f"conv{number}.bias"], stride, padding))
    return x.mean((2, 3)).numpy()


@pytest.mark.parametrize("layer", LAYERS)
def test_features_are_the_means_of_torchs_maps(noise, layer):
    images = np.ascontiguousarray(noise[:, :, :, :40])  # no resize
    found = alexnet(layer=layer, side=40).encode(images)
    assert found.shape == (7, LAYERS[layer])
    assert found.dtype == np.float32
    theirs = torchs(images, int(layer[-1]))
    np.testing.assert_allclose(found, theirs, atol=1e-5 * theirs.max(), rtol=1e-4)


def test_the_whole_frame_is_resized_by_an_antialiased_triangle(noise):
    large = np.repeat(np.repeat(noise[:, :, :, :40], 3, axis=2), 3, axis=3)
    resized = F.interpolate(torch.from_numpy(large).float(), (62, 62), mode="bilinear", antialias=True)
    theirs = torchs(resized.numpy(), 3)
    np.testing.assert_allclose(alexnet(side=62).encode(large), theirs, atol=1e-4 * theirs.max(), rtol=0)


def test_learned_features_tell_digits_apart():
    """By the class of the nearest of 500 others."""
    source = build("source", "mnist")
    digits, classes = source.load("heldout")[:700], source.conditions("heldout")[:700]
    found = alexnet(side=64).encode(digits)
    gaps = ((found[500:, None] - found[None, :500]) ** 2).sum(-1)
    assert (classes[gaps.argmin(1)] == classes[500:]).mean() >= 0.75  # 0.795 was found; 0.1 is chance


def test_an_image_has_the_same_features_alone_in_any_place_and_on_any_threads(noise):
    encoder = alexnet()
    found = encoder.encode(noise)
    for n in (1, 2, 6):
        np.testing.assert_array_equal(encoder.encode(noise[:n]), found[:n])
    np.testing.assert_array_equal(encoder.encode(noise[::-1]), found[::-1])
    with threadpool_limits(2):
        np.testing.assert_array_equal(encoder.encode(noise), found)


def test_grey_images_are_seen_as_rgb_ones(noise):
    grey = noise[:, :1]
    np.testing.assert_array_equal(alexnet().encode(grey), alexnet().encode(np.repeat(grey, 3, axis=1)))


def test_the_layer_and_the_side_are_in_the_key():
    assert len({part_key(alexnet(**settings)) for settings in ({}, {"layer": "relu5"}, {"side": 128})}) == 3


def test_nothing_gives_nothing(noise):
    assert alexnet().encode(noise[:0]).shape == (0, 384)


def test_less_than_one_position_is_refused():
    with pytest.raises(ConfigError, match="side must be at least 31"):
        alexnet(side=30)


@pytest.mark.parametrize("samples", [np.zeros((2, 784)), np.zeros((2, 3, 64, 64), np.float32)], ids=["rows", "floats"])
def test_anything_but_uint8_images_is_refused(samples):
    with pytest.raises(DataError, match=r"encoder 'alexnet' takes uint8 images \(n, 1 or 3, height, width\), but got"):
        alexnet().encode(samples)


def test_encoding_loads_no_torch():
    code = (
        "import sys, numpy as np; from autophagy.core.catalog import build;"
        "build('encoder', 'alexnet').encode(np.zeros((1, 1, 28, 28), np.uint8)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
