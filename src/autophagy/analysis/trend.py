"""Tests over lineages: slopes, one-sample t-tests, and Holm's correction with weights."""

from __future__ import annotations

import numpy as np

from .lineages import MOST

LEVEL = 0.05
FEWEST = 3  # lineages below which a t-test over lineages is not worth its name
_ROUNDING = 1e-9  # of a score's size: what differs by less, or a slope that moves less over a whole run, is rounding


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a − b; 0 where the two differ by what rounding makes of equal scores."""
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        gap = a - b
        return np.where(np.abs(gap) <= _ROUNDING * np.maximum(np.abs(a), np.abs(b)), 0.0, gap)


def slopes(values: np.ndarray, generations: np.ndarray) -> np.ndarray:
    """Least-squares slopes of `(s, g)` scores over `(g,)` generations, one a lineage; NaN with fewer than two."""
    x = _centred(values, generations)
    found: np.ndarray = (x * np.where(np.isfinite(values), values, 0)).sum(1) / (x**2).sum(1)
    moved = np.abs(found) * np.ptp(generations)
    size = np.abs(values).max(initial=0, where=np.isfinite(values))
    return np.where(moved <= _ROUNDING * size, 0.0, found)


def slope_grain(values: np.ndarray, generations: np.ndarray) -> float:
    """The variance that rounding to `grain` gives a slope, the mean over lineages."""
    square = (_centred(values, generations) ** 2).sum(1)
    return float((grain(values) ** 2 / 12 / square).mean()) if len(values) else 0.0


def grain(values: np.ndarray) -> float:
    """The smallest step between two different scores: 1 for counts, next to nothing for scores that take any value.

    A count can change by exactly one in all of three lineages by chance. Its
    spread is then 0, but it is known no better than to a step.
    """
    steps = np.diff(np.unique(values[np.isfinite(values)]))
    return float(steps.min(initial=MOST)) if len(steps) else 0.0


def above_zero(values: np.ndarray, least: float = 0.0) -> np.ndarray:
    """One-sided p of t-tests that the column means of `(n, g)` values are above 0, `(g,)`.

    `least` is a variance added to that over lineages. Values that are not finite
    are left out; NaN with fewer than `FEWEST`.
    """
    from scipy.special import stdtr

    is_there = np.isfinite(values)
    n = np.where(is_there.sum(0) >= FEWEST, is_there.sum(0), np.nan)
    mean = np.where(is_there, values, 0).sum(0) / n
    variance = np.where(is_there, (values - mean) ** 2, 0).sum(0) / (n - 1) + least
    error = np.sqrt(variance / n)
    certain = np.where(mean > 0, 0.0, np.where(mean < 0, 1.0, 0.5))  # where all agree to the last bit
    found: np.ndarray = np.where(error == 0, certain, stdtr(n - 1, -mean / np.where(error > 0, error, 1)))
    return found


def off_zero(values: np.ndarray, least: float = 0.0) -> float:
    """Two-sided p of a t-test that the mean of `(n,)` values is not 0; otherwise as `above_zero`."""
    return 2 * float(above_zero(np.stack([values, -values], axis=1), least).min())


def holm(p: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Holm's step-down correction of `(m,)` p-values; NaN ones are no tests and stay NaN.

    With weights (Holm 1979, section 4) a hypothesis of twice the weight may have
    twice the p-value. The chance of any false alarm stays below the level.
    """
    corrected = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    weights = np.ones(len(p)) if weights is None else weights
    order = tested[np.argsort(p[tested] / weights[tested], kind="stable")]
    left = np.cumsum(weights[order][::-1])[::-1]  # the weight of this hypothesis and of all after it
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] / weights[order] * left), 1)
    return corrected


def _centred(values: np.ndarray, generations: np.ndarray) -> np.ndarray:
    """`(s, g)` generations less their mean over those where a lineage has a value; 0 elsewhere, NaN with too few."""
    is_there = np.isfinite(values)
    n = np.where(is_there.sum(1) > 1, is_there.sum(1), np.nan)
    middle = (is_there * generations).sum(1) / n
    return np.where(is_there, generations - middle[:, None], np.where(np.isnan(middle), np.nan, 0)[:, None])
