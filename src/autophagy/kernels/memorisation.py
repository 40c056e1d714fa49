"""Whether samples lie nearer to the training set than held-out data do, by distances to the nearest training row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.seeds import Seed

from .arrays import Array, to_numpy
from .neighbours import nearest, neighbours

STEPS = 20  # of Lloyd's algorithm


@dataclass(frozen=True)
class DataCopying:
    """C_T, far below 0 where samples copy the training set, far above where they keep away from it.

    Attributes:
        score: the mean of the cells' z, weighted by the share of held-out data in each.
        error: its standard error for samples that are as new as held-out data, whose mean is 0; at most 1.
        cells: how many had samples enough.
    """

    score: float
    error: float
    cells: int


def data_copying(
    held_out: np.ndarray, samples: np.ndarray, held_out_cells: np.ndarray, samples_cells: np.ndarray, fewest: int
) -> DataCopying:
    """Returns C_T (Meehan, Chaudhuri and Dasgupta 2020, section 4) from distances to the cell's nearest training row.

    `held_out` `(p,)` and `samples` `(q,)` are distances, of any increasing
    scale, infinite in cells without training rows; the cells say where each one
    lies. Such cells, and those of fewer than `fewest` samples or without
    held-out data, are left out; NaN if none is left.
    """
    numbers, counts = np.unique(samples_cells, return_counts=True)
    pairs = [(held_out[held_out_cells == cell], samples[samples_cells == cell]) for cell in numbers[counts >= fewest]]
    pairs = [pair for pair in pairs if len(pair[0]) and np.isfinite(pair[0]).all()]
    weight = np.array([len(near) for near, _ in pairs], np.float64)
    if not len(weight):
        return DataCopying(float("nan"), float("nan"), 0)
    weight /= weight.sum()
    z = np.array([_z(*pair) for pair in pairs])
    return DataCopying(float(weight @ z), float(np.sqrt(weight @ weight)), len(pairs))


def nearest_and_own(rows: np.ndarray, cells: np.ndarray, train: np.ndarray, train_cells: np.ndarray) -> np.ndarray:
    """Returns `(2, n)` squared distances: to the nearest training row, and to the nearest in the row's own cell.

    Infinite for a row whose cell has no training row. `cells` `(n,)` and
    `train_cells` `(t,)` say where `rows` `(n, d)` and `train` `(t, d)` lie.
    """
    near = neighbours(rows, train, 1)
    own = near.squares[:, 0].copy()
    elsewhere = train_cells[near.at[:, 0]] != cells
    for cell in np.unique(cells[elsewhere]):
        some = np.flatnonzero(elsewhere & (cells == cell))
        own[some] = nearest(rows[some], train[train_cells == cell])
    return np.stack([near.squares[:, 0], own])


def share_nearer(held_out: np.ndarray, samples: np.ndarray) -> float:
    """Returns the chance that a sample's distance is less than that of held-out data, ties half: 0.5 for new data.

    The area under the curve of the test that takes near rows for memorised ones.
    """
    return 1 - _u(held_out, samples) / (len(held_out) * len(samples))


def is_authentic(rows: Array, train: Array) -> np.ndarray:
    """Returns `(n,)` bools: not nearer to the nearest training row than that row's own nearest neighbour is.

    Alaa, van Breugel, Saveliev and van der Schaar 2022, section 3.3. Needs two training rows.
    """
    near = neighbours(rows, train, 1)
    which, place = np.unique(near.at[:, 0], return_inverse=True)
    own = neighbours(train[which], train, 2).squares[:, 1]  # the first is the row itself, or a copy of it
    authentic: np.ndarray = near.squares[:, 0] > own[place]
    return authentic


def centres(rows: Array, count: int, seed: Seed) -> np.ndarray:
    """Returns `(≤ count, d)` float64: the centres of cells by k-means (Lloyd 1982), begun at rows drawn by the seed."""
    lines = to_numpy(rows)
    found = lines[np.sort(seed.numpy().choice(len(lines), min(count, len(lines)), replace=False))].astype(np.float64)
    before = np.full(len(lines), -1)
    for _ in range(STEPS):
        cells = which_cell(lines, found)
        if (cells == before).all():
            break
        before = cells
        found = np.array([lines[cells == cell].mean(0, dtype=np.float64) for cell in np.unique(cells)])
    return found


def which_cell(rows: Array, centres: np.ndarray) -> np.ndarray:
    """Returns `(n,)` ints: the nearest centre of each row."""
    return neighbours(rows, centres, 1).at[:, 0]


def _z(held_out: np.ndarray, samples: np.ndarray) -> float:
    """Mann and Whitney's U of two sets of distances in units of its spread, corrected for ties; 0 if all are equal."""
    p, q = len(held_out), len(samples)
    _, ties = np.unique(np.concatenate([held_out, samples]), return_counts=True)
    n = p + q
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (n * (n - 1)) if n > 1 else 0.0
    variance = p * q / 12 * (n + 1 - tied)
    return (_u(held_out, samples) - p * q / 2) / variance**0.5 if variance > 1e-9 * p * q else 0.0


def _u(held_out: np.ndarray, samples: np.ndarray) -> float:
    """How many pairs there are with the sample farther than the held-out row, ties half."""
    ascending = np.sort(held_out)
    below, upto = (np.searchsorted(ascending, samples, side=side) for side in ("left", "right"))
    return float(below.sum() + upto.sum()) / 2
