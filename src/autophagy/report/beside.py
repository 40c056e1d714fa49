"""Numbers that stand beside measured ones: what theory forecast, and how much of their spread is measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autophagy.analysis.noise import errors, noise
from autophagy.analysis.trajectories import Interval

from .story import FORETOLD, Story


@dataclass(frozen=True)
class Foretold:
    """One arm's last generation that was both forecast and measured."""

    arm: int
    name: str
    score: str
    generation: int
    forecast: float
    measured: Interval
    is_exact: bool

    @property
    def is_inside(self) -> bool | None:
        """Whether the measured interval holds the forecast; None without one."""
        if not math.isfinite(self.measured.low):
            return None
        return self.measured.low <= self.forecast <= self.measured.high


@dataclass(frozen=True)
class Spread:
    """Standard deviations over an arm's lineages at its last generation, in the score's units."""

    arm: int
    name: str
    score: str
    generation: int
    mean: float
    between: float
    evaluation: float
    loop: Interval
    n: int


def foretold(story: Story) -> list[Foretold]:
    """One for each arm with a forecast and each score that a forecast is about."""
    found = []
    for i, arm in enumerate(story.arms):
        told = arm.forecast.sample_variance
        for score in FORETOLD.values():
            curve = story.curve(arm.name, score)
            reached = [] if curve is None else [g for g in curve.generations.tolist() if g < len(told)]
            if curve is not None and reached:
                last = reached[-1]
                found.append(Foretold(i, arm.name, score, last, told[last], curve.at(last), arm.forecast.is_exact))
    return found


def spreads(story: Story) -> list[Spread]:
    """One for each arm and primary score whose metric reports standard errors."""
    found = []
    for score in story.primary.values():
        for i, arm in enumerate(story.arms):
            spread = _spread(story, i, arm.name, score)
            if spread is not None:
                found.append(spread)
    return found


def _spread(story: Story, i: int, arm: str, score: str) -> Spread | None:
    lineages, measure = story.lineages.get(arm), story.measure(arm, score)
    if lineages is None or measure is None or score not in lineages.scores:
        return None
    known = errors(lineages, score, measure.better)
    if known is None:
        return None
    split = noise(lineages, score, known)
    measured = np.flatnonzero(split.n)
    if not len(measured):
        return None
    k = measured[-1]
    generation, n = int(split.generations[k]), int(split.n[k])
    loop = Interval(float(split.loop[k]), float(split.low[k]), float(split.high[k]), n)
    mean = float(np.nanmean(lineages.scores[score][:, k]))
    return Spread(i, arm, score, generation, mean, float(split.between[k]), float(split.evaluation[k]), loop, n)
