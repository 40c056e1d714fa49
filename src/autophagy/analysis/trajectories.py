"""Scores by generation: the mean over lineages, with an interval that says how many there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .lineages import Lineages

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over n lineages with its two-sided t-interval; the bounds are NaN where n < 2."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Curve:
    """One score of one arm by generation; every array is `(g,)`.

    Attributes:
        low, high: bounds of the t-interval over lineages; NaN where fewer than two have a value.
        n: lineages with a finite value, which the mean is over.
        diverged: lineages that have diverged by then; they have left the mean.
    """

    arm: str
    score: str
    generations: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    diverged: np.ndarray

    def at(self, generation: int) -> Interval:
        i = int(np.searchsorted(self.generations, generation))
        return Interval(float(self.mean[i]), float(self.low[i]), float(self.high[i]), int(self.n[i]))


def curves(arms: Mapping[str, Lineages]) -> list[Curve]:
    """One curve for each arm and score, in the order of the arms."""
    return [curve(lineages, score) for lineages in arms.values() for score in lineages.scores]


def curve(lineages: Lineages, score: str) -> Curve:
    mean, low, high, n = _interval(lineages.scores[score])
    return Curve(lineages.arm, score, lineages.generations, mean, low, high, n, lineages.diverged)


def interval(values: np.ndarray) -> Interval:
    """The mean of `(n,)` values, one a lineage, with its t-interval; those that are not finite are left out."""
    mean, low, high, n = (float(x[0]) for x in _interval(values[:, None]))
    return Interval(mean, low, high, int(n))


def _interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Column means of `(s, g)` with bounds and counts; each `(g,)`."""
    from scipy.special import stdtrit

    is_there = np.isfinite(values)
    n = is_there.sum(0)  # (g,)
    mean = np.where(is_there, values, 0).sum(0) / np.where(n > 0, n, np.nan)
    square = np.where(is_there, (values - mean) ** 2, 0).sum(0)
    freedom = np.where(n > 1, n - 1, np.nan)
    half = stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(square / freedom / np.maximum(n, 1))
    return mean, mean - half, mean + half, n
