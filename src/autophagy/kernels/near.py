"""Which rows lie within a distance of each other, in blocks: no n × n matrix is ever made."""

from __future__ import annotations

import numpy as np

BLOCK = 256
ROUNDING = 8 * np.finfo(np.float64).eps  # several times what a product of d terms can be off by, over d


def is_near_any(x: np.ndarray, others: np.ndarray, tolerance: float) -> np.ndarray:
    """`(n,)` whether a row of `others` lies within `tolerance` of each row of `x`."""
    near = np.zeros(len(x), bool)
    for start in range(0, len(others), BLOCK):
        left = np.flatnonzero(~near)
        near[left] = is_near(x[left], others[start : start + BLOCK], tolerance).any(1)
    return near


def is_near(a: np.ndarray, b: np.ndarray, tolerance: float) -> np.ndarray:
    """`(n, m)` ‖a − b‖ ≤ tolerance, as subtraction says it: a pair has one answer in whatever block it comes."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)  # (n, m)
    gap = squares - 2 * (a @ b.T)  # rounded in proportion to the squares, however small the gap is
    limit = tolerance**2
    near: np.ndarray = gap <= limit
    unsure = np.abs(gap - limit) <= ROUNDING * a.shape[1] * squares
    for row in np.flatnonzero(unsure.any(1)):
        columns = np.flatnonzero(unsure[row])
        near[row, columns] = ((b[columns] - a[row]) ** 2).sum(1) <= limit
    return near
