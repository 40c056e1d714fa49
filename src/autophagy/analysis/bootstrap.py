"""Intervals for a mean by resampling lineages: the studentised bootstrap, which covers skewed scores with few lineages.

**Why studentised.** Drawing n lineages with replacement gives an interval that
is too narrow for few of them: with three, percentile intervals hold the mean of
a normal score 75 % of the time, since they cannot leave the range of the data.
The bootstrap-t (Efron 1982; Hall 1988) resamples t = (mean* − mean)/se* instead
and turns its quantiles round, so it knows both how uncertain the standard error
is and which way the scores are skewed. Measured coverages: docs/statistics.md.

**Exact.** Up to `LISTED` lineages every resample is listed with its multinomial
probability, so nothing is left to chance; above, `RESAMPLES` are drawn from a
fixed seed, the same ones for every score and generation.

**Limits.** Three lineages resampled are one lineage three times in 11 % of the
cases, so their 95 % interval has no end: below `FEWEST` there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from autophagy.core.seeds import Seed

FEWEST = 4  # lineages
LISTED = 7  # lineages, of which there are 1,716 resamples
RESAMPLES = 2000
_AT_ONCE = 64  # columns resampled at a time
_ROUNDING = 1e-9  # of a score's spread: a resample that varies less is one lineage over and over


def bounds(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Bounds for the column means of `(s, g)` values, each `(g,)`; NaN where fewer than `FEWEST` are finite."""
    low, high = np.full((2, values.shape[1]), np.nan)
    for rows, columns in _patterns(np.isfinite(values)):
        if len(rows) >= FEWEST:
            low[columns], high[columns] = _studentised(values[np.ix_(rows, columns)], confidence)
    return low, high


def _patterns(is_there: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Groups of at most `_AT_ONCE` columns that have values in the same rows: rows and columns."""
    patterns, which = np.unique(is_there, axis=1, return_inverse=True)
    for k, pattern in enumerate(patterns.T):
        columns = np.flatnonzero(which.ravel() == k)
        for start in range(0, len(columns), _AT_ONCE):
            yield np.flatnonzero(pattern), columns[start : start + _AT_ONCE]


def _studentised(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Bounds `(g,)` for the column means of `(n, g)` finite values."""
    n = len(values)
    counts, chances = _resamples(n)  # (b, n), (b,)
    mean, spread = values.mean(0), values.std(0, ddof=1)
    z = (values - mean) / np.where(spread > 0, spread, 1)
    shift = counts @ z / n  # (b, g)
    error = np.sqrt(np.maximum(counts @ z**2 / n - shift**2, 0) / (n - 1))
    is_one = error < _ROUNDING  # one lineage over and over: as far out as can be, unless all values are equal
    farthest = np.select([shift > _ROUNDING, shift < -_ROUNDING], [np.inf, -np.inf], 0)
    t = np.where(is_one, farthest, shift / np.where(is_one, 1, error))
    tail = (1 - confidence) / 2
    unit = spread / np.sqrt(n)
    with np.errstate(invalid="ignore"):  # no spread times no end
        return mean + _quantile(-t, chances, tail) * unit, mean - _quantile(t, chances, tail) * unit


def _quantile(t: np.ndarray, chances: np.ndarray, tail: float) -> np.ndarray:
    """The smallest of each column of `(b, g)` below which, itself included, there is at least the chance `tail`."""
    order = np.argsort(t, axis=0, kind="stable")
    at = (np.cumsum(chances[order], axis=0) < tail - 1e-12).sum(0)
    columns = np.arange(t.shape[1])
    found: np.ndarray = t[order[np.minimum(at, len(t) - 1), columns], columns]
    return found


@lru_cache(maxsize=32)
def _resamples(n: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of n lineages is in a resample, `(b, n)`, and each resample's chance, `(b,)`."""
    if n > LISTED:
        drawn = Seed(("analysis", "bootstrap", n)).numpy().multinomial(n, np.full(n, 1 / n), RESAMPLES)
        return drawn.astype(float), np.full(RESAMPLES, 1 / RESAMPLES)
    from scipy.special import gammaln

    counts = np.array(list(_ways(n, n)), float)
    return counts, np.exp(gammaln(n + 1) - gammaln(counts + 1).sum(1) - n * np.log(n))


def _ways(total: int, places: int) -> Iterator[tuple[int, ...]]:
    """Every way to put `total` into `places`."""
    if places == 1:
        yield (total,)
        return
    for first in range(total + 1):
        yield from ((first, *rest) for rest in _ways(total - first, places - 1))
