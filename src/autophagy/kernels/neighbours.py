"""Nearest neighbours and the balls they span, in blocks; an n × n matrix never exists.

All distances here are squared, and every decision is the one exact arithmetic
on differences would take: rows that repeat one another have distance zero, and
ties are ties.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .distances import Screen, is_few, row_blocks, screen, where
from .rows import blocks

CHUNK = 8192  # rows of a large set that are in memory as floats at a time


@dataclass(frozen=True)
class Distinct:
    """A set of rows without its repetitions: a collapsed set is small."""

    rows: np.ndarray  # (u, d)
    weight: np.ndarray  # (u,) float64, how often each occurs
    place: np.ndarray  # (n,) where each row of the set went


def distinct(rows: np.ndarray) -> Distinct:
    """Finds rows that are equal byte for byte."""
    rows = np.ascontiguousarray(rows)
    seen: dict[bytes, int] = {}
    place = np.fromiter((seen.setdefault(row.tobytes(), len(seen)) for row in rows), np.int64, len(rows))
    weight = np.bincount(place, minlength=len(seen)).astype(np.float64)
    if len(seen) == len(rows):
        return Distinct(rows, weight, place)
    first = np.full(len(seen), len(rows), np.int64)
    np.minimum.at(first, place, np.arange(len(rows)))
    return Distinct(rows[first], weight, place)


def radii(rows: np.ndarray, k: int) -> np.ndarray:
    """Returns `(n,)` float64: the squared distance from each row to its k-th nearest other row; NaN if n ≤ k."""
    if len(rows) <= k:
        return np.full(len(rows), np.nan)
    of = distinct(rows)
    found = np.zeros(len(of.rows))
    missing = k - (of.weight - 1)  # (u,) neighbours to find among other rows; none where a row repeats itself enough
    if (missing > 0).any():
        screened = screen(of.rows, of.rows)
        for part in row_blocks(len(of.rows), len(of.rows)):
            near = _within(screened, part, min(k, len(of.rows) - 1), itself=True)
            if len(of.rows) < len(rows):  # with repetitions, any of the k nearest may be the k-th neighbour
                near = replace(near, squares=screened.exact(near.i, near.j))
            found[part] = _weighted_kth(near, of.weight, missing[part], part.start)
    spread_out: np.ndarray = found[of.place]
    return spread_out


def nearest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns `(n,)` float64: the squared distance from each row to the nearest of `others` `(m, d)`."""
    found = np.full(len(rows), np.inf)
    for chunk in blocks(len(others), CHUNK):
        screened = screen(rows, others[chunk])
        for part in row_blocks(len(rows), chunk.stop - chunk.start):
            near = _within(screened, part, 1, itself=False)
            np.minimum.at(found, near.i, near.squares)
    return found


@dataclass(frozen=True)
class Near:
    """Pairs of rows that are near each other.

    Attributes:
        i, j: `(p,)` ints.
        squares: `(p,)` float64, exact; 0 for those that are surely nearer than the k-th, where their order is all one.
    """

    i: np.ndarray
    j: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True)
class Balls:
    """Which samples lie in the balls that reach to each real row's k-th neighbour, and the other way round."""

    precise: np.ndarray  # (n,) bool: within a real ball, its border included
    density: np.ndarray  # (n,) how many real balls it lies in, borders left out
    recalled: np.ndarray  # (m,) bool: within a sample's ball, its border included
    covered: np.ndarray  # (m,) bool: its ball holds a sample, the border left out


