"""A synthetic budget as plain JSON; infinities and NaN are texts, as in every table of this project."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from autophagy.archive.strict_json import wrapped

from .budget import Budget, Dose
from .budget_words import additions, caveats, sentence
from .effective_size import LearningCurve
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
        "worth": None if worth is None else wrapped({"share": worth.size / rows})["share"],
        "lineages": dose.lineages,
        "ended": dose.ended,
    }


def _interval(found: Interval) -> dict[str, Any]:
    return wrapped({"mean": found.mean, "low": found.low, "high": found.high, "n": found.n})


def _curve(curve: LearningCurve) -> list[dict[str, Any]]:
    return [
        {"real": size, "values": wrapped({str(seed): value for seed, value in column.items()})}
        for size, column in zip(curve.sizes, curve.columns, strict=True)
    ]
