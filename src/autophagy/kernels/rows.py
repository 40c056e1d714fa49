"""Rows of numbers: flat, finite, in blocks, and no more of them than somebody says to read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autophagy.core.seeds import Seed

from .arrays import Array

LARGEST = 1e70


def flat(samples: np.ndarray) -> np.ndarray:
    """Returns `(n, d)`, a view where possible: uint8 images stay 0–255, vectors keep their precision."""
    rows = samples.reshape(len(samples), int(np.prod(samples.shape[1:])))
    return rows if rows.dtype == np.uint8 or rows.dtype == np.float64 else rows.astype(np.float64)


def is_measurable(rows: Array) -> bool:
    """Whether all numbers are finite, and small enough for their fourth powers to be so too."""
    if not all(rows.shape):
        return True
    return float(rows.max()) < LARGEST and float(rows.min()) > -LARGEST  # a NaN is neither


def some(rows: np.ndarray, limit: int) -> np.ndarray:
    """Returns `limit` of the rows in their order, the same ones for every set of that length."""
    return rows if len(rows) <= limit else rows[chosen(len(rows), limit)]


def chosen(n: int, limit: int) -> np.ndarray:
    """Returns `(limit,)` ints: which of `n` rows a metric with that limit reads."""
    return np.sort(Seed(("metrics", "limit", n, limit)).numpy().choice(n, limit, replace=False))


def everywhere(values: np.ndarray, n: int) -> np.ndarray:
    """Returns `(n,)` float64: values of the rows that `some` takes where it takes as many, NaN for the others."""
    found = np.full(n, np.nan)
    found[slice(None) if len(values) == n else chosen(n, len(values))] = values
    return found


def blocks(n: int, size: int) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
