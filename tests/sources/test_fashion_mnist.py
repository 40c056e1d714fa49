"""Fashion-MNIST is read from files at hand, plain or packed, or the error says where to get it."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.errors import DataError, MissingPackage
from autophagy.sources import _idx, fashion_mnist
from autophagy.sources.fashion_mnist import CLASSES, DEBIAN, FashionMnist


def test_reads_the_four_files_of_a_folder(fashion_files: Path) -> None:
    source = FashionMnist(folder=str(fashion_files))
    for split, prefix, n in (("train", "train", 30), ("heldout", "t10k", 10)):
        images, labels = source.load(split), source.conditions(split)  # type: ignore[arg-type]
        assert images.shape == (n, 1, 28, 28)
        assert source.size(split) == n  # type: ignore[arg-type]
        assert np.array_equal(images[:, 0], _idx.read(fashion_files / f"{prefix}-images-idx3-ubyte", 3))
        assert np.array_equal(labels, _idx.read(fashion_files / f"{prefix}-labels-idx1-ubyte", 1))
        assert not images.flags.writeable
        assert not labels.flags.writeable


def test_packing_the_files_changes_nothing(fashion_files: Path) -> None:
    source = FashionMnist(folder=str(fashion_files))
    before, content = source.load("train"), source.content()
    for path in list(fashion_files.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert np.array_equal(source.load("train"), before)
    assert source.content() == content


@pytest.mark.parametrize(
    "name",
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
)
def test_one_changed_byte_is_other_data(fashion_files: Path, name: str) -> None:
    source = FashionMnist(folder=str(fashion_files))
    before = source.content()
    path = fashion_files / name
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(bytes(changed))
    assert source.content() != before


def test_files_that_do_not_belong_together_are_refused(fashion_files: Path) -> None:
    (fashion_files / "t10k-labels-idx1-ubyte").write_bytes((fashion_files / "train-labels-idx1-ubyte").read_bytes())
    with pytest.raises(DataError, match="found 10 images but 30 labels for 'heldout'"):
        FashionMnist(folder=str(fashion_files)).load("heldout")


def test_an_impossible_label_is_refused(fashion_files: Path) -> None:
    (fashion_files / "t10k-labels-idx1-ubyte").write_bytes(_idx.header((10,)) + bytes([10] * 10))
    with pytest.raises(DataError, match="has the label 10, but Fashion-MNIST's are 0–9"):
        FashionMnist(folder=str(fashion_files)).conditions("heldout")


def test_a_folder_without_the_files_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no file train-images-idx3-ubyte or .*install Debian's"):
        FashionMnist(folder=str(tmp_path)).load("train")


def test_without_files_or_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackage, match=r"pip install 'autophagy\[hub\]'"):
        FashionMnist().load("train")


def test_names_make_captions(fashion_files: Path) -> None:
    labels, captions = (FashionMnist(str(fashion_files), caption=c).conditions("train") for c in (None, "a {name}"))
    assert captions.tolist() == [f"a {CLASSES[label]}" for label in labels]


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_package_is_found() -> None:
    source = FashionMnist()
    assert source.load("train").shape == (60_000, 1, 28, 28)
    assert np.bincount(source.conditions("train")).tolist() == [6000] * 10
    assert np.bincount(source.conditions("heldout")).tolist() == [1000] * 10
