"""Simulating an experiment: every arm as an ensemble of lineages, summed up by generation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autophagy.archive.run_folder import Forecast
from autophagy.archive.strict_json import wrapped
from autophagy.core import settings
from autophagy.core.errors import ConfigError
from autophagy.core.settings import Count, Whole
from autophagy.experiment.config import Experiment
from autophagy.experiment.forecasts import forecasts
from autophagy.experiment.plan import plan

from .course import Course
from .walk import walk
from .workers import outcomes

if TYPE_CHECKING:
    import pandas

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_READINGS = 2**28  # numbers that are kept: 2 GiB
MOST_HELD = 2**27  # of one lineage, in one generation: 1 GiB


@dataclass(frozen=True)
class Size:
    """How many lineages, and from which seed.

    Attributes:
        replicates: lineages of every arm.
        seed: of all random numbers.
    """

    replicates: Count = 2000
    seed: Whole = 0

    def __post_init__(self) -> None:
        settings.check(self)


@dataclass(frozen=True)
class Summary:
    """One reading over all replicates, by generation.

    Attributes:
        mean: of the replicates that have not diverged.
        error: the standard error of that mean.
        quantiles: `(5, generations)`, at 5, 25, 50, 75 and 95 %.
        n: replicates that have not diverged, that is, whose reading is a number.
    """

    mean: np.ndarray
    error: np.ndarray
    quantiles: np.ndarray
    n: np.ndarray


@dataclass(frozen=True)
class ArmEnsemble:
    """All replicates of one arm.

    Attributes:
        readings: by name, `(generations, replicates)`; NaN from where a replicate diverged.
        forecast: what theory expects.
        foretold: the reading that the forecast's kept variance is about; None if it is about none.
    """

    readings: Mapping[str, np.ndarray]
    forecast: Forecast
    foretold: str | None

    def summary(self, reading: str) -> Summary:
        return summed_up(self.readings[reading])

    def expected(self, reading: str) -> tuple[float, ...]:
        """The forecast of a reading's mean, by generation; empty if there is none."""
        return self.forecast.kept_variance if reading == self.foretold else ()


@dataclass(frozen=True)
class Ensemble:
    """What came of every arm."""

    name: str
    replicates: int
    seed: int
    arms: Mapping[str, ArmEnsemble]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row for each arm, reading and generation."""
        for name, arm in self.arms.items():
            for reading in arm.readings:
                found, expected = arm.summary(reading), arm.expected(reading)
                for g in range(len(found.mean)):
                    yield {
                        "arm": name,
                        "reading": reading,
                        "generation": g,
                        "n": int(found.n[g]),
                        "mean": float(found.mean[g]),
                        "standard_error": float(found.error[g]),
                        **{f"q{100 * q:.0f}": float(found.quantiles[i, g]) for i, q in enumerate(QUANTILES)},
                        "forecast": expected[g] if expected else None,
                    }

    def to_pandas(self) -> pandas.DataFrame:
        import pandas

        return pandas.DataFrame(self.rows())

    def json(self) -> dict[str, Any]:
        """Strict JSON: numbers that are not finite are texts."""
        told = {
            name: {"is_exact": a.forecast.is_exact, "reason": a.forecast.reason, "of": a.foretold}
            for name, a in self.arms.items()
        }
        rows = [{**row, **wrapped({k: v for k, v in row.items() if isinstance(v, float)})} for row in self.rows()]
        return {"name": self.name, "replicates": self.replicates, "seed": self.seed, "forecasts": told, "rows": rows}


def simulate(experiment: Experiment, *, replicates: int = 2000, seed: int = 0, on: str = "serial") -> Ensemble:
    """Simulates every arm of an experiment as `replicates` lineages, whose seeds are not the experiment's own.

    Raises PlanError for models, sources or parts that have no closed form.
    """
    size = Size(replicates, seed)
    planned = plan(dataclasses.replace(experiment, seeds=(size.seed,)))
    course = Course.of(planned)
    _check_room(course, size.replicates)
    parts = list(outcomes(_simulated, [(course, n, i) for i, n in enumerate(_batches(size.replicates, course))], on))
    told = forecasts(planned)
    family = {step.block: step.family for step in course.steps}
    arms = {
        name: ArmEnsemble(_gathered(parts, blocks), told[name], family[blocks[0]].foretold)
        for name, blocks in course.arms.items()
    }
    return Ensemble(experiment.name, size.replicates, size.seed, arms)


def summed_up(values: np.ndarray) -> Summary:
    """Sums up `(generations, replicates)`."""
    is_number = ~np.isnan(values)
    n = is_number.sum(1)
    with np.errstate(all="ignore"):  # where all have diverged, or a logarithm is −∞, the answer is NaN or infinite
        mean = np.where(is_number, values, 0).sum(1) / n
        gap = np.where(is_number, values - mean[:, None], 0)
        error = np.sqrt((gap**2).sum(1) / (n - 1) / n)
    quantiles = np.full((len(QUANTILES), len(values)), np.nan)
    for g in np.flatnonzero(n):
        quantiles[:, g] = np.quantile(values[g, is_number[g]], QUANTILES, method="inverted_cdf")
    return Summary(mean, error, quantiles, n)


def _batches(replicates: int, course: Course) -> list[int]:
    """Sizes of batches; all but the last are as wide as the course."""
    whole, rest = divmod(replicates, course.width)
    return [course.width] * whole + [rest] * bool(rest)


def _simulated(job: tuple[Course, int, int]) -> dict[str, Mapping[str, np.ndarray]]:
    """Readings of every step, by block, of one batch."""
    course, replicates, number = job
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # what diverges reads NaN
        return {done.step.block: _finite(done.fit.read()) for done in walk(course, replicates, number)}


def _finite(readings: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """NaN for +∞, which is an overflow; −∞ is the logarithm of nothing and stays."""
    return {name: np.where(values == np.inf, np.nan, values) for name, values in readings.items()}


def _gathered(parts: list[dict[str, Mapping[str, np.ndarray]]], blocks: tuple[str, ...]) -> dict[str, np.ndarray]:
    names = parts[0][blocks[0]]
    return {
        name: np.stack([np.concatenate([part[block][name] for part in parts]) for block in blocks]) for name in names
    }


def _check_room(course: Course, replicates: int) -> None:
    readings = 6 * len(course.steps) * replicates
    if readings > MOST_READINGS:
        raise ConfigError(
            f"replicates: {len(course.steps):,} generations of {replicates:,} replicates are too many to be kept; "
            f"use at most {max(1, MOST_READINGS // (6 * len(course.steps))):,}, or fewer generations."
        )
    if course.held > MOST_HELD:
        raise ConfigError(
            f"a lineage whose points are kept one by one would hold {course.held:,} numbers at once, and "
            f"{MOST_HELD:,} are the most; lower real or samples."
        )
