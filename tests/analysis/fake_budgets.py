"""Arms and records of a run whose budget is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autophagy.analysis.budget import Budget, Tolerance, budgets
from autophagy.archive.run_folder import ArmNotes, Eaten, Forecast, Measure
from autophagy.core.generation import Record

N, LAST = 100, 3
FIVE = Tolerance(0.05, is_relative=True)
Meal = Mapping[str, int]


def notes_of(name: str, meal: Meal, *, last: int = LAST, founder: int = N, **parts: Any) -> ArmNotes:
    """An arm that eats the same every generation; "synthetic" is the generation before's output."""
    first = (Eaten("real", founder),)
    later = [tuple(Eaten(_origin(o, g), n) for o, n in meal.items()) for g in range(1, last + 1)]
    settings = {"source": "normal", "model": "gaussian", "bias": 1.0, **parts}
    return ArmNotes(name, last, settings, "vectors", N, founder, (first, *later), Forecast())


def _origin(name: str, generation: int) -> str:
    return f"generation {generation - 1}" if name == "synthetic" else name


def records_of(arm: ArmNotes, values: Sequence[float], *, ended: Sequence[int] = ()) -> list[Record]:
    """A record for each seed and generation; only the last has `values`, and the seeds in `ended` diverge there."""
    found = []
    for seed, value in enumerate(values):
        for g, meal in enumerate(arm.mixtures):
            if seed in ended and g == arm.generations:
                found.append(Record(arm.name, seed, g, "diverged", "", reason="not finite"))
                continue
            eaten: dict[str, int] = {}
            for part in meal:
                origin = "real" if part.origin == "fresh" else part.origin
                eaten[origin] = eaten.get(origin, 0) + part.count
            found.append(Record(arm.name, seed, g, "finished", "", trained_on=eaten, kept=N, scores={"m.loss": value}))
    return found


def share(p: float, name: str = "", **parts: Any) -> ArmNotes:
    synthetic = round(p * N)
    meal = {k: n for k, n in {"real": N - synthetic, "synthetic": synthetic}.items() if n}
    return notes_of(name or f"share {p:g}", meal, **parts)


REAL = notes_of("real", {"real": N})
MEASURES = {"real": {"m": Measure("distance", {"loss": "lower"}, {}, {})}}


def judged(
    arms: Mapping[ArmNotes, Sequence[float]] | list[tuple[ArmNotes, Sequence[float]]], **settings: Any
) -> Budget:
    pairs = list(arms.items()) if isinstance(arms, Mapping) else arms
    records = [r for arm, values in pairs for r in records_of(arm, values)]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, **{"tolerance": FIVE, **settings})
    return found


def lines(losses: Mapping[float, float], *, seeds: int = 5, noise: float = 0.0, seed: int = 0) -> list[Any]:
    """The real-only arm at about 10, and shares that cost so much of it."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, 0.5, seeds)
    found: list[Any] = [(REAL, 10 + luck + rng.normal(0, noise, seeds))]
    return found + [(share(p), (10 + luck) * (1 + cost) + rng.normal(0, noise, seeds)) for p, cost in losses.items()]
