"""Where a loop ends: simulated until it has forgotten how it began, and tested for it.

A loop is run for T generations, of which the first half is thrown away. T is
such that the forecast (the block recursion) moved its effective sample size by
less than 0.1 % over the last half of them. What is left is two windows of T/4
generations. The limit is tested: over replicates, the difference between the
windows' mean errors must be less than 2.58 of its standard errors (1 %, two
sides); if it is not, the loop is run again for twice as long.

Real data of a generation, fitted alone, have an expected error that is known.
How far they were off it in this very simulation is taken from the loop's error
(a control variate), as far as the two went together.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autophagy.archive.strict_json import unwrapped, wrapped
from autophagy.core.errors import ConfigError, PlanError
from autophagy.experiment.config import Experiment
from autophagy.experiment.forecasts import forecasts
from autophagy.experiment.plan import Plan, plan

from .course import Course
from .effective import LearningCurve
from .families import Fit, GaussianFit
from .readings import moments_read, wasserstein_read
from .walk import Finished, walk

VERSION = 2  # rises when an equal experiment comes out otherwise; 2: a steadier learning curve
SETTLED = 1e-3
SHORTEST, LONGEST = 96, 96 * 2**8
BOUND = 2.576
MOST_READ = 16  # generations of a window that are read, evenly spread
MOST_HELD = 2**28  # numbers of a cell, whose lineages all lie side by side: 2 GiB


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates, with its standard error."""

    mean: float
    error: float


@dataclass(frozen=True)
class Limit:
    """The second half of a loop's generations, averaged.

    Attributes:
        readings: by name; `w2_squared` with the control variate.
        drift: what the error moved between the windows, in its standard errors.
        is_tested: the drift is within its bound.
        generations: how many were run.
        real: real points of one generation.
        forecast: the effective sample size that theory expects, which leaves the covariance's scatter out.
    """

    readings: dict[str, Estimate]
    drift: float
    is_tested: bool
    generations: int
    real: int
    forecast: float

    def numbers(self) -> dict[str, Any]:
        """As a store keeps it."""
        flat = {f"{name}.{part}": n for name, each in self.readings.items() for part, n in vars(each).items()}
        told = {**flat, "drift": self.drift, "forecast": self.forecast}
        counts = {"is_tested": self.is_tested, "generations": self.generations, "real": self.real}
        return {**counts, "floats": wrapped(told)}

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> Limit:
        """What `numbers` gave."""
        told = unwrapped(numbers["floats"])
        names = sorted(name.removesuffix(".mean") for name in told if name.endswith(".mean"))
        readings = {name: Estimate(told[f"{name}.mean"], told[f"{name}.error"]) for name in names}
        counts = numbers["is_tested"], numbers["generations"], numbers["real"]
        return cls(readings, told["drift"], *counts, told["forecast"])


def limit(experiment: Experiment, curve: LearningCurve, *, replicates: int, seed: int) -> Limit:
    """The limit of an experiment's one arm.

    Raises PlanError if it has none within 24,576 generations, ConfigError for more replicates than memory has room for.
    """
    planned, forecast = _settling(dataclasses.replace(experiment, seeds=(seed,)))
    while True:
        course = Course.of(planned)
        _check_real(course)
        _check_room(course, replicates)
        found = _windows(course, replicates, curve)
        generations = planned.experiment.generations
        drift = _drift(found)
        is_tested = abs(drift) <= BOUND
        if is_tested or generations >= LONGEST:
            readings = {name: _estimate(values.mean(0)) for name, values in found.read.items()}
            readings["w2_squared"] = _controlled(found, curve.doubt(found.real) if found.alone.any() else 0.0)
            return Limit(readings, drift, is_tested, generations, found.real, forecast)
        planned = plan(dataclasses.replace(planned.experiment, generations=2 * generations))


