"""Live progress: a table of lineages on a terminal, a plain line now and then anywhere else."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from autophagy.archive.under_way import under_way
from autophagy.core.generation import Record
from autophagy.experiment.plan import Plan
from autophagy.experiment.status import Lineage, Status

from .terminal import cell, console, count, duration, say, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from autophagy.archive.under_way import UnderWay

BEAT = 60.0  # seconds between two words on long fits, where there is no terminal
PAUSE = 1.0  # seconds between two plain lines, at the least
SEEDS = 8  # columns; more lineages than that are counted instead
BAR = 20  # characters
FEW = 5  # turns before which an estimate would be about how long Python takes to start


@dataclass
class Tally:
    """How far a run of this process is, kept up to date record by record."""

    name: str
    lineages: dict[tuple[str, int], Lineage]
    began: float = field(default_factory=time.monotonic)
    new: int = 0

    @classmethod
    def of(cls, plan: Plan, computed: list[bool]) -> Tally:
        lineages = {(arm, seed): Lineage(arm, seed, len(turns)) for (arm, seed), turns in plan.lineages.items()}
        for turn, is_there in zip(plan.turns, computed, strict=True):
            address = turn.arm_name, turn.seed
            if is_there:
                lineages[address] = replace(lineages[address], finished=lineages[address].finished + 1)
        return cls(plan.experiment.name, lineages)

    def add(self, record: Record) -> None:
        address = record.arm, record.seed
        old = self.lineages[address]
        has_now = record.status == "diverged" and old.diverged_at is None
        diverged_at = record.generation if has_now else old.diverged_at
        self.lineages[address] = replace(old, finished=min(old.finished + 1, old.turns), diverged_at=diverged_at)
        self.new += 1

    def status(self, fits: Iterable[UnderWay] = ()) -> Status:
        found = Status(self.name, tuple(self.lineages.values()), is_at_work=True, fits=tuple(fits))
        elapsed = time.monotonic() - self.began
        return replace(found, seconds_left=found.left * elapsed / self.new if self.new >= FEW else None)


@contextmanager
def progress(plan: Plan, computed: list[bool], store: Path) -> Iterator[Callable[[Record], None]]:
    """Gives a function that is to be called with every new record; what is told of it depends on who listens.

    `computed` says of each turn whether it is in the store already.
    """
    tally, listener, keys = Tally.of(plan, computed), console(), {turn.fit for turn in plan.turns}
    if not listener.is_terminal:
        with _now_and_then(lambda: _say_fits(store, keys)):
            yield _Lines(tally).add
        return
    from rich.live import Live

    with Live(get_renderable=lambda: standing(tally.status(under_way(store, keys))), console=listener):
        yield tally.add


@contextmanager
def _now_and_then(tell: Callable[[], None]) -> Iterator[None]:
    """Calls a function every minute, from a thread of its own: a record may take hours to come."""
    is_over = Event()

    def beat() -> None:
        while not is_over.wait(BEAT):
            tell()

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _say_fits(store: Path, keys: set[str]) -> None:
    for fit in under_way(store, keys):
        say(fitting(fit))


class _Lines:
    """Plain lines: one a second at most, and ever fewer, so that a night does not fill a log."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.last = -math.inf

    def add(self, record: Record) -> None:
        self.tally.add(record)
        now = time.monotonic()
        if now - self.last >= max(PAUSE, (now - self.tally.began) / 50):
            self.last = now
            say(f"{headline(self.tally.status())}: {record.arm}, seed {record.seed}, generation {record.generation}")


def headline(status: Status) -> str:
    """ "demo: 37 of 165 turns, about 1 min left"."""
    parts = [f"{status.name}: {status.finished:,} of {count(status.turns, 'turn')}"]
    if status.left and status.seconds_left is not None:
        parts.append(f"about {duration(status.seconds_left)} left")
    return ", ".join(parts)


def fitting(fit: UnderWay) -> str:
    """ "real-only, seed 0, generation 2: step 1,200 of 4,000, loss 0.03, about 3 min left"."""
    parts = [f"{fit.about}: step {fit.done:,} of {fit.total:,}", *([fit.note] if fit.note else [])]
    if fit.seconds_left is not None:
        parts.append(f"about {duration(fit.seconds_left)} left")
    return ", ".join(parts)


def standing(status: Status) -> RenderableType:
    """A row for each arm, a column for each seed, and a headline."""
    from rich.console import Group

    arms: dict[str, list[Lineage]] = {}
    for lineage in status.lineages:
        arms.setdefault(lineage.arm, []).append(lineage)
    few = max(map(len, arms.values()), default=0) <= SEEDS
    seeds = [f"seed {lineage.seed}" for lineage in next(iter(arms.values()), [])] if few else ["lineages"]
    rows = table(["arm", "", *seeds])
    for arm, lineages in arms.items():
        rows.add_row(cell(arm), _bar(lineages), *(map(_state, lineages) if few else [_summary(lineages)]))
    return Group(cell(headline(status), "bold"), rows, *(cell(fitting(fit), "dim") for fit in status.fits))


def _bar(lineages: list[Lineage]) -> Text:
    finished, turns = sum(x.finished for x in lineages), sum(x.turns for x in lineages)
    filled = BAR * finished // max(1, turns)
    return cell("━" * filled, "green").append("━" * (BAR - filled), "dim")


def _state(lineage: Lineage) -> Text:
    if lineage.diverged_at is not None:
        return cell(f"diverged at {lineage.diverged_at}", "yellow")
    if lineage.failed_at is not None:
        return cell(f"failed at {lineage.failed_at}", "red")
    if lineage.starved and not lineage.left:
        return cell(f"nothing to eat at {lineage.starved[0]}", "yellow")
    is_done = lineage.finished >= lineage.turns
    return cell(f"{lineage.finished}/{lineage.turns}", "green" if is_done else "")


def _summary(lineages: list[Lineage]) -> Text:
    ends: Mapping[str, int] = {
        "done": sum(x.finished >= x.turns and x.diverged_at is None for x in lineages),
        "diverged": sum(x.diverged_at is not None for x in lineages),
        "with nothing to eat": sum(bool(x.starved) for x in lineages),
        "failed": sum(x.failed_at is not None for x in lineages),
    }
    slowest = min(lineages, key=lambda x: x.finished / x.turns)
    told = [f"{n} {what}" for what, n in ends.items() if n or what == "done"]
    return cell(f"{', '.join(told)} of {len(lineages)}; the slowest at {slowest.finished}/{slowest.turns}")
