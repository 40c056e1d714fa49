"""Squared Euclidean distances between two sets of rows: fast products first, exact numbers where they decide.

A block of distances comes from one matrix product, with a bound on its error.
Whoever compares a distance with anything asks for the exact one wherever that
bound leaves a doubt, so counts and neighbours never depend on the precision,
the block size or the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from .rows import blocks

CELLS = 2**19  # of a block of distances: what stays in a processor's cache
GATHERED = 2**16  # numbers of a strip of exact differences
GREY = 128.0  # centres 0–255
KINDS: tuple[type[np.floating], ...] = (np.float32, np.float64)  # by level
EXACT_WIDTH = 1024  # products of that many numbers within ±128 are whole numbers below 2²⁴: exact in float32


class Screen(Protocol):
    """Distances from the rows of one set to all rows of another, as precisely as the level says."""

    levels: int  # ≥ 1; higher is more precise and slower
    unit: float  # a power of two: a squared distance is `squares · unit`

    def squares(self, rows: slice, level: int, first: int = 0) -> tuple[np.ndarray, float]:
        """Returns `(r, m − first)`, other rows from `first` on, and the largest error any entry can have."""

    def exact(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Returns `(p,)` float64, the squared distances of the pairs `(i, j)`, from differences."""


def screen(a: np.ndarray, b: np.ndarray) -> Screen:
    """Prepares `a` `(n, d)` and `b` `(m, d)`: finite floats, or uint8 on both sides."""
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"rows must be equally wide, but are {a.shape[1]} and {b.shape[1]} wide.")
    return _Bytes(a, b) if a.dtype == b.dtype == np.uint8 else _Floats(a, b)


def row_blocks(n: int, m: int) -> Iterator[slice]:
    """Slices of `n` rows that are compared with `m` others at a time."""
    return blocks(n, max(64, CELLS // max(m, 1)))


def is_few(count: int, cells: int) -> bool:
    """Whether exact distances for `count` of `cells` pairs cost less than a more precise product."""
    return count <= cells // 64 + 64


def where(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`np.nonzero` of a contiguous table, at twice its speed."""
    i, j = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return i, j


def exact_squares(a: np.ndarray, b: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Returns `(p,)` float64 of ‖aᵢ − bⱼ‖², bit-equal with the two sets exchanged."""
    found = np.empty(len(i))
    for part in blocks(len(i), max(1, GATHERED // max(a.shape[1], 1))):
        gap = a[i[part]].astype(np.float64) - b[j[part]]  # (p, d)
        found[part] = np.einsum("pd,pd->p", gap, gap)
    return found


class _Floats:
    """Centred on the second set, scaled by a power of two, in float32 and then in float64."""

    levels = len(KINDS)

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self._a, self._b = a, b
        self._centre = b.mean(0, dtype=np.float64)  # (d,)
        top = max(_reach(rows, self._centre) for rows in (a, b))
        power = min(max(-int(np.frexp(top)[1]), -500), 500) if top > 0 else 0
        self._scale = float(np.ldexp(1.0, power))  # brings all numbers within ±1, whose squares float32 can hold
        self.unit = self._scale**-2
        self._lifted: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def squares(self, rows: slice, level: int, first: int = 0) -> tuple[np.ndarray, float]:
        """By (−2a, ‖a‖², 1) · (b, 1, ‖b‖²), so that one product is the whole distance."""
        if level not in self._lifted:
            kind = KINDS[level]
            right = _lifted(self._b, self._centre, self._scale, kind)
            left = right.copy() if self._a is self._b else _lifted(self._a, self._centre, self._scale, kind)
            left[:, :-2] *= -2
            left[:, [-2, -1]] = left[:, [-1, -2]]
            self._lifted[level] = left, right
        left, right = self._lifted[level]
        return left[rows] @ right[first:].T, _slack(left[rows], right)

    def exact(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return exact_squares(self._a, self._b, i, j)


def _reach(rows: np.ndarray, centre: np.ndarray) -> float:
    return max((float(np.abs(rows[part] - centre).max()) for part in _strips(rows)), default=0.0)


def _lifted(rows: np.ndarray, centre: np.ndarray, scale: float, kind: type[np.floating]) -> np.ndarray:
    """Returns `(n, d + 2)`: the rows centred and scaled, a one, their squared norms."""
    lifted = np.empty((len(rows), rows.shape[1] + 2), kind)
    for part in _strips(rows):
        moved = (rows[part] - centre) * scale  # float64
        lifted[part, :-2] = moved
        lifted[part, -1] = np.einsum("nd,nd->n", moved, moved)
    lifted[:, -2] = 1
    return lifted


def _strips(rows: np.ndarray) -> Iterator[slice]:
    return blocks(len(rows), max(1, CELLS // max(rows.shape[1], 1)))


def _slack(left: np.ndarray, right: np.ndarray) -> float:
    """A bound on the error of `left @ right.T`: width roundings in each product, and those of the inputs.

    |fl(x·y) − x·y| ≤ γ_w |x|·|y|, and 2‖a‖‖b‖ ≤ ‖a‖² + ‖b‖² (Higham 2002, section 3.1).
    """
    kind, width = np.finfo(left.dtype), left.shape[1]
    norms = float(left[:, -2].max()) + float(right[:, -1].max())
    return float(1.1 * (width + 8) * kind.eps * norms + 8 * width * kind.smallest_normal)


class _Bytes:
    """Whole numbers 0–255, whose squared distances come out exact at the speed of float32."""

    levels = 1
    unit = 1.0

    def __init__(self, a: np.ndarray, b: np.ndarray) -> None:
        self._a, self._b = a, b
        self._left = a.astype(np.float32) - np.float32(GREY)
        self._right = self._left if b is a else b.astype(np.float32) - np.float32(GREY)
        self._left_norms, self._right_norms = _norms(self._left), _norms(self._right)

    def squares(self, rows: slice, level: int, first: int = 0) -> tuple[np.ndarray, float]:
        squares = self._left_norms[rows, None] + self._right_norms[first:]  # float64
        for part in blocks(self._left.shape[1], EXACT_WIDTH):
            product = self._left[rows, part] @ self._right[first:, part].T
            product *= 2  # still exact: a power of two
            squares -= product
        return squares, 0.0

    def exact(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return exact_squares(self._a, self._b, i, j)


def _norms(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    return found
