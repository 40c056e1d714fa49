"""Small handwritten digits, 8 × 8: real images for quick runs and tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Collection, Split
from autophagy.sources import _captions

_SIZE = {"train": 1201, "heldout": 596}


@register("digits")
@dataclass(frozen=True)
class Digits(Collection):
    """Images (1, 8, 8), classes 0–9, from scikit-learn (Alpaydin and Kaynak 1998).

    Every third image of each class is held out, so both splits hold every class
    and every writer in the same proportions.

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
        return _captions.conditions(_read(split)[1], self.caption, _captions.DIGITS)

    def load(self, split: Split) -> np.ndarray:
        return _read(split)[0]


@lru_cache(maxsize=2)
def _read(split: Split) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, None]  # (1797, 1, 8, 8), from levels 0–16
    labels = found.target.astype(np.int64)
    rank = np.zeros(len(labels), np.int64)  # the how-manieth of its class each image is
    for label in range(10):
        rank[labels == label] = np.arange((labels == label).sum())
    rows = (rank % 3 == 2) == (split == "heldout")
    images, labels = images[rows], labels[rows]
    images.setflags(write=False)
    labels.setflags(write=False)
    return images, labels