def _settling(experiment: Experiment) -> tuple[Plan, float]:
    """A plan that is long enough, and the forecast of its last generation."""
    generations = SHORTEST
    while generations <= LONGEST:
        planned = plan(dataclasses.replace(experiment, generations=generations))
        (told,) = forecasts(planned).values()
        if told.reason:
            raise PlanError(f"how long the loop must run is not known: {told.reason}.")
        sizes = told.effective_sample_size
        if abs(sizes[generations // 2] / sizes[-1] - 1) < SETTLED:
            return planned, sizes[-1]
        generations *= 2
    raise PlanError(f"the loop has no limit within {LONGEST:,} generations; give it real data, or less of its own.")


def _check_real(course: Course) -> None:
    if not any(bite.block in course.reals and bite.count for bite in course.steps[-1].bites):
        raise PlanError(
            "the loop's last generation eats no real data, to which its effective sample size would be compared; "
            "sweep a loop that does, such as 'fresh-data'."
        )


def _check_room(course: Course, replicates: int) -> None:
    each = 24 + 8 * course.largest  # numbers; what is kept, and what the walk works with, was measured to be less
    if each * replicates > MOST_HELD:
        raise ConfigError(
            f"replicates: {replicates:,} lineages of a cell are too many to be held at once; "
            f"use at most {max(1, MOST_HELD // each):,}, or keep fewer points."
        )


@dataclass(frozen=True)
class _Windows:
    """Means over the generations of two windows, `(2, replicates)`.

    Attributes:
        read: by reading.
        alone: `w2_squared` of the real data alone, less its expectation; noughts where there are none.
        real: real points of a generation.
    """

    read: dict[str, np.ndarray]
    alone: np.ndarray
    real: int


def _windows(course: Course, replicates: int, curve: LearningCurve) -> _Windows:
    length = (len(course.steps) - 1) // 4
    sums: dict[str, np.ndarray] = {}
    alone, taken, real = np.zeros((2, replicates)), np.zeros((2, 1)), 0
    for done, window in _late(course, replicates, length):
        for name, values in _read(done.fit).items():
            sums.setdefault(name, np.zeros((2, replicates)))[window] += values
        pairs = zip(done.eaten, done.step.bites, strict=True)
        parts = [block for block, bite in pairs if bite.block in course.reals]
        real = sum(part.n for part in parts)
        if real >= done.step.family.fewest():
            alone[window] += _distance(done.step.family.fit(parts))["w2_squared"] - curve.error(real)
        taken[window] += 1
    return _Windows({name: total / taken for name, total in sums.items()}, alone / taken, real)


def _read(fit: Fit) -> dict[str, np.ndarray]:
    found = _gaussian(fit)
    return {**moments_read(found.normal, found.truth), **_distance(fit)}


def _distance(fit: Fit) -> dict[str, np.ndarray]:
    found = _gaussian(fit)
    return wasserstein_read(found.normal, found.truth)


def _gaussian(fit: Fit) -> GaussianFit:
    if not isinstance(fit, GaussianFit):
        raise TypeError("a learning curve is for Gaussians only.")
    return fit


def _late(course: Course, replicates: int, length: int) -> Iterator[tuple[Finished, int]]:
    """Generations that are read, each with its window; the last one is always among them."""
    every = -(-length // MOST_READ)
    for done in walk(course, replicates):
        back = len(course.steps) - 1 - done.step.number  # generations before the last
        if back < 2 * length and back % every == 0:
            yield done, int(back < length)


def _controlled(found: _Windows, doubt: float) -> Estimate:
    """With the standard error of the control's expectation in its own."""
    values, alone = found.read["w2_squared"].mean(0), found.alone.mean(0)  # (R,)
    slope = _slope(values, alone)
    estimate = _estimate(values - slope * alone)
    return Estimate(estimate.mean, math.hypot(estimate.error, slope * doubt))


def _drift(found: _Windows) -> float:
    """In standard errors, replicate by replicate, with the same control."""
    moved, alone = np.diff(found.read["w2_squared"], axis=0)[0], np.diff(found.alone, axis=0)[0]
    estimate = _estimate(moved - _slope(moved, alone) * alone)
    return estimate.mean / estimate.error if estimate.error else 0.0


def _slope(values: np.ndarray, control: np.ndarray) -> float:
    variance = float(control.var())
    return float(((values - values.mean()) * (control - control.mean())).mean()) / variance if variance else 0.0


def _estimate(values: np.ndarray) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5)
