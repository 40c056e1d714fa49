"""Sweeps: one experiment in every cell of a grid, each followed to its loop's limit and told as an effective size."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autophagy.archive.store import MemoryStore, Store
from autophagy.archive.strict_json import wrapped
from autophagy.core import settings
from autophagy.core.errors import ConfigError
from autophagy.core.identity import fingerprint
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Whole, shown
from autophagy.experiment import read
from autophagy.experiment.config import Experiment, check_name

from .checks import check_normal, checked_family
from .effective import LearningCurve
from .limits import VERSION, Limit, limit
from .workers import outcomes

if TYPE_CHECKING:
    import pandas

Value = float | str
Address = tuple[Value, Value, Value]  # of a cell: panel, across, up
WIDTH = 1.96  # standard errors: a 95 % interval
FEWEST = 30  # replicates with which the test of a limit errs in 1.6 % instead of 1 % (Student's t); with 10 in 3.3 %


@dataclass(frozen=True)
class Axis:
    """A setting of the experiment's base, and the values it takes.

    Attributes:
        key: as in `--set base.KEY=…`.
        values: at least one, each once.
    """

    key: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        settings.check(self)
        if not self.values:
            raise ConfigError(f"values of '{self.key}' must have at least one entry.")
        for i, value in enumerate(self.values):
            if value in self.values[:i]:
                raise ConfigError(
                    f"values of '{self.key}' must differ, but {shown(value)} is there twice; say it once."
                )

    def check_scale(self) -> None:
        """Raises ConfigError for values that have no place on a logarithmic scale, from the least to the greatest."""
        numbers = [value for value in self.values if not isinstance(value, str) and 0 < value < math.inf]
        if len(numbers) < len(self.values) or numbers != sorted(numbers):
            raise ConfigError(
                f"values of '{self.key}' must be finite numbers above 0 in rising order, but are "
                f"{shown(list(self.values))}; texts, and any order, go on panels."
            )

    def change(self, value: Value) -> str:
        """The text that sets it."""
        is_whole = isinstance(value, float) and value.is_integer()
        return f"base.{self.key}={json.dumps(int(value) if is_whole else value)}"


@dataclass(frozen=True)
class Sweep:
    """What to run in every cell.

    Attributes:
        experiment: nested tables as in TOML, whose one arm is the cell.
        panels: one setting, a panel of the figure for each value.
        across: another, from left to right; numbers above 0 in rising order.
        up: a third, from the bottom up; likewise.
        replicates: lineages of every cell; at least 30, for limits are tested by normal bounds.
        seed: of all random numbers; every cell has its own.
        profile: of the experiment, if any.
        changes: of the experiment, as `--set` takes them.
        name: for people.
    """

    experiment: Mapping[str, object]
    panels: Axis
    across: Axis
    up: Axis
    replicates: Count = 2000
    seed: Whole = 0
    profile: str | None = None
    changes: tuple[str, ...] = ()
    name: str = "sweep"

    def __post_init__(self) -> None:
        settings.check(self)
        check_name("sweep", self.name)
        self._check_axes()
        if self.replicates < FEWEST:
            raise ConfigError(
                f"replicates must be at least {FEWEST} in a sweep, but is {self.replicates}; "
                "with fewer lineages no limit could be tested."
            )

    def _check_axes(self) -> None:
        keys = self.panels.key, self.across.key, self.up.key
        for key in keys:
            if keys.count(key) > 1:
                raise ConfigError(f"'{key}' is on more than one axis; panels, across and up must be three settings.")
        for change in self.changes:
            key = change.partition("=")[0].strip().removeprefix("base.")
            if key in keys:
                raise ConfigError(f"'{change}' sets what is on an axis of the sweep; leave it out.")
        for name in ("across", "up"):
            axis: Axis = getattr(self, name)
            try:
                axis.check_scale()
            except ConfigError as problem:
                raise ConfigError(f"sweep.{name}: {problem}") from None

    def addresses(self) -> list[Address]:
        return [(p, x, y) for p in self.panels.values for x in self.across.values for y in self.up.values]

    def cell(self, address: Address) -> Experiment:
        """The experiment of one cell. Raises ConfigError for settings that it does not have."""
        axes = (self.panels, self.across, self.up)
        changes = [axis.change(value) for axis, value in zip(axes, address, strict=True)]
        return read.experiment(self.experiment, name=self.name, profile=self.profile, changes=[*self.changes, *changes])

    def run(
        self, *, on: str = "serial", watch: Callable[[int], None] | None = None, store: Store | None = None
    ) -> Swept:
        """Follows every cell to its limit; `watch` is called with the number of cells that are done, first of all too.

        A store keeps every cell once it and those before it are done; what it has already is not followed again. Raises
        PlanError for cells without a closed form or a limit.
        """
        kept = MemoryStore() if store is None else store
        jobs = self._jobs()
        waiting = [job for job in jobs if not kept.holds(job.key)]
        tell = watch or (lambda _: None)
        tell(done := len(jobs) - len(waiting))
        for job, found in zip(waiting, outcomes(_followed, waiting, on), strict=True):
            kept.numbers(job.key, found.numbers)
            kept.settle()
            tell(done := done + 1)
        return Swept(self, tuple(job.cell(Limit.of(kept.numbers(job.key))) for job in jobs))

    def _jobs(self) -> list[_Job]:
        curves: dict[tuple[object, ...], LearningCurve] = {}
        jobs = []
        for address in self.addresses():
            experiment = self.cell(address)
            (arm,) = experiment.arms.values()
            basis = (arm.source, arm.model)
            if basis not in curves:
                curves[basis] = LearningCurve.of(arm.model, checked_family("cell", arm))
                check_normal(arm)
            seed = Seed(("sweep", self.seed, *map(str, address)))  # one unlucky draw of real data must not mark a row
            jobs.append(_Job(address, experiment, curves[basis], self.replicates, seed.small))
        return jobs


@dataclass(frozen=True)
class _Job:
    """One cell that is to be followed."""

    address: Address
    experiment: Experiment
    curve: LearningCurve
    replicates: int
    seed: int

    @property
    def key(self) -> str:
        """What its limit is kept under."""
        (arm,) = self.experiment.arms.values()
        return fingerprint("limit", VERSION, arm, self.replicates, self.seed)

    def cell(self, found: Limit) -> Cell:
        squared = found.readings["w2_squared"]
        size = self.curve.size(squared.mean)
        error = math.hypot(squared.error, self.curve.doubt(size))
        low, high = (self.curve.size(squared.mean + side * WIDTH * error) for side in (1, -1))
        return Cell(self.address, found, size, low, high)


def _followed(job: _Job) -> Limit:
    return limit(job.experiment, job.curve, replicates=job.replicates, seed=job.seed)


@dataclass(frozen=True)
class Cell:
    """One cell's limit.

    Attributes:
        address: the values of the three settings.
        limit: what the simulation found.
        size: n_e; `low` and `high` bound it at 95 %, for the errors of both simulations, the loop's and the curve's.
    """

    address: Address
    limit: Limit
    size: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """n_e over the real points of a generation: above 1, the loop's own output has helped."""
        return self.size / self.limit.real


