"""Encoder `coloured-things`: torch's numbers without torch, and what its model card says of them."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from autophagy.core.abilities import Captions
from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.parts import Classifier
from autophagy.encoders import _coloured_things
from autophagy.sources._captions import DIGITS
from autophagy.sources._coloured import HUES
from autophagy.sources.coloured_garments import GARMENTS

ROWS = 3000  # of the 10,000 held-out digits
RIGHT = {"colour": 3000, "thing": 2952}
DIGEST = "727e15533ba5c2b151defef0c264b55add06bb15e5094a0b3ba56eaef1db8d7e"
TRAINER = Path(__file__).parents[2] / "tools" / "train_coloured_things.py"


@pytest.fixture(scope="module")
def encoder():
    return build("encoder", "coloured-things")


@pytest.fixture(scope="module")
def digits():
    """Images and captions of held-out digits in all six colours."""
    source = build("source", {"use": "coloured-digits", "colours": list(HUES)})
    return source.load("heldout")[:ROWS], source.conditions("heldout")[:ROWS]


@pytest.fixture(scope="module")
def features(encoder, digits):
    return encoder.encode(digits[0])  # (3000, 96)


def test_held_out_digits_are_read_as_its_card_says(encoder, digits, features):
    words, answers = encoder.words(), encoder.answers(features)
    right = {}
    for question, place in (("colour", -2), ("thing", -1)):
        said = np.array(words[question])[answers[question]]
        right[question] = int((said == [caption.split()[place] for caption in digits[1]]).sum())
    assert right == RIGHT


def test_its_words_are_those_of_the_sources(encoder):
    assert isinstance(encoder, Captions)
    assert encoder.words() == {"colour": tuple(HUES), "thing": (*DIGITS, *GARMENTS.values())}


def test_as_a_classifier_its_classes_are_the_things(encoder, digits, features):
    assert isinstance(encoder, Classifier)
    assert len(encoder.classes) == len(encoder.words()["thing"])
    np.testing.assert_array_equal(encoder.decide(features), encoder.answers(features)["thing"])
    np.testing.assert_array_equal(encoder.classify(digits[0][:20]), encoder.decide(features[:20]))


def test_features_and_answers_equal_torchs(encoder, digits, features, monkeypatch):
    import torch
    from safetensors.torch import load_file

    spec = importlib.util.spec_from_file_location("train_coloured_things", TRAINER)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # its dataclasses look for their module
    spec.loader.exec_module(module)
    net = module.ColouredThings()
    net.load_state_dict(load_file(_coloured_things.WEIGHTS))
    with torch.no_grad():
        theirs = net.features(torch.from_numpy(digits[0][:300].astype(np.float32) / 255))
        colour, thing = net(torch.from_numpy(digits[0][:300].astype(np.float32) / 255))
    np.testing.assert_allclose(features[:300], theirs.numpy(), atol=1e-4, rtol=1e-5)
    answers = encoder.answers(features[:300])
    np.testing.assert_array_equal(answers["colour"], colour.argmax(1).numpy())
    np.testing.assert_array_equal(answers["thing"], thing.argmax(1).numpy())


def test_weights_are_those_of_this_version(encoder):
    found = hashlib.sha256(_coloured_things.WEIGHTS.read_bytes()).hexdigest()
    assert (encoder.version, found) == (1, DIGEST)  # new weights: raise version


def test_a_picture_has_the_same_features_alone_in_any_place_and_on_any_threads(encoder, digits, features):
    for n in (1, 2, 15, 17):
        np.testing.assert_array_equal(encoder.encode(digits[0][:n]), features[:n])
    order = np.random.default_rng(0).permutation(200)
    np.testing.assert_array_equal(encoder.encode(digits[0][order]), features[order])
    with threadpool_limits(1):
        one = encoder.encode(digits[0][:100])
    with threadpool_limits(2):
        two = encoder.encode(digits[0][:100])
    np.testing.assert_array_equal(one, two)


def test_copies_of_a_picture_are_at_distance_zero(encoder, digits):
    copies = encoder.encode(np.repeat(digits[0][:1], 50, axis=0))
    assert (copies == copies[0]).all()


def test_no_feature_is_dead(features):
    assert np.linalg.matrix_rank(np.cov(features.T.astype(np.float64))) == _coloured_things.FEATURES


def test_larger_pictures_are_read_almost_as_well(encoder, digits, features):
    larger = np.repeat(np.repeat(digits[0][:300], 2, axis=2), 2, axis=3)
    assert (encoder.classify(larger) == encoder.decide(features[:300])).mean() > 0.98


def test_nothing_gives_nothing(encoder, digits):
    assert encoder.encode(digits[0][:0]).shape == (0, _coloured_things.FEATURES)
    assert {len(found) for found in encoder.answers(encoder.encode(digits[0][:0])).values()} == {0}


@pytest.mark.parametrize(
    "samples", [np.zeros((2, 3072)), np.zeros((2, 3, 32, 32)), np.array(["a digit"])], ids=["vectors", "floats", "text"]
)
def test_anything_but_uint8_images_is_refused(encoder, samples):
    with pytest.raises(DataError, match=r"encoder 'coloured-things' takes uint8 images"):
        encoder.encode(samples)


def test_encoding_loads_no_torch():
    code = (
        "import sys, numpy as np; from autophagy.core.catalog import build;"
        "build('encoder', 'coloured-things').classify(np.zeros((1, 3, 32, 32), np.uint8));"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
