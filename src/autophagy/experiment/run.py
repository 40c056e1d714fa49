"""Running a plan: what is missing is made, what is there is read, and every number comes back as a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import Failure, Measure, RunFolder
from autophagy.archive.store import MemoryStore, Numbers, Store
from autophagy.archive.strict_json import unwrapped
from autophagy.core.abilities import MeasuresEach, StartsPrograms
from autophagy.core.generation import Record
from autophagy.core.labels import metric_label
from autophagy.core.workspace import Machine

from .code import remember
from .commands import parts_of, permit
from .config import Experiment
from .disk import check_disk, disk
from .executors import Executor, Growing, Outcome, Processes, executor
from .measured import measured
from .notes import notes
from .plan import Plan, plan
from .retention import Retention, droppable
from .schedule import Job, Schedule, diverged, due, needs, writes
from .turns import Measurement, Turn

Watch = Callable[[Record], None]


@dataclass
class Results:
    """What a run left: records of every finished generation, and what went wrong."""

    plan: Plan
    store: Store
    records: list[Record] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0  # turns that could not run because an earlier one failed or diverged
    ran: int = 0  # turns that had something to compute
    known: set[tuple[str, int, int]] = field(default_factory=set)  # turns that had a complete record before

    @property
    def diverged(self) -> list[Record]:
        return [record for record in self.records if record.status == "diverged"]

    @property
    def measures(self) -> dict[str, dict[str, Measure]]:
        return measures(self.plan, self.store)


def run(
    experiment: Experiment | Plan,
    store: Store | Path | None = None,
    *,
    on: str | Executor = "auto",
    watch: Watch | None = None,
    machine: Machine | None = None,
    restore: bool = False,
) -> Results:
    """Runs an experiment or its plan, or whatever of it is not in the store yet.

    `store` is a folder, a Store, or None for memory. `on` is "serial",
    "processes:N", "auto" or an Executor; "auto" is as many processes as have room, but
    one on a GPU and for what is soon done. `watch` sees every new record. `machine` says what fits may use; a Store
    that is handed in has its own. With `restore` samples and models that the experiment
    keeps are made again where they are not there: it kept fewer before, or somebody has
    deleted them.
    Raises PlanError before anything runs, StoreError if the store fails.
    """
    check_device(machine)
    if not isinstance(store, Store):  # an empty MemoryStore is false
        store = MemoryStore(machine) if store is None else DiskStore(store, machine)
    planned = experiment if isinstance(experiment, Plan) else plan(experiment)
    permit(planned.experiment, store.machine)
    if on == "auto" and (isinstance(store, MemoryStore) or store.machine.devices > 1 or _share_a_gpu(planned, store)):
        on = "serial"  # a fit that has all devices, or the only one, is alone with them
    need = max(arm.model.memory() for arm in planned.experiment.arms.values()) if on == "auto" else 0
    chosen = on if isinstance(on, Executor) else executor(on, len(planned.lineages), need)
    if on == "auto" and isinstance(chosen, Processes) and not _is_heavy(planned.experiment):
        chosen = Growing(chosen)
    if not isinstance(store, DiskStore):
        return _Runner(planned, store, None, watch).run(chosen, restore=restore)
    check_disk(disk(planned, set(store.keys()), restore=restore), store.root)
    folder = RunFolder(store.root, planned.experiment.name)
    with folder.locked():
        store.sweep()
        return _Runner(planned, store, folder, watch).run(chosen, restore=restore)


def _is_heavy(experiment: Experiment) -> bool:
    """Whether a turn may take so long that no other should wait for it: with a network's fit, another program, or parts
    of other people.
    """
    arms = experiment.arms.values()
    parts = [part for arm in arms for part in parts_of(arm)]
    return any(arm.model.uses_device for arm in arms) or any(
        isinstance(part, StartsPrograms) or not type(part).__module__.startswith("autophagy.") for part in parts
    )


def _share_a_gpu(planned: Plan, store: Store) -> bool:
    """Whether processes would fill one GPU's memory with a network each."""
    if not any(arm.model.uses_device and arm.model.lacking() is None for arm in planned.experiment.arms.values()):
        return False
    from autophagy.training.machine import device_of

    return device_of(store.machine.device).type != "cpu"


def check_device(machine: Machine | None) -> None:
    """Raises ConfigError for devices that are named and not there; torch is loaded only to ask for some."""
    if machine is not None and machine.devices > 1:
        from autophagy.training.machine import check_devices

        check_devices(machine)
    elif machine is not None and machine.device not in ("auto", "cpu"):
        from autophagy.training.machine import device_of

        device_of(machine.device)


