"""A block of squared distances that are nearly right, and what is surely true of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import to_numpy
from .keys import Keys
from .tables import Table, along, smallest


@dataclass(frozen=True)
class Doubt:
    """What each row of a set adds to the doubt about its distances.

    Attributes:
        blur: `(n,)`, how far rounding can have moved the row.
        slack: `(n,)`, its share of the error of a squared distance between rows where they now are.
    """

    blur: np.ndarray
    slack: np.ndarray

    def of(self, rows: slice, more: float = 0.0) -> Doubt:
        return Doubt(self.blur[rows], self.slack[rows] + more)


@dataclass(frozen=True)
class Tile:
    """Squared distances from some rows to some others, as keys of numbers that are off by no more than the doubts.

    Attributes:
        table: `(r, c)`, on an accelerator if the rows are.
        keys: what the table's numbers mean.
        unit: of squared distances, a power of two.
        row, column: the doubts about either side.
    """

    table: Table
    keys: Keys
    unit: float
    row: Doubt
    column: Doubt

    def under(self, squares: np.ndarray, axis: int) -> Table:
        """Which pairs are surely nearer than `squares`, one for each row (`axis` 0) or column (1): a bool mask."""
        return self.table < along(self.keys.floor(self._threshold(squares, axis, -1)), axis)

    def within(self, squares: np.ndarray, axis: int) -> Table:
        """Which pairs may be no farther than `squares`: a bool mask."""
        return self.table <= along(self.keys.ceil(self._threshold(squares, axis, 1)), axis)

    def least(self, k: int, axis: int) -> np.ndarray:
        """Returns `(r or c, ≤ k)` squared distances, ascending: as many of each row or column do not exceed them."""
        mine, other = self._sides(axis)
        found = self.keys.above(smallest(self.table, k, axis)) + (mine.slack[:, None] + other.slack.max())
        return _moved(found, mine.blur[:, None] + other.blur.max()) * self.unit

    def lowest(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Returns `(p,)`: squared distances that those of the pairs `(i, j)` are not below."""
        keys = to_numpy(self.table[i, j])
        found = self.keys.below(keys) - (self.row.slack[i] + self.column.slack[j])
        return _moved(found, -(self.row.blur[i] + self.column.blur[j])) * self.unit

    def squares(self) -> np.ndarray:
        """Returns `(r, c)` float64 squared distances as they are."""
        return self.keys.above(to_numpy(self.table)) * self.unit

    def slack(self) -> float:
        """The largest error of a squared distance between rows as they were rounded."""
        return float(self.row.slack.max() + self.column.slack.max()) * self.unit

    def _threshold(self, squares: np.ndarray, axis: int, sign: int) -> np.ndarray:
        mine, other = self._sides(axis)
        moved = _moved(squares / self.unit, sign * (mine.blur + other.blur.max()))
        found: np.ndarray = moved + sign * (mine.slack + other.slack.max())
        return found

    def _sides(self, axis: int) -> tuple[Doubt, Doubt]:
        return (self.row, self.column) if axis == 0 else (self.column, self.row)


def _moved(squares: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Squares of distances that are longer by so much; exact where that is nothing."""
    found: np.ndarray = np.where(by == 0, squares, np.maximum(np.sqrt(np.maximum(squares, 0)) + by, 0) ** 2)
    return found