def balls(samples: np.ndarray, real: np.ndarray, samples_radii: np.ndarray, real_radii: np.ndarray) -> Balls:
    """Compares `samples` `(n, d)` with `real` `(m, d)` in one pass; the radii are squared, from `radii`."""
    a, b = distinct(samples), distinct(real)
    a_radii, b_radii = _first(samples_radii, a), _first(real_radii, b)  # (u,), (v,)
    screened, weight = screen(a.rows, b.rows), b.weight.astype(np.float32)
    precise, density = np.zeros(len(a.rows), bool), np.zeros(len(a.rows))
    recalled, covered = np.zeros(len(b.rows), bool), np.zeros(len(b.rows), bool)
    for part in row_blocks(len(a.rows), len(b.rows)):
        sure_real, sure_fake, i, j = _decided(screened, part, a_radii[part], b_radii)
        density[part] = sure_real.astype(np.float32) @ weight  # whole numbers: exact
        precise[part] = density[part] > 0
        recalled |= sure_fake.any(0)
        covered |= sure_real.any(0)
        squares = screened.exact(i, j)
        strict = squares < b_radii[j]
        np.logical_or.at(precise, i, squares <= b_radii[j])
        np.add.at(density, i, strict * b.weight[j])
        np.logical_or.at(recalled, j, squares <= a_radii[i])
        np.logical_or.at(covered, j, strict)
    return Balls(precise[a.place], density[a.place], recalled[b.place], covered[b.place])


def _decided(
    screened: Screen, part: slice, a_radii: np.ndarray, b_radii: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which pairs are surely in a real ball and in a sample's, and, left out of both, the doubtful pairs."""
    a_radii, b_radii = a_radii[:, None] / screened.unit, b_radii / screened.unit
    for level in range(screened.levels):
        squares, slack = screened.squares(part, level)
        low, high = (_as(squares, radii - slack) for radii in (a_radii, b_radii))
        sure_fake, sure_real = squares < low, squares < high
        low, high = (_as(squares, radii + slack) for radii in (a_radii, b_radii))
        doubtful = ((squares <= low) ^ sure_fake) | ((squares <= high) ^ sure_real)
        if is_few(int(np.count_nonzero(doubtful)), squares.size):
            break
    i, j = where(doubtful)
    sure_fake[i, j] = sure_real[i, j] = False
    return sure_real, sure_fake, i + part.start, j


def _as(squares: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Bounds in the type of the distances, so that comparing them makes no wide copy."""
    return bounds.astype(squares.dtype)


def _first(values: np.ndarray, of: Distinct) -> np.ndarray:
    found = np.empty(len(of.rows))
    found[of.place] = values
    return found


def _weighted_kth(near: Near, weight: np.ndarray, missing: np.ndarray, start: int) -> np.ndarray:
    """For each row of a block, the smallest distance within which `missing` neighbours lie; 0 where none is missing."""
    order = np.lexsort((near.squares, near.i))
    i, squares, weight = near.i[order] - start, near.squares[order], weight[near.j[order]]
    seen = np.cumsum(weight)
    starts = np.flatnonzero(np.diff(i, prepend=-1))  # every row has candidates, so there is one start for each
    seen -= np.repeat(seen[starts] - weight[starts], np.diff(starts, append=len(i)))
    enough = np.flatnonzero(seen >= missing[i])
    row, first = np.unique(i[enough], return_index=True)
    found = np.zeros(len(missing))
    found[row] = squares[enough[first]]
    return np.where(missing > 0, found, 0.0)


def _within(screened: Screen, part: slice, k: int, *, itself: bool) -> Near:
    """The k nearest of each row of `part`, and whatever may tie with them."""
    for level in range(screened.levels):
        squares, slack = screened.squares(part, level)
        if itself:
            squares[np.arange(len(squares)), np.arange(part.start, part.stop)] = np.inf
        reach = squares.min(1) if k == 1 else np.partition(squares, k - 1, axis=1)[:, k - 1]  # (r,)
        mask = squares <= _as(squares, reach + 2 * slack)[:, None]
        if is_few(int(np.count_nonzero(mask)) - k * len(mask), squares.size):
            break
    i, j = where(mask)
    found = squares[i, j].astype(np.float64) * screened.unit
    if slack > 0:
        doubtful = squares[i, j] >= (reach - 2 * slack)[i]
        found[~doubtful] = 0.0
        found[doubtful] = screened.exact(i[doubtful] + part.start, j[doubtful])
    return Near(i + part.start, j, found)
