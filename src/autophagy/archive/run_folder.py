"""A run's own folder: what was asked, how far it is, and every number, readable without the parts that made them.

STORE/runs/NAME/run.json         the experiment as run, its arms with forecasts, the environment
STORE/runs/NAME/records.jsonl    one record a line; derived from the artefacts and rebuilt by every run
STORE/runs/NAME/measures.json    per arm and metric: axis, which way is good, identity, real-against-real floor
STORE/runs/NAME/failures.jsonl   turns that raised an error in the last run
STORE/runs/NAME/timings.jsonl    seconds by turn: the one file that differs between equal runs
STORE/runs/NAME/keep.json        artefacts that retention of other runs in this store must leave alone
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from autophagy.core.errors import StoreError
from autophagy.core.generation import Record

from . import files, strict_json


@dataclass(frozen=True)
class Forecast:
    """What theory expects of an arm, by generation; empty with a reason where it does not reach."""

    kept_variance: tuple[float, ...] = ()  # E[Σ_t]/Σ0 of the fit
    sample_variance: tuple[float, ...] = ()  # the same of what it draws, divisor n: what `moments` measures
    effective_sample_size: tuple[float, ...] = ()
    is_exact: bool = False  # the arm's family is the one the theory is about
    reason: str = ""  # why it is not exact, or why there is none


_DRAWN = re.compile("generation ([0-9]{1,9})(?: of arm '(.+)')?")


@dataclass(frozen=True)
class Eaten:
    """One draw of the planned mixture of one generation."""

    origin: str  # "real", "fresh", "generation 3", "generation 3 of arm 'x'"
    count: int
    reused: int = 0  # of fresh rows, how many the lineage has seen before

    @property
    def drawn(self) -> tuple[str, int] | None:
        """The arm, empty for its own, and the generation that drew these; None for real rows."""
        found = _DRAWN.fullmatch(self.origin)
        return (found[2] or "", int(found[1])) if found else None


@dataclass(frozen=True)
class ArmNotes:
    """What a report may say of an arm without loading its parts."""

    name: str
    generations: int  # the number of the last one; the founder is 0
    parts: Mapping[str, Any]  # setting → name or {use, …}, as plain JSON
    space: str
    samples: int
    real: int
    mixtures: tuple[tuple[Eaten, ...], ...]  # by generation, from 0
    forecast: Forecast
    short_groups: Mapping[str, int] = field(default_factory=dict)  # held out, of which a reference by group has fewer


@dataclass(frozen=True)
class Measure:
    """What stands behind one metric of one arm."""

    axis: str
    better: Mapping[str, str]  # value → "higher" or "lower"
    identity: Mapping[str, Any]  # encoder, n, n_reference, …
    floor: Mapping[str, float]  # the same values for held-out real data against the reference
    axes: Mapping[str, str] = field(default_factory=dict)  # of values that speak of another axis


@dataclass(frozen=True)
class RunNotes:
    """`run.json`."""

    name: str
    seeds: tuple[int, ...]
    arms: tuple[ArmNotes, ...]
    turns: int
    distinct_fits: int
    experiment: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    recipe: str = ""  # digest of the file it was read from
    format: int = 1


@dataclass(frozen=True)
class Failure:
    """A turn or floor that raised an error; the next run tries it again.

    Attributes:
        generation: None for the real-data floor, whose rows are those of `seed`.
        traceback: where in the code the error arose, as Python tells it.
        at: the file and line of that, where no part foresaw the error.
    """

    arm: str
    seed: int
    generation: int | None
    error: str
    traceback: str = ""
    at: str = ""

    @property
    def where(self) -> str:
        return "the real-data floor" if self.generation is None else f"generation {self.generation}"

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}, {self.where}: {self.error}" + (f" ({self.at})" if self.at else "")


class RunFolder:
    def __init__(self, root: Path, name: str) -> None:
        self.store = root
        self.name = name
        self.path = root / "runs" / name

    def exists(self) -> bool:
        return (self.path / "run.json").exists()

    # ── one writer ───────────────────────────────────────────────────────────

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds this run for one process; the system lets go of it if the process dies."""
        with files.writing(self.store):
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"run '{self.name}' is already at work in {self.store}; wait, or watch: autophagy status --watch."
            ) from None
        else:
            for partial in self.path.glob(".*.partial"):  # left by a kill: the lock says that nobody is writing
                partial.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)

    # ── writing ──────────────────────────────────────────────────────────────

    def write_notes(self, notes: RunNotes) -> None:
        self._replace("run.json", _json(dataclasses.asdict(notes)))

    def write_records(self, records: Iterable[Record]) -> None:
        self._replace("records.jsonl", "".join(line(record) for record in records))

    def append_record(self, record: Record) -> None:
        self._append("records.jsonl", line(record))

    def write_measures(self, measures: Mapping[str, Mapping[str, Measure]]) -> None:
        plain = {
            arm: {name: dataclasses.asdict(m) | {"floor": strict_json.wrapped(m.floor)} for name, m in of_arm.items()}
            for arm, of_arm in measures.items()
        }
        self._replace("measures.json", _json(plain))

    def write_failures(self, failures: Iterable[Failure]) -> None:
        self._replace("failures.jsonl", "".join(strict_json.dumps(dataclasses.asdict(f)) + "\n" for f in failures))

    def append_timing(self, timing: Mapping[str, Any]) -> None:
        self._append("timings.jsonl", strict_json.dumps(timing) + "\n")

    def write_keep(self, keys: Iterable[str]) -> None:
        """Says what this run keeps, or is going to use; from then on no other run deletes it."""
        with files.held(self.store / ".keeping"):
            self._replace("keep.json", strict_json.dumps(sorted(keys)) + "\n")

    # ── reading ──────────────────────────────────────────────────────────────

    def notes(self) -> RunNotes:
        if not self.exists():
            known = ", ".join(sorted(p.parent.name for p in self.store.glob("runs/*/run.json"))) or "none yet"
            raise StoreError(f"there is no run named '{self.name}' in {self.store}; it has: {known}.")
        try:
            raw = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            arms = tuple(_arm_notes(arm) for arm in raw["arms"])
            values: dict[str, Any] = {field.name: raw[field.name] for field in fields(RunNotes) if field.name in raw}
            return RunNotes(**values | {"seeds": tuple(raw["seeds"]), "arms": arms})
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{self.path / 'run.json'} cannot be read; run the experiment again to write it."
            ) from error

    def records(self) -> list[Record]:
        """Every record, by arm, seed and generation; a line cut off by a kill is left out."""
        return [_record(raw) for raw in self._lines("records.jsonl")]

    def unread(self) -> int:
        """How many whole lines of the records are none; what a kill has cut off is no whole one."""
        path = self.path / "records.jsonl"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return sum(_parsed(each) is None for each in text.split("\n")[:-1])

    def measures(self) -> dict[str, dict[str, Measure]]:
        path = self.path / "measures.json"
        raw = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {
            arm: {name: Measure(**{**m, "floor": strict_json.unwrapped(m["floor"])}) for name, m in of_arm.items()}
            for arm, of_arm in raw.items()
        }

    def failures(self) -> list[Failure]:
        return [_failure(raw) for raw in self._lines("failures.jsonl")]

    def timings(self) -> list[dict[str, Any]]:
        """Seconds by turn; lines that no run wrote are left out, for this file is only ever added to."""
        lines = self._lines("timings.jsonl")
        return [t for t in lines if isinstance(t.get("arm"), str) and isinstance(t.get("seconds"), (int, float))]

    def used(self) -> set[str]:
        """The keys that this run keeps or uses; none if nobody has said so."""
        path = self.path / "keep.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return {str(key) for key in found}

    def others(self) -> AbstractContextManager[set[str]]:
        """Entered around deletions: the keys that other runs keep or use, none of which changes meanwhile."""
        return _Others(self.store, self.path)

    def _replace(self, name: str, text: str) -> None:
        with files.writing(self.store):
            self.path.mkdir(parents=True, exist_ok=True)
            files.replace_file(self.path / name, text)

    def _append(self, name: str, line: str) -> None:
        with files.writing(self.store), (self.path / name).open("a", encoding="utf-8") as file:
            file.write(line)

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.path / name
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [found for line in lines[:-1] if (found := _parsed(line)) is not None]


