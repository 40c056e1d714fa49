"""Running an experiment in front of somebody: what is there already, how far it is, what came out."""

from __future__ import annotations

import shlex
import time
from contextlib import suppress
from pathlib import Path

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.core.errors import StoreError
from autophagy.core.workspace import Machine
from autophagy.experiment.code import changed
from autophagy.experiment.commands import kept_to_one, permit
from autophagy.experiment.config import Experiment
from autophagy.experiment.hints import replaced, unkept, unreached
from autophagy.experiment.plan import plan
from autophagy.experiment.run import Results, check_device
from autophagy.experiment.run import run as run_experiment

from .computed import is_computed
from .endings import show_where
from .options import STORE
from .progress import progress
from .remarks import say_remarks
from .terminal import count, duration, say


def carried_out(
    experiment: Experiment, root: Path, on: str, machine: Machine | None = None, *, restore: bool = False
) -> bool:
    """Runs an experiment with live progress and tells how it went. True if no turn failed."""
    began = time.monotonic()
    planned, machine = plan(experiment), machine or Machine()
    check_device(machine)  # before a word is said of it
    permit(experiment, machine)
    store = DiskStore(root, machine)
    computed = is_computed(planned, store)
    say(
        f"{experiment.name}: {count(len(planned.turns), 'turn')} in {count(len(planned.lineages), 'lineage')}, "
        f"{sum(computed):,} in the store already; stop it when you like, the same command goes on."
    )
    if models := kept_to_one(experiment, machine):
        say(f"--devices {machine.devices} is not for {', '.join(models)}: its fits use one device.")
    for sentence in (*changed(experiment, root), *unreached(experiment), *replaced(experiment, root)):
        say(sentence)
    with progress(planned, computed, root) as watch:
        results = run_experiment(planned, store, on=on, watch=watch, restore=restore)
    _tell(results, time.monotonic() - began)
    if not (restore or results.failures or results.diverged):
        for sentence in unkept(planned, set(store.keys())):
            say(sentence)
    return not results.failures


def begun(root: Path, name: str) -> list[str]:
    """The arms that a run of that name has already; none where there is no such run, or none that can be read."""
    with suppress(StoreError, OSError):
        return [arm.name for arm in RunFolder(root, name).notes().arms]
    return []


def write_report(root: Path, name: str) -> None:
    """Writes the report and says where it is."""
    from autophagy.archive.run_folder import RunFolder
    from autophagy.experiment.rebuild import decoder
    from autophagy.report.write import write

    say(f"report: {write(root, name, decoder(RunFolder(root, name).notes()))}")


def hint_at_report(root: Path, name: str) -> None:
    """Says how to see what came out."""
    store = "" if root == STORE else f" --store {shlex.quote(str(root))}"
    say(f"see: autophagy report {shlex.quote(name)}{store}")


def _tell(results: Results, seconds: float) -> None:
    for failure in results.failures:
        say(f"failed: {failure}")
        show_where(failure.traceback)
    for record in results.diverged:
        before = " (earlier, and not tried again)" if record.place in results.known else ""
        say(f"diverged: {record.arm}, seed {record.seed}, generation {record.generation}: {record.reason}{before}")
    say_remarks(results.records)
    name, finished, turns = results.plan.experiment.name, len(results.records), len(results.plan.turns)
    computed = results.ran - sum(failure.generation is not None for failure in results.failures)
    told = [
        f"{name}: {finished:,} of {count(turns, 'turn')} finished",
        f"{computed:,} computed now",
        f"{count(results.plan.distinct_fits, 'distinct fit')} in all",
        duration(seconds),
        count(len(results.failures), "failure"),
        f"{count(len({(r.arm, r.seed) for r in results.diverged}), 'lineage')} diverged",
    ]
    say("; ".join(told) + ".")
    if results.skipped:
        say(f"{count(results.skipped, 'turn')} could not run because an earlier one failed or diverged.")
    if results.failures:
        say("run the same command again to try the failed turns again.")
