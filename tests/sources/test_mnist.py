"""MNIST inside the package is MNIST."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files

import numpy as np
import pytest

from autophagy.core.errors import ConfigError, DataError
from autophagy.sources import _idx, mnist
from autophagy.sources.mnist import Mnist

PUBLISHED = {  # sha256 of the uncompressed files, first 16 digits
    "train-images-idx3-ubyte": "ba891046e6505d7a",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d7",
    "t10k-images-idx3-ubyte": "0fa7898d509279e4",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de3373",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_files_are_the_published_ones(name: str) -> None:
    packed = (files("autophagy") / "data" / "mnist" / f"{name}.gz").read_bytes()
    checksum = hashlib.sha256(gzip.decompress(packed)).hexdigest()
    assert checksum[:16] == PUBLISHED[name]
    assert checksum == mnist.CHECKSUMS[name]


def test_train_and_heldout_are_the_published_splits() -> None:
    source = Mnist()
    train, heldout = source.load("train"), source.load("heldout")
    assert train.shape == (60_000, 1, 28, 28)
    assert heldout.shape == (10_000, 1, 28, 28)
    assert train.dtype == np.uint8
    for split, images in (("train", train), ("heldout", heldout)):
        assert source.size(split) == len(images) == len(source.conditions(split))
    assert np.bincount(source.conditions("train")).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert round(float(train.mean()) / 255, 4) == 0.1307  # as everyone normalises it
    assert round(float(train.std()) / 255, 4) == 0.3081


def test_what_is_loaded_is_shared_and_cannot_be_written() -> None:
    images = Mnist().load("heldout")
    assert images is Mnist(caption="{label}").load("heldout")
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        Mnist().conditions("heldout")[0] = 1


def test_classes_become_captions() -> None:
    labels, captions = (Mnist(caption=c).conditions("heldout") for c in (None, "a photo of the digit {label} ({name})"))
    assert labels[:2].tolist() == [7, 2]
    assert captions[:2].tolist() == ["a photo of the digit 7 (seven)", "a photo of the digit 2 (two)"]


def test_a_bad_template_is_refused_when_written() -> None:
    with pytest.raises(ConfigError, match=r"only \{label\} and \{name\}"):
        Mnist(caption="{label.__class__}")


def test_a_package_whose_data_were_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = np.zeros(60_000, np.uint8)
    monkeypatch.setattr(_idx, "read", lambda *_: changed)
    with pytest.raises(DataError, match="is not MNIST any more; install autophagy again"):
        mnist._checked("train-labels-idx1-ubyte", 1)
