"""Ensembles and sweeps in tables."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.archive.disk import DiskStore
from autophagy.experiment.read import read
from autophagy.simulate.ensemble import ArmEnsemble, Ensemble
from autophagy.simulate.ensemble import simulate as simulate_experiment
from autophagy.simulate.files import read_sweep
from autophagy.simulate.sweep import Swept, Value

from .progress import BEAT, FEW
from .terminal import cell, count, duration, say, show, table, write

HEADINGS = ("arm", "reading", "generation", "mean", "± SE", "5 %", "median", "95 %", "forecast")
SHOWN = (0.0, 0.2, 1.0)  # of the last generation


@dataclass(frozen=True)
class Simulated:
    """An ensemble and how long it took."""

    result: Ensemble
    seconds: float

    def show(self) -> None:
        rows = table(HEADINGS, numbers=HEADINGS[2:])
        for name, arm in self.result.arms.items():
            for row in _rows(name, arm):
                rows.add_row(*map(cell, row))
        show(rows)
        say()
        for line in self._notes():
            say(line)

    def _notes(self) -> Iterator[str]:
        for name, arm in self.result.arms.items():
            if arm.forecast.reason:
                yield f"forecast of {name}: {arm.forecast.reason}"
            ended = self.result.replicates - min(int(arm.summary(r).n.min()) for r in arm.readings)
            if ended:
                yield f"{name}: {count(ended, 'lineage')} diverged; the numbers are of those that have not"
        yield (
            f"{count(len(self.result.arms), 'arm')} of {count(self.result.replicates, 'lineage')} in "
            f"{duration(self.seconds)}; readings are of the fitted model, metrics of samples are not measured"
        )


@dataclass(frozen=True)
class SweptAndTimed:
    """A sweep's cells and how long they took, but for those that were known."""

    result: Swept
    seconds: float
    known: int

    def show(self) -> None:
        sweep = self.result.sweep
        for panel in sweep.panels.values:
            write(cell(f"{sweep.panels.key} = {_value(panel)}: n_e/n_r", "bold"))
            self._panel(panel)
            say()
        for line in self._notes():
            say(line)

    def _panel(self, panel: Value) -> None:
        sweep = self.result.sweep
        headings = [f"{sweep.up.key} ↑  {sweep.across.key} →", *map(_value, sweep.across.values)]
        rows = table(headings, numbers=headings[1:])
        for value, ratios in zip(sweep.up.values[::-1], self.result.ratios(panel)[::-1], strict=True):
            rows.add_row(
                cell(_value(value)), *(cell(f"{ratio:.3f}", "green" if ratio >= 1 else "red") for ratio in ratios)
            )
        columns = zip(self.result.borders(panel), self.result.ratios(panel).T, strict=True)
        rows.add_row(cell("n_e = n_r at", "bold"), *(cell(_border(*column), "bold") for column in columns))
        show(rows)

    def _notes(self) -> Iterator[str]:
        limits = [found.limit for found in self.result.cells]
        generations = [limit.generations for limit in limits]  # founders aside
        untested = sum(not limit.is_tested for limit in limits)
        worst = max(abs(limit.drift) for limit in limits)
        yield (
            f"{count(len(limits), 'cell')} of {count(self.result.sweep.replicates, 'lineage')}, {sum(generations):,} "
            f"generations in all ({min(generations):,} to {max(generations):,} a cell), in {duration(self.seconds)}"
            f"{f'; {self.known:,} were in the store' if self.known else ''}"
        )
        yield (
            f"converged in {len(limits) - untested:,} of {count(len(limits), 'cell')}: the error of the last quarter "
            f"of generations is within 2.58 standard errors of the quarter before (largest {worst:.2f})"
        )


def simulated(
    file: str, *, profile: str | None, changes: Sequence[str], replicates: int | None, seed: int | None, on: str
) -> Simulated:
    experiment = read(file, profile=profile, changes=changes)
    began = time.perf_counter()
    found = simulate_experiment(experiment, **_given(replicates, seed), on=on)
    return Simulated(found, time.perf_counter() - began)


def swept(
    file: str,
    *,
    profile: str | None,
    changes: Sequence[str],
    replicates: int | None,
    seed: int | None,
    on: str,
    store: Path | None = None,
) -> SweptAndTimed:
    sweep = read_sweep(file, profile=profile, changes=changes)
    sweep = dataclasses.replace(sweep, **_given(replicates, seed))
    kept = None if store is None else DiskStore(store)
    told = _SweepProgress(sweep.name, len(sweep.addresses()))
    try:
        found = sweep.run(on=on, watch=told.tell, store=kept)
    finally:
        told.clear()
    return SweptAndTimed(found, time.monotonic() - told.began, known=told.known or 0)


@dataclass
class _SweepProgress:
    """How far a sweep is, on stderr: one line that is written anew on a terminal, a line a minute anywhere else."""

    name: str
    total: int
    known: int | None = None
    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def tell(self, done: int) -> None:
        now = time.monotonic()
        self.known = done if self.known is None else self.known
        new, text = done - self.known, f"{self.name}: {done:,} of {count(self.total, 'cell')}"
        if new >= FEW:
            text += f", about {duration((self.total - done) * (now - self.began) / new)} left"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif now - self.last >= BEAT and done < self.total:
            self.last = now
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leaves an empty line to whatever is said next."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _given(replicates: int | None, seed: int | None) -> dict[str, Any]:
    """What the command line says; the rest is as the sweep has it, or by default."""
    return {key: n for key, n in {"replicates": replicates, "seed": seed}.items() if n is not None}


def _rows(name: str, arm: ArmEnsemble) -> Iterator[list[str]]:
    for reading in arm.readings:
        found, expected = arm.summary(reading), arm.expected(reading)
        last = len(found.mean) - 1
        for g in sorted({round(share * last) for share in SHOWN}):
            numbers = (found.mean[g], found.error[g], *(found.quantiles[i, g] for i in (0, 2, 4)))
            sign = "" if arm.forecast.is_exact else "≈ "
            told = sign + _number(expected[g]) if expected else "–"
            yield [name, reading, f"{g:,}", *map(_number, numbers), told]


def _number(x: float) -> str:
    if math.isnan(x):  # there is none: the error of one lineage, or all have diverged
        return "–"
    return f"{x:,.0f}" if math.isfinite(x) and abs(x) >= 1000 else f"{x:.4g}"


def _value(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:,g}" if value < 1e6 else f"{value:.3g}"


def _border(found: float | None, ratios: np.ndarray) -> str:
    """Up to where synthetic points do no harm; "–" where only large values help."""
    if found is not None:
        return f"{found:,.0f}"
    return "every" if (ratios >= 1).all() else "none" if (ratios < 1).all() else "–"
