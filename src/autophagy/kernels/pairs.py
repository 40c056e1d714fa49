"""Which real image each sample belongs to."""

from __future__ import annotations

import numpy as np

from autophagy.core.pool import REAL_DATA, Pool

NONE = -1  # no counterpart


def counterparts(samples: Pool, real: Pool) -> np.ndarray:
    """`(n,)` int64, each sample's place in `real`, or NONE.

    Samples begun from real images belong to those. Others are drawn for the
    captions (or classes) of the real set in its order, over and over: the r-th
    draw belongs to real image r mod m, whose caption it was drawn for. Samples that
    were drawn otherwise (held-out real ones among them) are paired within their
    caption: the k-th of it, by row, with the k-th real image of it, over and
    over. Samples without captions have no counterpart.
    """
    if samples.begun is not None:
        return _places(samples.begun, real.row)
    if samples.condition is None or real.condition is None or not len(real):
        return np.full(len(samples), NONE, np.int64)
    turn = samples.row % len(real)
    if (samples.generation != REAL_DATA).all() and np.array_equal(real.condition[turn], samples.condition):
        return np.asarray(turn, np.int64)
    return _within_groups(samples, real)


def _places(wanted: np.ndarray, rows: np.ndarray) -> np.ndarray:
    order = np.argsort(rows, kind="stable")
    at = np.searchsorted(rows, wanted, sorter=order).clip(max=max(len(rows) - 1, 0))
    found = order[at] if len(rows) else np.full(len(wanted), NONE)
    return np.asarray(np.where(rows[found] == wanted, found, NONE) if len(rows) else found, np.int64)


def _within_groups(samples: Pool, real: Pool) -> np.ndarray:
    found = np.full(len(samples), NONE, np.int64)
    of_samples, of_real = np.asarray(samples.condition), np.asarray(real.condition)
    for group in np.unique(of_samples):
        there = np.flatnonzero(of_real == group)
        mine = np.flatnonzero(of_samples == group)
        if len(there):
            mine = mine[np.argsort(samples.row[mine], kind="stable")]
            found[mine] = there[np.arange(len(mine)) % len(there)]
    return found
