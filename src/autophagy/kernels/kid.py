"""The kernel distance of features, KID: the unbiased squared MMD of the kernel (x·y/d + 1)³.

Bińkowski, Sutherland, Arbel and Gretton 2018, section 4. No n × n matrix is
made: tiles of it are summed along their rows, with their squares, and those sums
give the distance and its standard error. The common form, a mean over 100 random
subsets of 1,000, throws most pairs away; the standard deviation over its subsets
is not a standard error (it does not shrink with more subsets, and these overlap).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .arrays import Array, to_numpy
from .products import beside, placed, wide
from .rows import blocks, is_measurable

TILE = 1024  # rows and columns of the kernel matrix that exist at a time
QUIET = np.errstate(over="ignore", invalid="ignore")  # what overflows is NaN in the end


@dataclass(frozen=True)
class Sums:
    """Of the kernel's values between the rows of two sets, or between all pairs of different rows of one.

    Attributes:
        rows: `(n,)`, over the second set for each row of the first.
        columns: `(m,)`, over the first set for each row of the second.
        squares: of all values.
        pairs: how many values there are.
    """

    rows: np.ndarray
    columns: np.ndarray
    squares: float
    pairs: int

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean value of each row `(n,)` and each column `(m,)`."""
        return self.rows * (len(self.rows) / self.pairs), self.columns * (len(self.columns) / self.pairs)

    def beyond(self) -> float:
        """The variance of the values that neither their row nor their column explains."""
        rows, columns = self.means()
        return max(float(self.squares / self.pairs - rows.mean() ** 2 - rows.var() - columns.var()), 0.0)


@dataclass(frozen=True)
class Kid:
    """An estimate of MMD², which can be negative, and its standard error."""

    value: float
    error: float


def kid(a: Array, b: Array, b_within: Sums | None = None) -> Kid:
    """Compares rows `a` `(n, d)` and `b` `(m, d)`; `b_within` is `within(b)` if it is known already.

    All pairs are used: the U-statistic of Gretton et al. 2012, equation 3. NaN
    where a set has fewer than two rows or numbers that are not finite, and the
    error where one has fewer than four. Equal sets do not give 0 but less, as
    their common pairs count in one sum only.
    """
    a, b = placed(a), placed(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be equally wide, but are {a.shape[1]} and {b.shape[1]} wide.")
    if min(len(a), len(b)) < 2 or not (is_measurable(a) and is_measurable(b)):
        return Kid(float("nan"), float("nan"))
    own, other = within(a), within(b) if b_within is None else b_within
    return _estimate(own, other, across(a, b))


@QUIET
def within(rows: Array) -> Sums:
    """Sums the kernel over all ordered pairs of different rows."""
    rows = placed(rows)
    totals, squares = np.zeros(len(rows)), 0.0
    for i in blocks(len(rows), TILE):
        for j in blocks(len(rows), TILE):
            if j.start < i.start:  # known from the tile's mirror image
                continue
            values = _values(rows[i], rows[j])
            if i == j:
                values[range(len(values)), range(len(values))] = 0.0
            totals[i] += to_numpy(values.sum(1))
            if i != j:
                totals[j] += to_numpy(values.sum(0))
            squares += (1 if i == j else 2) * float((values * values).sum())
    return Sums(totals, totals, squares, len(rows) * (len(rows) - 1))


@QUIET
def across(a: Array, b: Array) -> Sums:
    """Sums the kernel over all pairs of a row of `a` and one of `b`."""
    a, b = placed(a), placed(b)
    rows, columns, squares = np.zeros(len(a)), np.zeros(len(b)), 0.0
    for i in blocks(len(a), TILE):
        for j in blocks(len(b), TILE):
            values = _values(a[i], b[j])
            rows[i] += to_numpy(values.sum(1))
            columns[j] += to_numpy(values.sum(0))
            squares += float((values * values).sum())
    return Sums(rows, columns, squares, len(a) * len(b))


def over_subsets(a: Array, b: Array, subsets: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Returns mean and standard deviation (divisor: their number) of the distance over pairs of subsets of rows.

    With the subsets of torch-fidelity this is its number. The deviation is not a standard error.
    """
    a, b = placed(a), placed(b)
    found = [kid(a[i], b[j]).value for i, j in subsets]
    return float(np.mean(found)), float(np.std(found))


def _values(a: Array, b: Array) -> Array:
    """The kernel `(r, s)`."""
    x = wide(a)
    values = x @ beside(b, x).T
    values /= a.shape[1]
    values += 1.0
    values *= values * values
    return values


@QUIET
def _estimate(a: Sums, b: Sums, both: Sums) -> Kid:
    n, m = len(a.rows), len(b.rows)
    mean_a, mean_b, (row, column) = a.means()[0], b.means()[0], both.means()
    value = float(mean_a.mean() + mean_b.mean() - row.mean() - column.mean())
    if not np.isfinite(value):
        return Kid(float("nan"), float("nan"))
    return Kid(value, _error((mean_a - row, mean_b - column), (a, b, both)) if min(n, m) >= 4 else float("nan"))


def _error(influences: tuple[np.ndarray, np.ndarray], sums: tuple[Sums, Sums, Sums]) -> float:
    """The standard error from how far each row's part in the distance varies (Hoeffding 1948).

    Those parts are means over finite rows themselves; their noise makes up twice
    the second order of the variance, so one of the two is taken away.
    """
    n, m = map(len, influences)
    a, b, both = (s.beyond() for s in sums)
    first_and_noise = 4 * influences[0].var(ddof=1) / n + 4 * influences[1].var(ddof=1) / m
    second = 2 * a / n**2 + 2 * b / m**2 + 4 * both / (n * m)
    return float(np.sqrt(max(first_and_noise - 2 * second, 0.0) + second))
