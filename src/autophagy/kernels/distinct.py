"""A set of rows without its repetitions: a collapsed set is small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array, to_numpy
from .products import placed
from .rows import blocks

STRIP = 2**19  # bytes that are worked on at a time


@dataclass(frozen=True)
class Distinct:
    """Rows that differ; two that are equal may be left if their bytes are not (0 and −0).

    Attributes:
        rows: `(u, d)`, in the order in which they first come.
        weight: `(u,)` float64, how often each occurs.
        place: `(n,)` where each row of the set went.
    """

    rows: Array
    weight: np.ndarray
    place: np.ndarray


def distinct(rows: Array) -> Distinct:
    """Finds rows that are equal byte for byte."""
    rows = placed(rows)
    _, first, place = np.unique(_sums(rows), return_index=True, return_inverse=True)
    first = first[place]  # (n,) the row that each one repeats, perhaps itself
    repeats = np.flatnonzero(first != np.arange(len(rows)))
    if not len(repeats):
        return Distinct(rows, np.ones(len(rows)), np.arange(len(rows)))
    chance = repeats[~_are_equal(rows, repeats, first[repeats])]  # the same sum of other bytes
    first[chance] = chance
    kept, place = np.unique(first, return_inverse=True)
    return Distinct(rows[kept], np.bincount(place).astype(np.float64), place)


def _sums(rows: Array) -> np.ndarray:
    """Returns `(n,)` uint64 that differ where rows do, but for chance."""
    found = np.empty(len(rows), np.uint64)
    size = -(-to_numpy(rows[:1]).nbytes // 8)  # of a row in words
    factors = np.random.default_rng(0).integers(0, 2**63, size, np.uint64) * 2 + 1
    for part in blocks(len(rows), max(1, STRIP // max(8 * size, 1))):
        strip = np.ascontiguousarray(to_numpy(rows[part]))
        words = np.zeros((len(strip), 8 * size), np.uint8)
        words[:, : strip.nbytes // len(strip)] = strip.view(np.uint8).reshape(len(strip), -1)
        mixed = words.view(np.uint64)
        mixed ^= mixed >> 29  # round numbers end in zeros, which products would keep
        found[part] = np.einsum("nw,w->n", mixed, factors)
    return found


def _are_equal(rows: Array, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    found = np.empty(len(i), bool)
    for part in blocks(len(i), max(1, STRIP // max(8 * rows.shape[1], 1))):
        found[part] = to_numpy((rows[i[part]] == rows[j[part]]).all(1))
    return found
