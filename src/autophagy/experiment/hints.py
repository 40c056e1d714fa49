"""What should be said of an experiment beside its run, and does not stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from autophagy.archive.run_folder import RunFolder
from autophagy.core.errors import StoreError
from autophagy.loops.phases import Phases

from .config import Experiment
from .notes import settings
from .plan import Plan
from .retention import kept_keys


def unreached(experiment: Experiment) -> Iterator[str]:
    """Phases that an arm ends before: `--set generations=5`, say, of a recipe that heals at 10."""
    for name, arm in experiment.arms.items():
        last, loop = experiment.last_generation(name), arm.loop
        if not last or not isinstance(loop, Phases):
            continue
        begins = [end + 1 for end in accumulate(loop.generations)]
        if late := [each for each in zip(loop.loops[1:], begins, strict=True) if each[1] > last]:
            phase, first = late[0]
            yield f"arm '{name}' ends at generation {last}, before its phase '{phase.name}' begins at {first}."


def replaced(experiment: Experiment, root: Path) -> Iterator[str]:
    """An earlier run of the same name with which the experiment has no arm in common, so that it takes its place."""
    with suppress(StoreError, OSError):
        before = RunFolder(root, experiment.name).notes().experiment.get("arms", {}).values()
        now = list(settings(experiment)["arms"].values())
        if before and not any(arm in now for arm in before):
            yield (
                f"run '{experiment.name}' in {root} was of other arms, and its place is taken: what only those need is "
                "kept by no run from now on. To have both, stop this and give it a --name."
            )


def unkept(plan: Plan, present: set[str]) -> Iterator[str]:
    """What a run without failures should have kept and is not there: dropped by an earlier rule, or deleted."""
    if missing := len(kept_keys(plan) - present):
        are = "things are" if missing > 1 else "thing is"
        yield f"{missing:,} {are} to be kept and not there, models or samples; autophagy run with --restore makes them."
