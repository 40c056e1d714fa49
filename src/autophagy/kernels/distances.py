"""Squared Euclidean distances between two sets of rows: fast products first, exact numbers where they decide.

A tile of distances comes from one matrix product, with a bound on its error.
Whoever compares a distance with anything asks for the exact one wherever that
bound leaves a doubt, so counts and neighbours never depend on the precision,
the tile's size, the number of threads, or where the rows lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from .arrays import Array, is_on_device, is_tensor, to_numpy
from .instructions import BYTES, HALVES, multiplies
from .levels import DOUBLE, HALF, SINGLE, WIDEST, Bytes, Frame, Level, Products
from .products import placed
from .rows import blocks
from .tiles import Tile

if TYPE_CHECKING:
    import torch

TILE = (512, 2048)  # rows and others of a tile: what stays in a processor's cache
DEVICE_TILE = (4096, 8192)
GATHERED = 2**16  # numbers of a strip of exact differences


class Screen:
    """Two sets of rows, and their distances as precisely as a level says; higher is more precise and slower."""

    def __init__(self, a: Array, b: Array) -> None:
        """Takes finite floats, or bytes: `(n, d)` and `(m, d)`. Sets that are one object are one set."""
        if a.shape[1] != b.shape[1]:
            raise ValueError(f"rows must be equally wide, but are {a.shape[1]} and {b.shape[1]} wide.")
        self._a, self._b = _together(a, b)
        self._makers = self._plan()
        self._made: dict[int, Level] = {}

    @property
    def levels(self) -> int:
        return len(self._makers)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and others that a tile should have."""
        return DEVICE_TILE if is_tensor(self._a) else TILE

    def tile(self, rows: slice, others: slice, level: int, aim: float = 0.0) -> Tile:
        """Returns the distances from `rows` to `others`; squared ones near `aim` are told apart best."""
        if level not in self._made:
            self._made[level] = self._makers[level]()
        return self._made[level].tile(rows, others, aim)

    def exact(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Returns `(p,)` float64, the squared distances of the pairs `(i, j)`, from differences."""
        return exact_squares(self._a, self._b, i, j)

    def settled(self, i: np.ndarray, j: np.ndarray, *marks: np.ndarray) -> np.ndarray:
        """Returns `(p,)` squared distances of the pairs `(i, j)`: exact, or on the same side of every mark `(p,)`."""
        low, high = bounded_squares(self._a, self._b, i, j)
        doubtful = np.flatnonzero(np.any([(low <= mark) & (mark <= high) for mark in marks], axis=0) & (low < high))
        high[doubtful] = exact_squares(self._a, self._b, i[doubtful], j[doubtful])
        return high

    def _plan(self) -> list[Callable[[], Level]]:
        a, b = self._a, self._b
        work = float(len(a)) * len(b) * a.shape[1]
        if not is_tensor(a) and not is_tensor(b) and a.dtype == b.dtype == np.uint8 and a.shape[1] <= WIDEST:
            is_fast = a.shape[1] > 1 and multiplies(BYTES, work)  # torch 2.13 gets columns times rows wrong
            return [partial(Bytes, a, b, is_fast=is_fast)]
        precisions = [SINGLE, DOUBLE]
        if is_tensor(a) and not _multiplies_single(a.device):
            precisions = [DOUBLE]
        elif not is_tensor(a) and multiplies(HALVES, work):
            precisions = [HALF, *precisions]
        return [partial(Products, a, b, self._frame, precision) for precision in precisions]

    @cached_property
    def _frame(self) -> Frame:
        return Frame.around(self._a, self._b)


def tiles(n: int, m: int, shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Covers a table of n rows and m columns."""
    for rows in blocks(n, shape[0]):
        for others in blocks(m, shape[1]):
            yield rows, others


def triangle(n: int, shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Covers the pairs of one set, each once: squares on the diagonal, and what lies right of them."""
    for rows in blocks(n, shape[0]):
        yield rows, rows
        for others in blocks(n - rows.stop, shape[1]):
            yield rows, slice(rows.stop + others.start, rows.stop + others.stop)


def is_few(doubtful: int, cells: int) -> bool:
    """Whether exact distances for so many pairs of a tile cost less than a more precise product."""
    return doubtful <= cells // 64 + 64


def exact_squares(a: Array, b: Array, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Returns `(p,)` float64 of ‖aᵢ − bⱼ‖², bit-equal with the two sets exchanged, wherever they lie."""
    found = np.empty(len(i))
    for part in blocks(len(i), max(1, GATHERED // max(a.shape[1], 1))):
        gap = to_numpy(a[i[part]]).astype(np.float64)  # (p, d)
        gap -= to_numpy(b[j[part]])
        found[part] = np.einsum("pd,pd->p", gap, gap)
    return found


def bounded_squares(a: Array, b: Array, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns what ‖aᵢ − bⱼ‖² is at least and at most, in a third of the time; exact where there is no faster way."""
    if is_tensor(a) or is_tensor(b) or not a.dtype == b.dtype == np.float32:
        found = exact_squares(a, b, i, j)
        return found, found
    found, size = np.empty(len(i)), max(1, GATHERED // max(a.shape[1], 1))
    gap, other = np.empty((2, min(size, len(i)), a.shape[1]), np.float32)
    for part in blocks(len(i), size):
        p = part.stop - part.start
        a.take(i[part], 0, out=gap[:p], mode="clip")  # writes in place, as the default mode does not
        b.take(j[part], 0, out=other[:p], mode="clip")
        with np.errstate(over="ignore"):  # an infinity sends the pair to the exact way
            np.subtract(gap[:p], other[:p], out=gap[:p])
            found[part] = np.vecdot(gap[:p], gap[:p])
    single = np.finfo(np.float32)
    loss = 0.51 * (a.shape[1] + 8) * float(single.eps)  # γ of d + 3 roundings
    sunk = 2 * a.shape[1] * float(single.smallest_normal)
    found[~np.isfinite(found)] = np.inf
    low = np.where(found < np.inf, found * (1 - loss) - sunk, 0.0)
    return low, found * (1 + loss) + sunk


def _together(a: Array, b: Array) -> tuple[Array, Array]:
    """Both sets in NumPy, or both on the accelerator that holds one of them; one set stays one."""
    if a is b:
        a = placed(a)
        return a, a
    a, b = placed(a), placed(b)
    if is_on_device(a) or is_on_device(b):
        import torch

        device = a.device if is_on_device(a) else b.device
        a, b = (torch.as_tensor(x).to(device) for x in (a, b))
    return a, b


def _multiplies_single(device: torch.device) -> bool:
    """Whether float32 products on an accelerator are that, not made of shorter numbers, as torch may be told to."""
    import torch

    x = torch.full((64, 64), 1 + 2.0**-12, device=device)
    return torch.equal(x @ torch.eye(64, device=device), x)