@dataclass(frozen=True)
class Swept:
    """Every cell of a sweep, in the order of its addresses."""

    sweep: Sweep
    cells: tuple[Cell, ...]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One row for each cell."""
        keys = [axis.key for axis in (self.sweep.panels, self.sweep.across, self.sweep.up)]
        for cell in self.cells:
            found = cell.limit
            yield {
                **dict(zip(keys, cell.address, strict=True)),
                "real": found.real,
                "effective_sample_size": cell.size,
                "low": cell.low,
                "high": cell.high,
                "ratio": cell.ratio,
                "forecast": found.forecast,
                "generations": found.generations,
                "drift": found.drift,
                "is_tested": found.is_tested,
                **{name: estimate.mean for name, estimate in found.readings.items()},
                **{f"{name}_error": estimate.error for name, estimate in found.readings.items()},
            }

    def ratios(self, panel: Value) -> np.ndarray:
        """`(up, across)`: n_e over real points, of one panel."""
        shape = len(self.sweep.across.values), len(self.sweep.up.values)
        return np.array([cell.ratio for cell in self.cells if cell.address[0] == panel]).reshape(shape).T

    def borders(self, panel: Value) -> list[float | None]:
        """For every value across: the value up at which n_e falls below the real points; None if it never does.

        Between cells ln ratio over the value up is taken to be linear in the value up: where the value is a number
        of synthetic points, what each of them brings falls with their number.
        """
        up = [float(value) for value in self.sweep.up.values]
        return [_last_crossing(up, column) for column in self.ratios(panel).T]

    def to_pandas(self) -> pandas.DataFrame:
        import pandas

        return pandas.DataFrame(self.rows())

    def json(self) -> dict[str, Any]:
        """Strict JSON: numbers that are not finite are texts."""
        rows = [{**row, **wrapped({k: v for k, v in row.items() if isinstance(v, float)})} for row in self.rows()]
        return {"name": self.sweep.name, "replicates": self.sweep.replicates, "seed": self.sweep.seed, "cells": rows}


def _last_crossing(up: list[float], ratios: np.ndarray) -> float | None:
    worth = np.log(ratios) / up  # of one point
    falls = np.flatnonzero((worth[:-1] >= 0) & (worth[1:] < 0))
    if not len(falls):
        return None
    i = int(falls[-1])
    return float(up[i] + (up[i + 1] - up[i]) * worth[i] / (worth[i] - worth[i + 1]))
