"""How far a run is, read from its folder: from another process, while it runs, without its parts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autophagy.analysis.starved import starved
from autophagy.archive.run_folder import Failure, RunFolder, RunNotes, readable
from autophagy.archive.under_way import UnderWay, under_way
from autophagy.core.generation import Record

LOCKS = Path("/proc/locks")
Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Lineage:
    """How far one arm is under one seed.

    Attributes:
        turns: how many there are to run, the founder included.
        finished: how many have a record.
        diverged_at: the first generation without a finite answer; what builds on it does not run.
        failed_at: the first generation that raised an error in the last run.
        starved: generations that are to eat what another arm, diverged, never gave; they will not run.
        waiting: generations that are to eat what another arm, failed, has not given yet.
    """

    arm: str
    seed: int
    turns: int
    finished: int = 0
    diverged_at: int | None = None
    failed_at: int | None = None
    starved: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()

    @property
    def left(self) -> int:
        """Turns that may still come."""
        if self.diverged_at is not None or self.failed_at is not None:
            return 0
        return max(0, self._missing - len(self.waiting))

    @property
    def behind_failure(self) -> int:
        """Turns that failed, or wait for one that did; the next run tries them again."""
        if self.diverged_at is not None:
            return 0
        return self._missing if self.failed_at is not None else len(self.waiting)

    @property
    def _missing(self) -> int:
        return max(0, self.turns - self.finished - len(self.starved))


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes:
        is_at_work: whether a process holds the run; None where the system does not say.
        seconds_left: None while nothing has been timed.
        reasons: by arm and seed, why a lineage diverged.
        fits: its long fits that are under way; other runs of the store may be at them too.
        remarked: records whose fits had to go on otherwise than their recipe has it.
    """

    name: str
    lineages: tuple[Lineage, ...]
    failures: tuple[Failure, ...] = ()
    is_at_work: bool | None = None
    seconds_left: float | None = None
    reasons: Mapping[tuple[str, int], str] = field(default_factory=dict)
    fits: tuple[UnderWay, ...] = ()
    remarked: tuple[Record, ...] = ()

    @property
    def turns(self) -> int:
        return sum(lineage.turns for lineage in self.lineages)

    @property
    def finished(self) -> int:
        return sum(lineage.finished for lineage in self.lineages)

    @property
    def left(self) -> int:
        return sum(lineage.left for lineage in self.lineages)

    @property
    def behind_failures(self) -> int:
        return sum(lineage.behind_failure for lineage in self.lineages)

    @property
    def diverged(self) -> int:
        return sum(lineage.diverged_at is not None for lineage in self.lineages)


def read(folder: RunFolder) -> Status:
    """Reads a run's status. Raises StoreError if there is no such run, or its files are not what a run writes."""
    with readable(folder):
        notes, records, failures = folder.notes(), folder.records(), folder.failures()
        lineages = _lineages(notes, records, failures)
        return Status(
            notes.name,
            lineages,
            tuple(failures),
            is_at_work(folder),
            _seconds_left(folder, lineages),
            {(r.arm, r.seed): str(r.reason) for r in reversed(records) if r.status == "diverged"},
            tuple(under_way(folder.store, folder.used())),
            tuple(record for record in records if record.remarks),
        )


def is_at_work(folder: RunFolder) -> bool | None:
    """Whether a process holds the run's lock; asking does not take it, so a run that starts just now is not refused."""
    try:
        lock, table = (folder.path / ".lock").stat(), LOCKS.read_text(encoding="ascii")
    except FileNotFoundError:
        return False if LOCKS.exists() else None
    except (OSError, ValueError):
        return None
    return any(line.split()[1:2] == ["FLOCK"] and f":{lock.st_ino} " in line for line in table.splitlines())


def _lineages(notes: RunNotes, records: Iterable[Record], failures: Iterable[Failure]) -> tuple[Lineage, ...]:
    finished: dict[tuple[str, int], set[int]] = {}
    diverged: dict[tuple[str, int], int] = {}
    failed: dict[tuple[str, int], int] = {}
    for failure in failures:
        if failure.generation is not None:
            address = failure.arm, failure.seed
            failed[address] = min(failure.generation, failed.get(address, failure.generation))
    for record in records:
        finished.setdefault((record.arm, record.seed), set()).add(record.generation)
        if record.status == "diverged":
            address = record.arm, record.seed
            diverged[address] = min(record.generation, diverged.get(address, record.generation))
    hungry = starved(notes.arms, notes.seeds, diverged)
    waiting = starved(notes.arms, notes.seeds, failed)
    return tuple(
        Lineage(
            str(arm.name),
            int(seed),
            int(arm.generations) + 1,
            sum(0 <= g <= arm.generations for g in finished.get((arm.name, seed), ())),
            diverged.get((arm.name, seed)),
            failed.get((arm.name, seed)),
            tuple(hungry.get((arm.name, seed), ())),
            tuple(g for g in waiting.get((arm.name, seed), ()) if g not in finished.get((arm.name, seed), ())),
        )
        for arm in notes.arms
        for seed in notes.seeds
    )


def _seconds_left(folder: RunFolder, lineages: tuple[Lineage, ...]) -> float | None:
    """What is left, by what each arm's turns have cost, at the speed that this process (or processes) has shown."""
    timings = folder.timings()
    if not timings:
        return None
    cost = _mean_seconds(timings)
    usual = sum(t["seconds"] for t in timings) / len(timings)
    left = [lineage.left * cost.get(lineage.arm, usual) for lineage in lineages]
    return float(max(sum(left) / _speed(folder, timings), *left))


def _mean_seconds(timings: Lines) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for timing in timings:
        found.setdefault(timing["arm"], []).append(float(timing["seconds"]))
    return {arm: sum(seconds) / len(seconds) for arm, seconds in found.items()}


def _speed(folder: RunFolder, timings: Lines) -> float:
    """Seconds of work done in one second since this run began: about the number of processes."""
    began = (folder.path / "run.json").stat().st_mtime
    since = [t for t in timings if t.get("at", 0) > began]
    elapsed = max((t["at"] for t in since), default=began) - began
    done = sum(t["seconds"] for t in since)
    return max(done / elapsed, 0.1) if since and elapsed > 0 and time.time() >= began else 1.0
