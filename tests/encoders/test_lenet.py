"""Encoder `lenet`: torch's numbers without torch, the same for a picture wherever it stands."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.parts import Classifier
from autophagy.encoders import _images, _lenet

ACCURATE = 9955  # of the 10,000 held-out digits
DIGEST = "665a531a2dddeacfa765b1fdc16207c4012bd9ca6b7dc16af379bc9cb16724d1"
TRAINER = Path(__file__).parents[2] / "tools" / "train_lenet.py"


@pytest.fixture(scope="module")
def lenet():
    return build("encoder", "lenet")


@pytest.fixture(scope="module")
def digits():
    return build("source", "mnist").load("heldout")


@pytest.fixture(scope="module")
def features(lenet, digits):
    return lenet.encode(digits)  # (10000, 84)


@pytest.fixture(scope="module")
def torch_lenet():
    """The network as it was trained, with the shipped weights."""
    import torch
    from safetensors.torch import load_file

    spec = importlib.util.spec_from_file_location("train_lenet", TRAINER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.LeNet()
    net.load_state_dict(load_file(_lenet.WEIGHTS))

    def run(images):
        with torch.no_grad():
            found = net.features(torch.from_numpy(images.astype(np.float32) / 255))
            return found.numpy(), torch.softmax(net.fc3(found), 1).numpy()

    return run


def test_accuracy_on_the_10000_heldout_digits_is_what_the_model_card_says(lenet, features):
    truth = build("source", "mnist").conditions("heldout")
    right = int((lenet.decide(features) == truth).sum())
    assert right == ACCURATE
    card = (TRAINER.parents[1] / "docs" / "lenet.md").read_text()
    assert f"{right / 10_000:.2%}".replace("%", " %") in card


def test_features_and_probabilities_equal_torchs(lenet, digits, features, torch_lenet):
    theirs, odds = torch_lenet(digits[:500])
    np.testing.assert_allclose(features[:500], theirs, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(lenet.probabilities(features[:500]), odds, atol=1e-5)


def test_weights_are_those_of_this_version(lenet):
    assert (lenet.version, hashlib.sha256(_lenet.WEIGHTS.read_bytes()).hexdigest()) == (
        1,
        DIGEST,
    )  # new weights: raise version


def test_a_picture_has_the_same_features_alone_in_any_place_and_on_any_threads(lenet, digits, features):
    for n in (1, 2, 31, 33):
        np.testing.assert_array_equal(lenet.encode(digits[:n]), features[:n])
    order = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(lenet.encode(digits[order]), features[order])
    with threadpool_limits(1):
        one = lenet.encode(digits[:300])
    with threadpool_limits(2):
        two = lenet.encode(digits[:300])
    np.testing.assert_array_equal(one, two)


def test_copies_of_a_picture_are_at_distance_zero(lenet, digits):
    copies = lenet.encode(np.repeat(digits[:1], 100, axis=0))
    assert (copies == copies[0]).all()


def test_no_feature_is_dead(features):
    assert np.linalg.matrix_rank(np.cov(features.T.astype(np.float64))) == _lenet.FEATURES


def test_classify_is_decide_after_encode_and_the_likeliest(lenet, digits, features):
    assert isinstance(lenet, Classifier)
    labels = lenet.classify(digits[:200])
    assert labels.dtype == np.int64
    assert set(labels) <= set(lenet.classes)
    np.testing.assert_array_equal(labels, lenet.decide(features[:200]))
    odds = lenet.probabilities(features[:200])
    np.testing.assert_array_equal(labels, odds.argmax(1))
    np.testing.assert_allclose(odds.sum(1), 1, atol=1e-6)


def test_grey_digits_in_three_channels_are_seen_as_the_digits(lenet, digits, features):
    coloured = lenet.encode(np.repeat(digits[:200], 3, axis=1))
    np.testing.assert_allclose(coloured, features[:200], atol=1e-3)


@pytest.mark.parametrize("side", [56, 112])
def test_larger_digits_are_read_almost_as_well(lenet, digits, side):
    truth = build("source", "mnist").conditions("heldout")[:500]
    larger = np.repeat(np.repeat(digits[:500], side // 28, axis=2), side // 28, axis=3)
    assert (lenet.classify(larger) == truth).mean() > 0.98


@pytest.mark.parametrize("size", [(8, 8), (64, 48), (28, 100)])
def test_resizing_is_pillows_bilinear(size):
    image = np.random.default_rng(4).integers(0, 256, size, np.uint8)
    theirs = np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.BILINEAR), np.float64)
    ours = _images.small_grey(image[None, None], 28)[0] * 255
    assert np.abs(ours - theirs).max() <= 1.5  # Pillow rounds to whole grey levels after each of its two passes


def test_grey_is_pillows_luma():
    colours = np.random.default_rng(5).integers(0, 256, (28, 28, 3), np.uint8)
    theirs = np.asarray(Image.fromarray(colours).convert("L"), np.float64)
    ours = _images.small_grey(colours.transpose(2, 0, 1)[None], 28)[0] * 255
    assert np.abs(ours - theirs).max() <= 1


def test_nothing_gives_nothing(lenet, digits):
    assert lenet.encode(digits[:0]).shape == (0, 84)
    assert lenet.classify(digits[:0]).shape == (0,)


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, 784)), np.zeros((2, 1, 28, 28)), np.zeros((2, 4, 28, 28), np.uint8), np.array(["a digit"])],
    ids=["vectors", "floats", "four channels", "text"],
)
def test_anything_but_uint8_images_is_refused(lenet, samples):
    with pytest.raises(DataError, match=r"encoder 'lenet' takes uint8 images \(n, 1 or 3, height, width\), but got"):
        lenet.encode(samples)


def test_encoding_loads_no_torch():
    code = (
        "import sys, numpy as np; from autophagy.core.catalog import build;"
        "build('encoder', 'lenet').classify(np.zeros((1, 1, 28, 28), np.uint8)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