@contextmanager
def readable(folder: RunFolder) -> Iterator[None]:
    """Turns whatever a damaged or foreign run folder makes go wrong into one sentence."""
    try:
        yield
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError, OSError) as error:
        raise StoreError(
            f"the files of run '{folder.name}' in {folder.store} are not what a run writes; "
            "run the experiment again to write them."
        ) from error


class _Others(AbstractContextManager[set[str]]):
    """Keys that the other runs of a store keep, read anew when one of their files has changed."""

    def __init__(self, store: Path, own: Path) -> None:
        self._store, self._own = store, own
        self._seen: dict[Path, int] = {}
        self._keys: set[str] = set()
        self._lock = ExitStack()

    def __enter__(self) -> set[str]:
        with ExitStack() as lock:  # which is let go of where a file cannot be read
            lock.enter_context(files.held(self._store / ".keeping"))
            told = [path for path in self._store.glob("runs/*/keep.json") if path.parent != self._own]
            seen = {path: path.stat().st_mtime_ns for path in told}
            if seen != self._seen:
                self._keys = {key for path in told for key in _kept(path)}
                self._seen = seen
            self._lock = lock.pop_all()
        return self._keys

    def __exit__(self, *_: object) -> None:
        self._lock.close()


@contextmanager
def kept(store: Path) -> Iterator[set[str]]:
    """The keys that any run of a store keeps or is using, none of which changes meanwhile."""
    with files.held(store / ".keeping"):
        begun = store.glob("runs/*/keep.json")  # which a run writes before it says anything else of itself
        told = {*begun, *(RunFolder(store, name).path / "keep.json" for name in runs(store))}
        yield {key for path in told for key in _kept(path)}


