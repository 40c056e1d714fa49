"""The Vendi score: how many distinct samples there are in effect, from the eigenvalues of their similarities.

Friedman and Dieng 2023; of any order by Pasarkar and Dieng 2024. The matrix
K/n of cosines between n rows has the eigenvalues λ of XᵀX/n, X the rows at unit
length, so the smaller of the two is taken. They sum to 1, and the score is the
exponential of their Rényi entropy of order q: 1 for n equal rows, n for
orthogonal ones. It grows with n: compare equal numbers of rows only.
"""

from __future__ import annotations

import numpy as np

from . import symmetric
from .arrays import Array, is_tensor, to_numpy
from .products import add_gram, placed, wide
from .rows import blocks, is_measurable

BLOCK = 1024  # rows at unit length at a time


def vendi(rows: Array, order: float = 1.0) -> float:
    """Returns the score of `(n, d)` rows, in [1, min(n, d)]; `order` q > 0, 1 and ∞ as limits.

    Rows of zeros, which have no direction, are alike and unlike all others. NaN
    without rows, and where a number is not finite.
    """
    return of_spectrum(spectrum(rows), order)


def spectrum(rows: Array) -> np.ndarray:
    """Returns the eigenvalues of K/n, ascending, which sum to 1; empty without rows, NaN of unsound ones."""
    rows = placed(rows)
    if not is_measurable(rows):
        return np.full(1, np.nan)
    n, is_long = len(rows), len(rows) > rows.shape[1]
    lower: Array | None = None
    zeros = 0
    for part in blocks(n, BLOCK if is_long else max(n, 1)):
        units, blank = _at_unit_length(rows[part])
        lower = add_gram(lower, units if is_long else units.T)
        zeros += blank
    if lower is None:
        return np.zeros(0)
    return np.append(symmetric.eigenvalues(to_numpy(lower)) / n, zeros / n)


def of_spectrum(values: np.ndarray, order: float = 1.0) -> float:
    """Returns the exponential of the Rényi entropy of shares; what is below their rounding counts as 0."""
    if not len(values) or not np.isfinite(values).all():
        return float("nan")
    shares = values[values > len(values) * symmetric.EPSILON]
    if order == 1:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    if np.isinf(order):
        return float(1 / shares.max())
    return float((shares**order).sum() ** (1 / (1 - order)))


def _at_unit_length(rows: Array) -> tuple[Array, int]:
    """Returns the rows over their Euclidean lengths in float64, zeros where they are zero, and how many are that."""
    found = wide(rows)
    peaks = found.abs().amax(1) if is_tensor(found) else np.abs(found).max(1)
    is_zero = peaks == 0
    found = found / (peaks + is_zero)[:, None]  # first to ±1, so that no square underflows
    found /= ((found * found).sum(1) ** 0.5 + is_zero)[:, None]
    return found, int(is_zero.sum())
