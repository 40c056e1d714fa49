"""Scores by generation: the mean over lineages, with an interval that says what it is over and how many there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from . import bootstrap
from .lineages import Lineages

CONFIDENCE = 0.95

Method = Literal["t", "bootstrap"]  # over lineages: Student's interval, or the studentised bootstrap
FEWEST: Mapping[Method, int] = {"t": 2, "bootstrap": bootstrap.FEWEST}  # lineages below which there is no interval
Kind = Literal["t", "bootstrap", "samples"]  # or, of one lineage alone, over its samples


@dataclass(frozen=True)
class Interval:
    """A mean over n lineages with its two-sided interval; the bounds are NaN where there is none."""

    mean: float
    low: float
    high: float
    n: int
    kind: Kind = "t"


@dataclass(frozen=True)
class Curve:
    """One score of one arm by generation; every array is `(g,)`.

    Attributes:
        low, high: bounds of the interval; NaN where there are too few lineages for one.
        n: lineages with a finite value, which the mean is over.
        diverged: lineages that have diverged by then; they have left the mean.
        kind: what the interval is over. "samples" is the error of the measurement alone: it says
            nothing about another lineage of the same arm.
    """

    arm: str
    score: str
    generations: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    diverged: np.ndarray
    kind: Kind = "t"

    def at(self, generation: int) -> Interval:
        i = int(np.searchsorted(self.generations, generation))
        return Interval(float(self.mean[i]), float(self.low[i]), float(self.high[i]), int(self.n[i]), self.kind)


def curve(lineages: Lineages, score: str, *, method: Method = "t", errors: np.ndarray | None = None) -> Curve:
    """Means and intervals of one score.

    `errors` are `(s, g)` standard errors over samples. They are used where the
    arm has a single lineage and so no spread over lineages; never mixed with it.
    """
    values = lineages.scores[score]
    if errors is not None and len(lineages.seeds) == 1:
        kind: Kind = "samples"
        mean, low, high, n = _over_samples(values, errors)
    else:
        kind = method
        mean, low, high, n = intervals(values, method)
    return Curve(lineages.arm, score, lineages.generations, mean, low, high, n, lineages.diverged, kind)


def interval(values: np.ndarray, method: Method = "t") -> Interval:
    """The mean of `(n,)` values, one a lineage, with its interval; those that are not finite are left out."""
    mean, low, high, n = (float(x[0]) for x in intervals(values[:, None], method))
    return Interval(mean, low, high, int(n), method)


def intervals(values: np.ndarray, method: Method = "t") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Column means of `(s, g)` values with bounds and counts: mean, low, high, n; each `(g,)`."""
    mean, half, n = _students(values)
    if method == "bootstrap":
        return mean, *bootstrap.bounds(values, CONFIDENCE), n
    return mean, mean - half, mean + half, n


def _students(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Column means of `(s, g)`, half the width of their t-intervals, and counts; each `(g,)`."""
    from scipy.special import stdtrit

    is_there = np.isfinite(values)
    n = is_there.sum(0)  # (g,)
    mean = np.where(is_there, values, 0).sum(0) / np.where(n > 0, n, np.nan)
    square = np.where(is_there, (values - mean) ** 2, 0).sum(0)
    freedom = np.where(n > 1, n - 1, np.nan)
    return mean, stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(square / freedom / np.maximum(n, 1)), n


def _over_samples(values: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One lineage `(1, g)` with normal bounds from its own standard errors; each `(g,)`."""
    from scipy.special import ndtri

    half = ndtri((1 + CONFIDENCE) / 2) * errors[0]
    return values[0], values[0] - half, values[0] + half, np.isfinite(values[0]).astype(int)
