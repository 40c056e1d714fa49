"""Encoder `lpips`: its squared distances are the published metric's, without torch and wherever an image stands."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from threadpoolctl import threadpool_limits

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.encoders import _alexnet
from autophagy.encoders._images import resized

DIGEST = "4122f95f70472477be4df4b5b2c2bcda6846af146be7321c6b58aa349ff92068"
EXAMPLES = Path(__file__).parent / "lpips_examples"


@pytest.fixture(scope="module")
def encoder():
    return build("encoder", "lpips")


@pytest.fixture(scope="module")
def examples():
    """The published code's example images, (3, 3, 64, 64): the reference, and two that are held against it."""
    pictures = [Image.open(EXAMPLES / f"ex_{name}.png").convert("RGB") for name in ("ref", "p0", "p1")]
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (7, 3, 40, 56)).astype(np.uint8)


def between(features, i, j):
    gap = features[i].astype(np.float64) - features[j]
    return (gap**2).sum(-1)


def test_the_published_examples_have_the_published_distances(encoder, examples):
    found = encoder.encode(examples)
    assert [round(float(between(found, 0, i)), 3) for i in (1, 2)] == [0.722, 0.138]


@pytest.mark.parametrize("size", [(64, 64), (70, 97), (128, 66)])
def test_squared_distances_are_the_lpips_packages(encoder, examples, reference_networks, size):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, 3, *size)).astype(np.uint8)
    images[:3, :, :64, :64] = examples
    i, j = np.triu_indices(5, 1)
    colours = torch.from_numpy(images).float() / 127.5 - 1
    with torch.inference_mode():
        theirs = reference_networks.lpips()(colours[i], colours[j]).numpy().ravel()
    np.testing.assert_allclose(between(encoder.encode(images), i, j), theirs, atol=3e-7, rtol=0)


def test_weights_are_those_of_this_version(encoder):
    found = hashlib.sha256(_alexnet.WEIGHTS.read_bytes()).hexdigest()
    assert (encoder.version, found) == (1, DIGEST)  # new weights: raise this version and lpips-diversity's


def test_an_image_has_the_same_features_alone_in_any_place_and_on_any_threads(encoder, noise):
    found = encoder.encode(noise)
    for n in (1, 2, 6):
        np.testing.assert_array_equal(encoder.encode(noise[:n]), found[:n])
    np.testing.assert_array_equal(encoder.encode(noise[::-1]), found[::-1])
    with threadpool_limits(2):
        np.testing.assert_array_equal(encoder.encode(noise), found)


def test_copies_are_at_distance_zero(encoder, noise):
    copies = encoder.encode(np.repeat(noise[:1], 30, axis=0))
    assert (copies == copies[0]).all()


def test_grey_images_are_seen_as_rgb_ones(encoder, noise):
    grey = noise[:, :1]
    np.testing.assert_array_equal(encoder.encode(grey), encoder.encode(np.repeat(grey, 3, axis=1)))


@pytest.mark.parametrize(
    ("size", "smallest", "enlarged"),
    [
        ((28, 28), 64, (64, 64)),
        ((20, 30), 64, (64, 96)),
        ((64, 80), 64, (64, 80)),
        ((40, 40), 31, (40, 40)),
        ((1, 1), 31, (31, 31)),
    ],
)
def test_only_images_that_are_too_small_are_enlarged(size, smallest, enlarged):
    encoder = build("encoder", {"use": "lpips", "smallest": smallest})
    images = np.random.default_rng(2).integers(0, 256, (2, 3, *size)).astype(np.uint8)
    by_hand = resized(images.astype(np.float32), *enlarged)
    assert by_hand.shape[2:] == enlarged
    net = _alexnet.network()
    sizes = [found.shape[1:] for found in net.maps(by_hand)]
    found = encoder.encode(images)
    assert found.shape == (2, sum(int(np.prod(shape)) for shape in sizes))
    if size == enlarged:
        np.testing.assert_array_equal(by_hand, images)


def test_enlarging_is_torchs_bilinear():
    images = np.random.default_rng(3).integers(0, 256, (2, 3, 28, 40)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(images), (64, 91), mode="bilinear")
    np.testing.assert_allclose(resized(images, 64, 91), theirs.numpy(), atol=1e-3, rtol=0)  # grey levels


def test_less_than_one_position_is_refused():
    with pytest.raises(ConfigError, match="smallest must be at least 31"):
        build("encoder", {"use": "lpips", "smallest": 30})


def test_nothing_gives_nothing(encoder, noise):
    assert encoder.encode(noise[:0]).shape[0] == 0


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, 784)), np.full((2, 3, 64, 64), np.nan), np.zeros((2, 4, 64, 64), np.uint8)],
    ids=["vectors", "floats", "four channels"],
)
def test_anything_but_uint8_images_is_refused(encoder, samples):
    with pytest.raises(DataError, match=r"encoder 'lpips' takes uint8 images \(n, 1 or 3, height, width\), but got"):
        encoder.encode(samples)


def test_encoding_loads_no_torch():
    code = (
        "import sys, numpy as np; from autophagy.core.catalog import build;"
        "build('encoder', 'lpips').encode(np.zeros((1, 1, 28, 28), np.uint8)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
