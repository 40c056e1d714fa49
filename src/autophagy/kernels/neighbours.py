"""Nearest neighbours, in tiles; an n × n matrix never exists.

All distances here are squared, and every answer is the one exact arithmetic on
differences would give: rows that repeat one another have distance zero, and
ties are ties.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import tables
from .arrays import Array
from .distances import Screen, bounded_squares, exact_squares, is_few, tiles, triangle
from .distinct import distinct
from .products import placed
from .rows import blocks
from .tables import Table
from .tiles import Tile

CHUNK = 8192  # rows of a large set that are prepared at a time
PENDING = 2**22  # pairs that may wait to be worked out exactly


@dataclass(frozen=True)
class Neighbours:
    """The k nearest others of each row, nearest first; of equally near ones, the first in their set.

    Attributes:
        squares: `(n, k)` float64, squared distances.
        at: `(n, k)` int64, which rows they are.
    """

    squares: np.ndarray
    at: np.ndarray


def neighbours(rows: Array, others: Array, k: int) -> Neighbours:
    """Finds the k nearest of `others` `(m, d)`, k ≤ m, to each of `rows` `(n, d)`; finite numbers."""
    rows, others = placed(rows), placed(others)
    search = _Search(rows, others, k, both=False)
    for chunk in blocks(len(others), CHUNK):
        screen = Screen(rows, others[chunk])
        for part, near in tiles(len(rows), chunk.stop - chunk.start, screen.shape):
            search.look(screen, part, near, chunk.start)
    return search.found()


def neighbours_within(rows: Array, k: int) -> Neighbours:
    """Finds the k nearest other rows, k < n, to each of `rows` `(n, d)`; finite numbers."""
    return _looked_within(placed(rows), k).found()


def nearest(rows: Array, others: Array) -> np.ndarray:
    """Returns `(n,)` float64: the squared distance from each row to the nearest of `others` `(m, d)`."""
    return neighbours(rows, others, 1).squares[:, 0] if len(others) else np.full(len(rows), np.inf)


def radii(rows: Array, k: int) -> np.ndarray:
    """Returns `(n,)` float64: the squared distance from each row to its k-th nearest other row; NaN if n ≤ k."""
    if len(rows) <= k:
        return np.full(len(rows), np.nan)
    of = distinct(rows)
    if len(of.rows) == 1:
        return np.zeros(len(rows))
    if len(of.rows) == len(rows):
        return _looked_within(of.rows, k).reach()
    near = neighbours_within(of.rows, min(k, len(of.rows) - 1))
    copies = of.weight - 1  # (u,) neighbours at no distance
    enough = copies[:, None] + np.cumsum(of.weight[near.at], axis=1) >= k  # (u, k)
    reach = np.take_along_axis(near.squares, enough.argmax(1)[:, None], axis=1)[:, 0]
    spread_out: np.ndarray = np.where(copies >= k, 0.0, reach)[of.place]
    return spread_out


def _looked_within(rows: Array, k: int) -> _Search:
    search, screen = _Search(rows, rows, k, both=True), Screen(rows, rows)
    for part, others in triangle(len(rows), screen.shape):
        search.look(screen, part, others)
    return search


class _Search:
    """The nearest so far: bounds on their distances from every tile, and the pairs that may be among them."""

    def __init__(self, rows: Array, others: Array, k: int, *, both: bool) -> None:
        """`both` if rows and others are one set, whose tiles show each pair once."""
        self._rows, self._others, self._k, self._both = rows, others, k, both
        n = len(rows)
        self._bounds = np.full((n, k), np.inf)  # ascending: so many others are no farther
        self._found = Neighbours(np.full((n, k), np.inf), np.full((n, k), -1))
        self._pending: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # pairs, and what they are at least

    def look(self, screen: Screen, rows: slice, others: slice, offset: int = 0) -> None:
        """Takes in the distances between rows and others; the screen's others begin at `offset` of the whole set."""
        aim = float(np.median(self._bounds[rows, -1]))
        for level in range(screen.levels):
            tile = screen.tile(rows, others, level, aim if np.isfinite(aim) else 0.0)
            near, tightened = self._near(tile, rows, others)
            expected = 4 * self._k * sum(near.shape)
            if is_few(tables.count(near) - expected, near.shape[0] * near.shape[1]):
                break
        for part, bounds in tightened:
            self._bounds[part] = bounds
        i, j = tables.where(near)
        if self._both and rows == others:
            i, j = i[i < j], j[i < j]
        self._pending.append((i + rows.start, j + (others.start + offset), tile.lowest(i, j)))
        if sum(len(low) for _, _, low in self._pending) > PENDING:
            self._settle()

    def found(self) -> Neighbours:
        if self._pending:
            self._settle()
        return self._found

    def _near(self, tile: Tile, rows: slice, others: slice) -> tuple[Table, list[tuple[slice, np.ndarray]]]:
        """Which pairs may be neighbours, and the bounds that say so."""
        if self._both and rows == others:
            tables.without_diagonal(tile.table)
        mine = theirs = self._tightened(rows, tile, 0)
        near = tile.within(mine[:, -1], 0)
        if not self._both:
            return near, [(rows, mine)]
        if rows != others:
            theirs = self._tightened(others, tile, 1)
        near |= tile.within(theirs[:, -1], 1)
        return near, [(rows, mine), (others, theirs)]

    def _tightened(self, rows: slice, tile: Tile, axis: int) -> np.ndarray:
        both = np.concatenate([self._bounds[rows], tile.least(self._k, axis)], axis=1)
        both.sort(axis=1)
        return both[:, : self._k]

    def reach(self) -> np.ndarray:
        """Returns `(n,)` the k-th smallest squared distances; most nearer ones need not be worked out for it."""
        if (self._found.at >= 0).any():
            return self.found().squares[:, -1]
        i, j, low, high = self._shortlist()
        last = _of_rank(np.full(len(self._bounds), self._k - 1), i, high)
        is_nearer = high < low[last][i]  # than the k-th, whichever that is
        left = self._k - np.bincount(i[is_nearer], minlength=len(last))
        i, j = i[~is_nearer], j[~is_nearer]
        squares = exact_squares(self._rows, self._others, i, j)
        found: np.ndarray = squares[_of_rank(left - 1, i, squares)]
        return found

    def _settle(self) -> None:
        """Works the waiting pairs out and keeps each row's k nearest."""
        i, j, _, _ = self._shortlist()
        squares = exact_squares(self._rows, self._others, i, j)
        known = np.flatnonzero(self._found.at.ravel() >= 0)
        i = np.concatenate([known // self._k, i])
        j = np.concatenate([self._found.at.ravel()[known], j])
        squares = np.concatenate([self._found.squares.ravel()[known], squares])
        order, rank = _ranked(i, squares, j)
        i, j, squares, kept = i[order], j[order], squares[order], rank < self._k
        self._found.squares[i[kept], rank[kept]] = squares[kept]
        self._found.at[i[kept], rank[kept]] = j[kept]
        is_closer = self._found.squares[:, -1] < self._bounds[:, -1]
        self._bounds[is_closer] = self._found.squares[is_closer]

    def _shortlist(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Takes the waiting pairs (i, j) that may be neighbours, with bounds on their squares that are nearly exact."""
        i, j, low = (np.concatenate(column) for column in zip(*self._pending, strict=True))
        self._pending.clear()
        reach = self._bounds[:, -1]
        wanted = low <= (np.maximum(reach[i], reach[j]) if self._both else reach[i])
        i, j = i[wanted], j[wanted]
        low, high = bounded_squares(self._rows, self._others, i, j)
        if self._both:
            i, j, low, high = np.concatenate([i, j]), np.concatenate([j, i]), np.tile(low, 2), np.tile(high, 2)
        order, rank = _ranked(i, high)
        last = order[rank == self._k - 1]
        tight = reach.copy()
        tight[i[last]] = np.minimum(reach[i[last]], high[last])
        near = low <= tight[i]
        return i[near], j[near], low[near], high[near]


def _ranked(i: np.ndarray, *by: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the order by rows `i` and then by what is given, and the rank of each, in that order, within its row."""
    order = np.lexsort((*reversed(by), i))
    ascending = i[order]
    return order, np.arange(len(i)) - np.searchsorted(ascending, ascending)


def _of_rank(rank: np.ndarray, i: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Returns, for every row, the place of its entry of that rank, by what is given."""
    order, found = _ranked(i, by)
    places: np.ndarray = order[found == rank[i[order]]]
    return places
