"""Which samples lie in the balls that reach to each real row's k-th neighbour, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import tables
from .arrays import Array
from .distances import Screen, is_few, tiles
from .distinct import Distinct, distinct
from .tables import Table


@dataclass(frozen=True)
class Balls:
    """What lies in what.

    Attributes:
        precise: `(n,)` bool, samples within a real ball, its border included.
        density: `(n,)` float64, how many real balls a sample lies in, borders left out.
        recalled: `(m,)` bool, real rows within a sample's ball, its border included.
        covered: `(m,)` bool, real rows whose ball holds a sample, the border left out.
    """

    precise: np.ndarray
    density: np.ndarray
    recalled: np.ndarray
    covered: np.ndarray


def balls(samples: Array, real: Array, samples_radii: np.ndarray, real_radii: np.ndarray) -> Balls:
    """Compares `samples` `(n, d)` with `real` `(m, d)` in one pass; the radii are squared, from `radii`."""
    a, b = distinct(samples), distinct(real)
    a_radii, b_radii = _of_distinct(samples_radii, a), _of_distinct(real_radii, b)  # (u,), (v,)
    screen = Screen(a.rows, b.rows)
    n, m = len(a.rows), len(b.rows)
    found = Balls(np.zeros(n, bool), np.zeros(n), np.zeros(m, bool), np.zeros(m, bool))
    for rows, others in tiles(n, m, screen.shape):
        sure_fake, sure_real, i, j = _decided(screen, rows, others, a_radii[rows], b_radii[others])
        inside = tables.weighed(sure_real, b.weight[others])
        found.density[rows] += inside
        found.precise[rows] |= inside > 0
        found.recalled[others] |= tables.is_any(sure_fake, axis=1)
        found.covered[others] |= tables.is_any(sure_real, axis=1)
        i, j = i + rows.start, j + others.start
        squares = screen.settled(i, j, a_radii[i], b_radii[j])
        strictly = squares < b_radii[j]
        found.precise[i[squares <= b_radii[j]]] = True
        np.add.at(found.density, i, strictly * b.weight[j])
        found.recalled[j[squares <= a_radii[i]]] = True
        found.covered[j[strictly]] = True
    return Balls(found.precise[a.place], found.density[a.place], found.recalled[b.place], found.covered[b.place])


def _decided(
    screen: Screen, rows: slice, others: slice, a_radii: np.ndarray, b_radii: np.ndarray
) -> tuple[Table, Table, np.ndarray, np.ndarray]:
    """Which pairs are surely in a sample's ball and in a real one, and, left out of both, the doubtful pairs."""
    aim = float(np.median(np.concatenate([a_radii, b_radii])))
    for level in range(screen.levels):
        tile = screen.tile(rows, others, level, aim)
        sure_fake, sure_real = tile.under(a_radii, 0), tile.under(b_radii, 1)
        doubtful = (tile.within(a_radii, 0) ^ sure_fake) | (tile.within(b_radii, 1) ^ sure_real)
        if is_few(tables.count(doubtful), doubtful.shape[0] * doubtful.shape[1]):
            break
    sure_fake &= ~doubtful
    sure_real &= ~doubtful
    return sure_fake, sure_real, *tables.where(doubtful)


def _of_distinct(values: np.ndarray, of: Distinct) -> np.ndarray:
    found = np.empty(len(of.rows))
    found[of.place] = values
    return found
