"""Texts as rows of numbered units: words, characters, or the tokens that a source gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Unit = Literal["word", "character"]


def split(text: str, unit: Unit) -> list[str]:
    """A text's words, which are what stands between white space, or its characters.

    A zero, which NumPy takes for the end of a string, is white space too, and no character.
    """
    return text.replace("\0", " ").split() if unit == "word" else list(text.replace("\0", ""))


def joined(units: Sequence[str], unit: Unit) -> str:
    """The text that has these units; words are put together with single spaces."""
    return (" " if unit == "word" else "").join(units)


@dataclass(frozen=True)
class Rows:
    """Texts end to end.

    Attributes:
        ids: `(m,)` int64, the units of all texts.
        lengths: `(n,)` int64, how many belong to each.
    """

    ids: np.ndarray
    lengths: np.ndarray

    @property
    def row(self) -> np.ndarray:
        """`(m,)` int64: the text that each unit belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def starts(self) -> np.ndarray:
        """`(n,)` int64: where each text begins."""
        return np.asarray(np.cumsum(self.lengths) - self.lengths)


def types_of(samples: np.ndarray, unit: Unit) -> np.ndarray:
    """Returns `(v,)` the different units of texts `(n,)` or rows of tokens `(n, length)`, rising."""
    if samples.ndim == 2:
        return np.unique(samples).astype(np.int64)
    return np.array(sorted({one for text in samples.tolist() for one in split(text, unit)}), np.str_)


def numbered(samples: np.ndarray, types: np.ndarray, unit: Unit, *, unknown: int = -1) -> Rows:
    """Returns texts `(n,)` or rows of tokens `(n, length)` as places in `types` `(v,)`, which rise.

    What is not among them is `unknown`.
    """
    if samples.ndim == 2:
        flat = samples.reshape(-1).astype(np.int64)
        lengths = np.full(len(samples), samples.shape[1], np.int64)
        if not len(types):
            return Rows(np.full(len(flat), unknown, np.int64), lengths)
        place = np.minimum(np.searchsorted(types, flat), len(types) - 1)
        return Rows(np.where(types[place] == flat, place, unknown), lengths)
    split_up = [split(text, unit) for text in samples.tolist()]
    number = {one: i for i, one in enumerate(types.tolist())}
    ids = np.array([number.get(one, unknown) for units in split_up for one in units], np.int64)
    return Rows(ids, np.array([len(units) for units in split_up], np.int64))


def written(ids: Sequence[np.ndarray], types: np.ndarray, unit: Unit) -> np.ndarray:
    """Returns the texts `(n,)` that rows of places in `types` stand for."""
    return np.array([joined(types[row].tolist(), unit) for row in ids], np.str_)