def runs(store: Path) -> list[str]:
    """The names of all runs in a store."""
    return sorted(path.parent.name for path in store.glob("runs/*/run.json"))


def _record(raw: Mapping[str, Any]) -> Record:
    found = Record(**{**raw, "scores": strict_json.unwrapped(raw["scores"])})
    if not isinstance(found.remarks, list) or not all(isinstance(remark, str) for remark in found.remarks):
        raise ValueError("remarks are no texts")
    return found


def line(record: Record) -> str:
    """What `records.jsonl` says of a record."""
    return strict_json.dumps(vars(record) | {"scores": strict_json.wrapped(record.scores)}) + "\n"


def _json(value: Any) -> str:
    return _indented(value, "\n") + "\n"


def _indented(value: Any, begin: str) -> str:
    """JSON for people, each line after `begin`; a row of plain values is one line, however many they are."""
    inner = begin + " "
    if isinstance(value, Mapping) and value:
        items = (f"{json.dumps(str(key))}: {_indented(value[key], inner)}" for key in sorted(value))
        return f"{{{inner}{f',{inner}'.join(items)}{begin}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(each, (Mapping, list, tuple)) for each in value):
        return f"[{inner}{f',{inner}'.join(_indented(each, inner) for each in value)}{begin}]"
    return json.dumps(value, allow_nan=False)


def _kept(path: Path) -> list[str]:
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        keys = None
    if not isinstance(keys, list):
        raise StoreError(
            f"{path} cannot be read, so nobody knows what that run keeps; run it again, or delete its folder."
        )
    return [str(key) for key in keys]


def _failure(raw: dict[str, Any]) -> Failure:
    """Earlier versions wrote generation −1 for the floor."""
    found = Failure(**raw)
    return replace(found, generation=None) if found.generation is not None and found.generation < 0 else found


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _arm_notes(raw: Mapping[str, Any]) -> ArmNotes:
    told = raw["forecast"]
    forecast = Forecast(
        kept_variance=tuple(told["kept_variance"]),
        sample_variance=tuple(told["sample_variance"]),
        effective_sample_size=tuple(told["effective_sample_size"]),
        is_exact=told["is_exact"],
        reason=told["reason"],
    )
    mixtures = tuple(tuple(Eaten(**eaten) for eaten in mixture) for mixture in raw["mixtures"])
    return ArmNotes(**{**raw, "mixtures": mixtures, "forecast": forecast})
