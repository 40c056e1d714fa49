"""A synthetic budget as plain JSON; infinities and NaN are texts, as in every table of this project."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from autophagy.archive.strict_json import wrapped

from .budget import Budget, Dose
from .budget_words import additions, caveats, sentence
from .effective_size import EffectiveSize, LearningCurve
from .trajectories import Interval


def plain(budget: Budget) -> dict[str, Any]:
    """Everything a budget says. `budget` is the share; an infinite bound is one that no share or founder reached."""
    return {
        "answer": " ".join([sentence(budget), *additions(budget)]),
        "caveats": caveats(budget),
        "score": budget.score,
        "better": budget.better,
        "tolerance": asdict(budget.tolerance),
        "reference": budget.group.reference.name,
        "rows": budget.group.rows,
        "generation": budget.group.generation,
        "last": budget.last,
        "budget": None if budget.passed is None else wrapped(asdict(budget.passed)),
        "resolution": wrapped({"loss": budget.resolution})["loss"],
        "shares": [_dose(dose, budget.group.rows) for dose in budget.shares],
        "additions": [_dose(dose, budget.group.rows) for dose in budget.additions],
        "learning_curve": None if budget.curve is None else _curve(budget.curve),
        "learning_curve_improves": budget.curve is not None and budget.curve.improves,
        "left_out": dict(budget.group.left_out),
    }


def _dose(dose: Dose, rows: int) -> dict[str, Any]:
    worth = dose.worth
    return {
        "arm": dose.diet.arm,
        "real": dose.diet.real,
        "synthetic": dose.diet.synthetic,
        "share": dose.diet.share,
        "value": _interval(dose.value),
        "loss": _interval(dose.loss),
        "effective_size": None if worth is None else wrapped(asdict(worth)),
        **_worth(worth, rows),
        "lineages": dose.lineages,
        "absent": dose.absent,
        "ended": dose.ended,
    }


def _worth(found: EffectiveSize | None, rows: int) -> dict[str, Any]:
    """n_e/N with its bounds; what lies beyond all founders that were tried is None, and the nearest one's n/N told."""
    if found is None:
        return {"worth": None, "worth_low": None, "worth_high": None, "worth_beyond": {}}
    ends = {0.0: found.smallest / rows, math.inf: found.largest / rows}
    numbers = {"worth": found.size, "worth_low": found.low, "worth_high": found.high}
    known = {name: None if x in ends or math.isnan(x) else x / rows for name, x in numbers.items()}
    return {**known, "worth_beyond": {name: ends[x] for name, x in numbers.items() if x in ends}}


def _interval(found: Interval) -> dict[str, Any]:
    return wrapped({"mean": found.mean, "low": found.low, "high": found.high, "n": found.n})


def _curve(curve: LearningCurve) -> list[dict[str, Any]]:
    return [
        {"real": size, "values": wrapped({str(seed): value for seed, value in column.items()})}
        for size, column in zip(curve.sizes, curve.columns, strict=True)
    ]