class _Runner:
    def __init__(self, plan: Plan, store: Store, folder: RunFolder | None, watch: Watch | None) -> None:
        self.plan, self.store, self.folder, self.watch = plan, store, folder, watch
        self.results = Results(plan, store)
        self.undone: list[Job] = []  # that failed, and what waited for them
        self.is_remembered = False  # whose code results are of
        self.measured: set[str] = set()  # arms of which it has been written what their scores stand on
        self.retention = Retention(plan, store, folder.others() if folder else nullcontext(()))

    def run(self, executor: Executor, *, restore: bool) -> Results:
        if self.folder:  # first of all, so that no other run deletes what this one finds there
            self.folder.write_keep(self.retention.kept.union(*map(droppable, self.plan.turns)))
        schedule = Schedule(due(self.plan, self.store, restore=restore), diverged(self.plan, self.store))
        self._open()
        for job in schedule.jobs:
            self.retention.expect((*needs(job), *writes(job)))
        for outcome in executor.outcomes(schedule, self.store):
            self._take(outcome, schedule)
        self._close(schedule)
        self.store.settle()
        return self.results

    def _open(self) -> None:
        if self.folder:
            self.folder.write_notes(notes(self.plan))
            self.results.records = list(records(self.plan, self.store))
            self.results.known = {r.place for r in self.results.records}
            self.folder.write_records(self.results.records)
            self.folder.write_failures([])

    def _take(self, outcome: Outcome, schedule: Schedule) -> None:
        job = outcome.job
        if self.folder and not self.is_remembered:  # now that the store has something of it
            remember(self.plan.experiment, self.folder.store)
            self.is_remembered = True
        self.results.ran += isinstance(job, Turn)
        if outcome.error:  # what it needs stays, so that the next run can try again
            self._fail(outcome)
            self.undone += [job, *schedule.finished(job, is_whole=False)]
            return
        found = record(job, self.store) if isinstance(job, Turn) else None
        over = schedule.finished(job, is_whole=found is None or found.status == "finished")
        for ended in (job, *over):
            self.retention.release((*needs(ended), *writes(ended)))
        if isinstance(job, Turn) and found is not None:
            self._tell(found, outcome)
            self.retention.drop((*needs(job), *droppable(job)))  # this turn is durable; what fed it may go

    def _tell(self, found: Record, outcome: Outcome) -> None:
        if self.folder:
            if found.place not in self.results.known:  # else it is made again, not told again
                self.folder.append_record(found)
            self._tell_measures(found)
            self.folder.append_timing(
                {
                    "arm": found.arm,
                    "seed": found.seed,
                    "generation": found.generation,
                    "seconds": round(outcome.seconds, 6),
                    "at": round(time.time(), 3),  # when it ended, so that others can tell how fast it goes
                }
            )
        if self.watch:
            self.watch(found)

    def _tell_measures(self, found: Record) -> None:
        """Says of an arm's first scores what they stand on: a run may be read, or killed, long before its end."""
        if self.folder and found.scores and found.arm not in self.measured:
            self.measured.add(found.arm)
            self.folder.write_measures(measures(self.plan, self.store, self.measured))

    def _fail(self, outcome: Outcome) -> None:
        job = outcome.job
        seed, number = (job.seed, job.number) if isinstance(job, Turn) else (min(self.plan.experiment.seeds), None)
        found = Failure(job.arm_name, seed, number, outcome.error, outcome.traceback, outcome.at)
        self.results.failures.append(found)
        if self.folder:
            self.folder.write_failures(self.results.failures)

    def _close(self, schedule: Schedule) -> None:
        results = self.results
        results.skipped = sum(isinstance(job, Turn) for job in schedule.skipped)
        if results.ran or not self.folder:
            results.records = list(records(self.plan, self.store))
        complete = {r.place for r in results.records}
        whole = (turn for turn in self.plan.turns if (turn.arm_name, turn.seed, turn.number) in complete)
        self.retention.drop(key for turn in whole for key in droppable(turn))
        if self.folder:
            again = {key for job in self.undone for key in (*needs(job), *writes(job))}
            self.folder.write_keep(self.retention.kept | again)
            if results.ran:
                self.folder.write_records(results.records)
            self.folder.write_measures(results.measures)


def records(plan: Plan, store: Store) -> Iterator[Record]:
    """Every complete record there is, by arm, seed and generation."""
    for lineage in plan.lineages.values():
        for turn in lineage:
            found = record(turn, store)
            if found is not None:
                yield found


def record(turn: Turn, store: Store) -> Record | None:
    """The record of a turn; None while something of it is missing."""
    if not store.holds(turn.done):
        return None
    facts = store.numbers(turn.done)
    scores: dict[str, float] = {}
    each: dict[str, str] = {}
    if facts["status"] == "finished":
        for (metric, probe, _, key), score in measured(turn, store):
            if score is None:
                return None
            label = metric_label(metric, probe)
            scores |= {f"{label}.{name}": v for name, v in unwrapped(score["values"]).items()}
            if probe is None and isinstance(metric, MeasuresEach):
                each[label] = key
    drawn = {"drawn": turn.draw} if turn.draw != turn.kept else {}
    pools = {"samples": turn.kept} | drawn | {f"probe {name}": key for name, key in turn.probes}
    return Record(turn.arm_name, turn.seed, turn.number, key=turn.done, pools=pools, scores=scores, each=each, **facts)


def measures(plan: Plan, store: Store, arms: Container[str] | None = None) -> dict[str, dict[str, Measure]]:
    """What stands behind each arm's metrics, as first measured of any of its generations; of some arms, or of all."""
    floors = {(floor.arm_name, metric_label(floor.metric)): floor.key for floor in plan.floors}
    found: dict[str, dict[str, Measure]] = {arm: {} for arm in plan.experiment.arms}
    for (arm, _), lineage in plan.lineages.items():
        for (metric, probe, *_), score in _first(lineage, store) if arms is None or arm in arms else ():
            label = metric_label(metric, probe)
            if label not in found[arm]:
                floor = floors.get((arm, label))
                values = store.numbers(floor)["values"] if floor and store.holds(floor) else {}
                identity = score["identity"]
                found[arm][label] = Measure(metric.axis, metric.better, identity, unwrapped(values), metric.axes)
    return found


def _first(lineage: list[Turn], store: Store) -> list[tuple[Measurement, Numbers]]:
    """The scores of the first generation of a lineage that has all of them; none if it never got that far."""
    for turn in lineage:
        row = list(measured(turn, store))
        whole = [(each, score) for each, score in row if score is not None]
        if len(whole) == len(row):
            return whole
    return []
