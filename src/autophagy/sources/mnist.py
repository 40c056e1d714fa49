"""MNIST: 70,000 handwritten digits, inside the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Collection, Split
from autophagy.sources import _captions, _idx

# sha256 of the plain IDX files, as they were first published
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_PREFIX = {"train": "train", "heldout": "t10k"}
_SIZE = {"train": 60_000, "heldout": 10_000}


@register("mnist")
@dataclass(frozen=True)
class Mnist(Collection):
    """Images (1, 28, 28), classes 0–9; the test set is held out. LeCun, Cortes and Burges; CC BY-SA 3.0.

    Attributes:
        caption: turns classes into captions, e.g. "a photo of the digit {label}" (or {name}: "seven").
    """

    space = "images"
    caption: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _captions.check_template(self.caption)

    def size(self, split: Split) -> int:
        return _SIZE[split]

    def conditions(self, split: Split) -> np.ndarray:
        return _captions.conditions(_labels(split), self.caption, _captions.DIGITS)

    def load(self, split: Split) -> np.ndarray:
        return _images(split)

    def content(self) -> str:
        return CHECKSUMS["train-images-idx3-ubyte"][:32]  # what is read is held against the checksums anyway


@lru_cache(maxsize=2)
def _images(split: Split) -> np.ndarray:
    return _checked(f"{_PREFIX[split]}-images-idx3-ubyte", 3)[:, None]  # (n, 1, 28, 28)


@lru_cache(maxsize=2)
def _labels(split: Split) -> np.ndarray:
    labels = _checked(f"{_PREFIX[split]}-labels-idx1-ubyte", 1).astype(np.int64)
    labels.setflags(write=False)
    return labels


def _checked(name: str, dimensions: int) -> np.ndarray:
    array = _idx.read(files("autophagy") / "data" / "mnist" / f"{name}.gz", dimensions)
    if _idx.sha256(array) != CHECKSUMS[name]:
        raise DataError(f"'{name}.gz' inside the package is not MNIST any more; install autophagy again.")
    return array
