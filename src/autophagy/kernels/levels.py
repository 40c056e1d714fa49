"""Squared distances in one precision, as one matrix product, and how far from the truth they can be.

A row loses a little of its place when it is rounded (its blur), and a product
of w numbers loses up to w roundings of its terms (its slack; Higham 2002,
section 3.1). Both are known for each row, so that an outlier makes nothing
doubtful but itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .arrays import Array, is_on_device, is_tensor, to_numpy
from .keys import Elsewhere, Floats, Halves, Keys, Wholes
from .rows import blocks
from .tables import Table
from .tiles import Doubt, Tile

Kind = Literal["bfloat16", "float32", "float64"]
Working = Literal["float32", "float64"]

STRIP = 2**19  # numbers of a set that are worked on at a time
CENTRED_ON = 1024  # rows whose mean is as good a centre as any
PAD = 32  # widths of products in sixteen bits are multiples of it: a quarter faster
GREY = 128  # centres 0–255
EXACT_WIDTH = 1024  # products of that many numbers within ±128 are whole numbers below 2²⁴: exact in float32
WIDEST = 2**31 // 255**2  # squared distances of that many bytes fit int32


class Level(ABC):
    """One precision. Its distances are in a unit of its own, in which they fit the numbers it uses."""

    @abstractmethod
    def tile(self, rows: slice, others: slice, aim: float) -> Tile:
        """Returns the distances from `rows` to `others`; squared ones near `aim` are told apart best."""


@dataclass(frozen=True)
class Frame:
    """Where rows are moved to be rounded: around a centre, and within ±1, whose squares float32 can hold."""

    centre: np.ndarray  # (d,) float64, of numbers that `working` has too
    scale: float  # a power of two
    working: Working  # what rows can be moved in without a loss that counts

    @classmethod
    def around(cls, a: Array, b: Array) -> Frame:
        """Chosen for two sets of rows, the second one's centre."""
        centre = to_numpy(b[:: max(1, len(b) // CENTRED_ON)]).mean(0, dtype=np.float64)
        reach = float(np.abs(centre).max(initial=0.0)) + max(_reach(a), _reach(b))
        is_single = reach < 2.0**100 and all(str(rows.dtype).endswith("float32") for rows in (a, b))
        most = 100 if is_single else 500
        power = min(max(-int(np.frexp(reach)[1]), -most), most) if reach > 0 else 0
        centre = centre.astype(np.float32).astype(np.float64) if is_single else centre
        return cls(centre, float(np.ldexp(1.0, power)), "float32" if is_single else "float64")

    def moved(self, rows: Array, working: Working) -> Any:
        return (_as(rows, working) - _as(_beside(self.centre, rows), working)) * self.scale


@dataclass(frozen=True)
class Precision:
    """What products are made of.

    Attributes:
        kind: of the numbers that are multiplied.
        sums: of the numbers that are added up.
        digits: columns that a squared norm takes.
        pad: widths are multiples of it.
    """

    kind: Kind
    sums: Working
    digits: int = 1
    pad: int = 1

    def empty(self, n: int, width: int, like: Array) -> Any:
        """Returns `(n, w)` for rows of that width; what is more than they need is 0."""
        needed = width + 2 * self.digits
        shape = n, -(-needed // self.pad) * self.pad
        found: Any
        if is_tensor(like) or self.kind == "bfloat16":
            import torch

            device = like.device if is_tensor(like) else "cpu"
            found = torch.empty(shape, dtype=getattr(torch, self.kind), device=device)
        else:
            found = np.empty(shape, self.kind)
        found[:, needed:] = 0
        return found


HALF = Precision("bfloat16", "float32", digits=3, pad=PAD)
SINGLE = Precision("float32", "float32")
DOUBLE = Precision("float64", "float64")


class Products(Level):
    """(−2a, ‖a‖² − aim, 1) · (b, 1, ‖b‖²) = ‖a − b‖² − aim, in floating-point numbers."""

    def __init__(self, a: Array, b: Array, frame: Frame, precision: Precision) -> None:
        self._precision, self._unit = precision, frame.scale**-2
        self._b = _Lifted(b, frame, precision)
        self._a = self._b if a is b else _Lifted(a, frame, precision)

    def tile(self, rows: slice, others: slice, aim: float) -> Tile:
        aim = aim / self._unit if self._precision is HALF else 0.0
        with np.errstate(invalid="ignore"):  # of which OpenBLAS warns at times though all numbers are finite
            product = self._a.as_left(rows, aim) @ self._b.numbers[others].T
        doubts = self._a.doubt.of(rows), self._b.doubt.of(others, more=self._a.loss * aim)
        return Tile(*self._keys(product, aim), self._unit, *doubts)

    def _keys(self, product: Any, aim: float) -> tuple[Table, Keys]:
        if self._precision is HALF:
            import torch

            return Halves.of(product.view(torch.int16).numpy()), Halves(aim)
        numbers = Floats(np.float32 if self._precision is SINGLE else np.float64)
        return product, Elsewhere(numbers, product.device) if is_tensor(product) else numbers


class _Lifted:
    """Rows with ones and their squared norms beside them: the right-hand side of a product that is a distance.

    Attributes:
        numbers: `(n, w)`.
        loss: of a product of w terms, relative to the squared norms of both sides.
        doubt: of each row.
    """

    def __init__(self, rows: Array, frame: Frame, precision: Precision) -> None:
        d, digits = rows.shape[1], precision.digits
        self._ones, self._sizes = slice(d, d + digits), slice(d + digits, d + 2 * digits)
        self.numbers = precision.empty(len(rows), d, rows)
        self.loss = 1.01 * (self.numbers.shape[1] + 16) * float(np.finfo(precision.sums).eps)
        working = min(frame.working, precision.sums, key=lambda kind: np.finfo(kind).eps)
        self._norms, blur = np.empty(len(rows)), np.empty(len(rows))
        self._left: tuple[slice, Any] = slice(0), None  # of the tile before, which mostly has the same rows
        for part in strips(rows):
            moved = _beside(frame.moved(rows[part], working), self.numbers)
            self.numbers[part, :d] = moved
            rounded = _as(self.numbers[part, :d], working)
            self._norms[part], blur[part] = _squared_norms(rounded), _norms_roughly(moved - rounded)
        self.numbers[:, self._ones] = 1
        _write(self.numbers[:, self._sizes], self._norms)
        lost = 2 * float(np.finfo(working).eps) * np.sqrt(self._norms)  # in moving
        sunk, drowned = (
            8 * self.numbers.shape[1] * float(np.finfo(k).smallest_normal) for k in (precision.sums, working)
        )
        self.doubt = Doubt((1 + self.loss) ** 2 * blur + lost + drowned**0.5, self.loss * self._norms + sunk)

    def as_left(self, rows: slice, aim: float) -> Any:
        """Returns `(r, w)`, the left-hand side, with `aim` taken away."""
        known, left = self._left
        if known != rows:
            left = self.numbers[rows] * -2
            left[:, self._sizes] = 1
            self._left = rows, left
        _write(left[:, self._ones], self._norms[rows] - aim)
        return left


class Bytes(Level):
    """Whole numbers 0–255, whose squared distances come out exact: by products in int8, or in float32."""

    def __init__(self, a: np.ndarray, b: np.ndarray, *, is_fast: bool) -> None:
        kind = np.int8 if is_fast else np.float32
        self._a, self._a_norms = _about_grey(a, kind)
        self._b, self._b_norms = (self._a, self._a_norms) if a is b else _about_grey(b, kind)

    def tile(self, rows: slice, others: slice, aim: float) -> Tile:
        squares = -2 * _whole_product(self._a[rows], self._b[others])
        squares += self._a_norms[rows, None]
        squares += self._b_norms[others]
        sure = (Doubt(np.zeros(n), np.zeros(n)) for n in squares.shape)
        return Tile(squares, Wholes(), 1.0, *sure)


def strips(rows: Array) -> Iterator[slice]:
    return blocks(len(rows), max(1, STRIP // max(rows.shape[1], 1)))


def _about_grey(rows: np.ndarray, kind: type[np.number]) -> tuple[np.ndarray, np.ndarray]:
    """Returns bytes less 128, and their squared norms `(n,)` int32."""
    moved = (rows ^ np.uint8(GREY)).view(np.int8)
    norms = np.zeros(len(rows), np.int32)
    for part in strips(rows):
        norms[part] = np.square(moved[part], dtype=np.int32).sum(1, dtype=np.int32)
    return moved.astype(kind, copy=False), norms


def _whole_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns `a bᵀ` `(r, c)` int32, exact, of whole numbers within ±128."""
    if a.dtype == np.int8:
        import torch

        found: np.ndarray = torch._int_mm(torch.from_numpy(a), torch.from_numpy(b).T).numpy()
        return found
    found = np.zeros((len(a), len(b)), np.int32)
    for part in blocks(a.shape[1], EXACT_WIDTH):
        found += (a[:, part] @ b[:, part].T).astype(np.int32)
    return found


def _reach(rows: Array) -> float:
    return max(float(rows.max()), -float(rows.min())) if all(rows.shape) else 0.0


def _squared_norms(rows: Any) -> np.ndarray:
    if is_on_device(rows):
        return to_numpy((rows * rows).double().sum(1))
    here = to_numpy(rows)
    found: np.ndarray = np.einsum("nd,nd->n", here, here, dtype=np.float64)
    return found


def _norms_roughly(rows: Any) -> np.ndarray:
    """Of rows `(n, d)` of working numbers, off by d of their roundings and what is drowned: half the time."""
    if is_on_device(rows):
        return to_numpy((rows * rows).sum(1)) ** 0.5
    here = to_numpy(rows)
    found: np.ndarray = np.sqrt(np.vecdot(here, here))
    return found


def _write(columns: Any, values: np.ndarray) -> None:
    """Writes each value as the sum of a row's columns."""
    for i in range(columns.shape[1]):
        columns[:, i] = _beside(values, columns)
        values = values - to_numpy(columns[:, i])


def _as(rows: Any, kind: Working) -> Any:
    if not is_tensor(rows):
        return rows.astype(kind, copy=False)
    import torch

    return rows.to(getattr(torch, kind))


def _beside(values: Any, other: Any) -> Any:
    """Returns values as a tensor if the other is one, where that lies."""
    if is_tensor(values) or not is_tensor(other):
        return values
    import torch

    return torch.from_numpy(values).to(other.device)
