"""The disk that a plan will need, worked out before it runs."""

from __future__ import annotations

import shutil
from collections.abc import Container, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from autophagy.core.abilities import KnownSize
from autophagy.core.errors import PlanError
from autophagy.core.parts import Source

from . import reals
from .config import Arm, Experiment
from .plan import Plan
from .retention import keeps
from .turns import SHOWN, Turn

BLOCK = 4096  # bytes; files and folders take whole blocks
NUMBERS = BLOCK  # an artefact of facts or scores: one small file
PROVENANCE = 12  # bytes a row, where rows are not simply 0, 1, 2, …


def disk(plan: Plan, present: Container[str] = (), *, restore: bool = False) -> int:
    """Bytes that a plan's samples, records, scores and models will take and its retention keeps.

    Artefacts under the keys `present` are there already and not counted, nor is what finished turns have lost, unless
    that is restored, nor are the models of `unweighed` arms. What is dropped again on the way comes on top.
    """
    sizes: dict[str, int] = {}
    model = {name: _model(arm) for name, arm in plan.experiment.arms.items()}
    last = {name: plan.experiment.last_generation(name) for name in plan.experiment.arms}
    row = {name: row_bytes(arm.source) for name, arm in plan.experiment.arms.items()}
    for turn in plan.turns:
        if turn.done in present and not restore:
            continue
        if turn.done not in present:
            sizes[turn.done] = NUMBERS * (1 + len(turn.measured()))
        is_last, is_founder = turn.number == last[turn.arm_name], turn.number == 0
        is_made = not (is_founder and turn.arm.founder == "pretrained")
        if is_made and turn.fit not in present and keeps(plan.experiment.keep_models, is_last, is_founder):
            sizes[turn.fit] = model[turn.arm_name] or 0
        is_kept = keeps(plan.experiment.keep_samples, is_last, is_founder)
        for key, size in _pools(turn, row[turn.arm_name], is_kept):
            if key not in present:
                sizes[key] = size
    return sum(sizes.values())


def unweighed(experiment: Experiment) -> list[str]:
    """The arms that keep models of a size which is not known before the first fit."""
    if experiment.keep_models == "none":
        return []
    return [name for name, arm in experiment.arms.items() if _model(arm) is None]


def _model(arm: Arm) -> int | None:
    return arm.model.stored_bytes() if isinstance(arm.model, KnownSize) else None


def check_disk(needed: int, store: Path) -> None:
    """Raises PlanError if the file system of `store` has less than `needed` bytes left."""
    place = next(folder for folder in (store.absolute(), *store.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise PlanError(
            f"this needs {megabytes(needed)} of disk, but {place} has {megabytes(free)} left; free some space, choose "
            "another --store, draw fewer samples, or keep fewer of them and of models (keep_samples, keep_models)."
        )


def megabytes(size: int) -> str:
    """Bytes in a reader's words: "3.4 MB", "120 GB"."""
    power = min(4, max(1, (len(str(size)) - 1) // 3))
    number = size / 1000**power
    return (f"{number:.3g}" if number < 999.5 else f"{number:,.0f}") + f" {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def _pools(turn: Turn, row: int, is_kept: bool) -> Iterable[tuple[str, int]]:
    if is_kept:
        yield turn.draw, _pool(turn.samples, row)
        if turn.kept != turn.draw:
            yield turn.kept, _pool(turn.samples, row + PROVENANCE)
    for name, key in turn.probes:
        if name in SHOWN:
            yield key, _pool(turn.arm.gallery, row)
        elif is_kept:
            yield key, _pool(turn.arm.probes[name].size, row)


def _pool(rows: int, row: int) -> int:
    return NUMBERS + BLOCK * -(-rows * row // BLOCK)


@lru_cache(maxsize=64)
def row_bytes(source: Source) -> int:
    """Bytes of one sample and its condition, as the store keeps them."""
    conditions = source.conditions("train")
    return reals.sample(source).nbytes + (0 if conditions is None else np.asarray(conditions).itemsize)
