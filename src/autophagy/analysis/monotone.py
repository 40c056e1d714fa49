"""Where a curve that can only rise passes zero, from noisy values of a few lineages, and how sure that is.

**Curve.** The means over lineages are made monotone by isotonic regression
(pool adjacent violators; Ayer et al. 1955), and joined by Fritsch and Carlson's
(1980) monotone cubic, so nothing is assumed of the shape but that it rises, and
nothing is said beyond its ends.

**Interval.** A place belongs to it if a two-sided t-test over lineages does not
tell the curve's height there from zero (a test inverted, as Fieller 1954). The
height's standard error is the jackknife's over lineages, each left out of the
whole estimate. Between its places the curve may also be off by a tenth of its
bow, its distance from a straight line: about what smooth curves were seen to
differ from it, and all that is left of the interval where there is no noise.
Both ends of the set are given; an end is infinite where the set goes on to the
end of the curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .trajectories import CONFIDENCE

FEWEST = 3  # lineages below which there is no interval
BOW = 0.1  # of the curve's distance from a straight line between two places, by which its shape may be wrong
STEPS = 200  # at which the curve is looked at, between each two of its places; between steps it counts as straight


@dataclass(frozen=True)
class Crossing:
    """Where a rising curve passes zero.

    Attributes:
        at: −∞ if it is above zero from its first place on, ∞ if not even at its last.
        low, high: bounds of its interval, infinite where open; NaN below `FEWEST` lineages.
        n: lineages.
    """

    at: float
    low: float
    high: float
    n: int


def crossing(values: np.ndarray, places: np.ndarray) -> Crossing:
    """Where the curve through `(n, k)` values at `(k,)` ascending places, two or more, passes zero."""
    grid = np.unique(np.linspace(places[:-1], places[1:], STEPS + 1))
    height, low, high = band(values, places, grid)
    at = _passed(height, grid)
    n = len(values)
    if n < FEWEST:
        return Crossing(at, float("nan"), float("nan"), n)
    last = -_passed(-low[::-1], -grid[::-1])  # where the lower bound is below zero for the last time
    return Crossing(at, min(at, _passed(high, grid)), max(at, last), n)


def band(values: np.ndarray, places: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The curve on a grid with its pointwise interval over lineages, `(g,)` each; bounds are NaN below `FEWEST`."""
    height, bow = (found[0] for found in _drawn(values.mean(0, keepdims=True), places, grid))
    n = len(values)
    if n < FEWEST:
        return height, np.full_like(height, np.nan), np.full_like(height, np.nan)
    without = curves((values.sum(0) - values) / (n - 1), places, grid)  # (n, g)
    half = critical(n) * np.sqrt((n - 1) * without.var(0)) + BOW * bow
    return height, height - half, height + half


def curves(means: np.ndarray, places: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """`(m, g)` heights on a grid of the rising curves nearest to `(m, k)` means."""
    return _drawn(means, places, grid)[0]


def _drawn(means: np.ndarray, places: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`(m, g)` heights, and how far they are from straight lines between the places."""
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import isotonic_regression

    rising = np.array([isotonic_regression(row).x for row in means])  # (m, k)
    heights = PchipInterpolator(places, rising, axis=1)(grid)
    straight = np.array([np.interp(grid, places, row) for row in rising])
    return heights, np.abs(heights - straight)


def _passed(height: np.ndarray, grid: np.ndarray) -> float:
    """Where a line on a grid first rises above zero: −∞ if it begins there, ∞ if it never does."""
    above = np.flatnonzero(height > 0)
    if not len(above):
        return float("inf")
    i = int(above[0])
    if i == 0:
        return float("-inf")
    part = -height[i - 1] / (height[i] - height[i - 1])
    return float(grid[i - 1] + part * (grid[i] - grid[i - 1]))


def critical(n: int) -> float:
    """Student's t for two-sided intervals over n lineages."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
