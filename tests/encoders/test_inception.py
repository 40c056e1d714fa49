"""Encoder `inception`: torch-fidelity's features with the same (random) weights, wherever an image stands.

The published weights are not at hand where tests run, so their file's hash is
replaced by that of a file of random ones; nothing else is.
"""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.encoders import _inception, _inception_weights, inception
from autophagy.testing import check


@pytest.fixture(scope="module")
def reference(reference_networks):
    """torch-fidelity's extractor."""
    return reference_networks.inception()


@pytest.fixture(scope="module")
def published(reference, tmp_path_factory):
    """A file like the published one, of the reference's weights."""
    path = tmp_path_factory.mktemp("published") / "weights.pth"
    torch.save({name: w for name, w in reference.state_dict().items() if not name.startswith("fc.")}, path)
    return path


@pytest.fixture(scope="module")
def encoder(published, tmp_path_factory):
    """The encoder, with those weights installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOPHAGY_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = hashlib.sha256(published.read_bytes()).hexdigest()
        weights = replace(_inception_weights.WEIGHTS, sha256=found, size=published.stat().st_size)
        for module in (inception, _inception):
            patch.setattr(module, "WEIGHTS", weights)
        weights.install(published)
        yield build("encoder", "inception")
        _inception.network.cache_clear()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 3, 32, 48)).astype(np.uint8)


@pytest.fixture(scope="module")
def features(encoder, images):
    return encoder.encode(images)  # (9, 2048)


def test_features_are_torch_fidelitys(reference, encoder, features, images):
    with torch.inference_mode():
        theirs = reference(torch.from_numpy(images[:3]))[0].numpy()
    assert features.dtype == np.float32
    assert features.shape == (9, 2048)
    assert (theirs.std(0) > 0.01 * theirs.std()).mean() > 0.5  # a comparison of features that tell images apart
    np.testing.assert_allclose(features[:3], theirs, atol=2e-6 * np.abs(theirs).max(), rtol=0)


@pytest.mark.parametrize("size", [(28, 28), (33, 47), (299, 299), (512, 300), (1, 5)])
def test_resizing_is_tensorflow_1s(reference_networks, size):
    module = reference_networks.imported("torch_fidelity.interpolate_compat_tensorflow")
    images = np.random.default_rng(1).integers(0, 256, (2, 3, *size)).astype(np.uint8)
    theirs = module.interpolate_bilinear_2d_like_tensorflow1x(
        torch.from_numpy(images).float(), size=(299, 299), align_corners=False
    )
    ours = _inception.prepared(images) * 128 + 128
    assert float((ours - theirs).abs().max()) <= 5e-5  # grey levels


def test_an_image_has_the_same_features_in_any_place_and_beside_any_others(encoder, features, images):
    np.testing.assert_array_equal(encoder.encode(images[:1]), features[:1])
    np.testing.assert_array_equal(encoder.encode(images[::-1]), features[::-1])


def test_the_number_of_threads_changes_no_bit(encoder, features, images):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3 if before == 1 else 1)
        np.testing.assert_array_equal(encoder.encode(images), features)
        assert torch.get_num_threads() == (3 if before == 1 else 1)
    finally:
        torch.set_num_threads(before)


def test_grey_images_are_seen_as_rgb_ones(encoder, images):
    grey = images[:2, :1]
    np.testing.assert_array_equal(encoder.encode(grey), encoder.encode(np.repeat(grey, 3, axis=1)))


def test_nothing_gives_nothing(encoder, images):
    assert encoder.encode(images[:0]).shape == (0, 2048)


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, 784)), np.full((2, 3, 32, 32), np.nan), np.zeros((2, 3, 32, 32), np.float32)],
    ids=["vectors", "not a number", "floats in 0..1"],
)
def test_anything_but_uint8_images_is_refused(encoder, samples):
    with pytest.raises(DataError, match=r"encoder 'inception' takes uint8 images .*, but got float"):
        encoder.encode(samples)


def test_it_keeps_the_claims_of_encoders(encoder, monkeypatch):
    monkeypatch.setattr(_inception.Network, "pool3", lambda _, images: images.flatten(1)[:, ::131][:, :2048])
    assert check(encoder)
