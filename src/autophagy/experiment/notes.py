"""What a run folder says of the plan, so that reports and tables need none of its parts."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from autophagy.archive.run_folder import ArmNotes, RunNotes
from autophagy.archive.run_folder import Eaten as EatenNotes
from autophagy.core import hardware
from autophagy.core.identity import plain
from autophagy.core.mixture import apportioned

from . import reals
from .config import Arm, Experiment
from .forecasts import forecasts
from .plan import Plan
from .turns import Turn, taken_count

PACKAGES = ("autophagy", "numpy", "scipy", "scikit-learn", "torch")


def notes(plan: Plan) -> RunNotes:
    experiment = plan.experiment
    told = forecasts(plan)
    return RunNotes(
        name=experiment.name,
        seeds=experiment.seeds,
        arms=tuple(_arm(plan, name, told) for name in experiment.arms),
        turns=len(plan.turns),
        distinct_fits=plan.distinct_fits,
        experiment=settings(experiment),
        environment=environment(),
        recipe=experiment.recipe,
    )


def settings(experiment: Experiment) -> dict[str, Any]:
    """The whole experiment as plain JSON, every default written out."""
    return {
        "seeds": list(experiment.seeds),
        "generations": experiment.generations,
        "keep_models": experiment.keep_models,
        "keep_samples": experiment.keep_samples,
        "arms": {name: arm_settings(arm) for name, arm in experiment.arms.items()},
    }


def arm_settings(arm: Arm) -> dict[str, Any]:
    found: dict[str, Any] = plain(arm)
    return found


def environment() -> dict[str, str]:
    """The machine and the packages that a run had, which decide its last bits and how long it took."""
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": hardware.processor(),
    }
    if cards := hardware.gpus():
        found["graphics"] = cards
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _arm(plan: Plan, name: str, told: dict[str, Any]) -> ArmNotes:
    lineage = plan.lineages[name, plan.experiment.seeds[0]]
    arm = lineage[0].arm
    return ArmNotes(
        name=name,
        generations=plan.experiment.last_generation(name),
        parts=arm_settings(arm),
        space=arm.source.space,
        samples=lineage[0].samples,
        real=reals.count(lineage[0].keys.fixed),
        mixtures=tuple(_mixture(turn) for turn in lineage),
        forecast=told[name],
        short_groups=reals.short(lineage[0].keys.reference),
    )


def _mixture(turn: Turn) -> tuple[EatenNotes, ...]:
    """Counts by draw; a budget thins them all alike."""
    draws = [
        (str(draw.pool), taken_count(draw, eaten, turn.keys))
        for draw, eaten in zip(turn.mixture.draws, turn.eaten, strict=True)
    ]
    again = [eaten.reused for eaten in turn.eaten]
    counts, budget = np.array([count for _, count in draws], int), turn.mixture.budget
    if budget is not None and 0 < budget < counts.sum():
        counts = apportioned(budget, counts)
    return tuple(
        EatenNotes(origin, int(count), min(reused, int(count)))
        for (origin, _), count, reused in zip(draws, counts, again, strict=True)
    )
