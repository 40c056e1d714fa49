"""What every generation ate, and which classes it drew, as stacked bars and shaded tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.lineages import split
from autophagy.archive.run_folder import ArmNotes, Eaten

from .charts import lineages
from .story import Story, is_class_share

KINDS = {
    "real": "the fixed real set",
    "fresh": "fresh real data",
    "last": "the generation before",
    "older": "older generations",
    "other": "another arm",
}
BARS = 60  # generations in one small chart
WIDTH, HEIGHT = 260, 110


@dataclass(frozen=True)
class Piece:
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Diet:
    """One arm's bars, up to its `most` samples; `text` says the last generation's in words."""

    arm: int
    name: str
    pieces: tuple[Piece, ...]
    most: int
    last: int
    text: str


@dataclass(frozen=True)
class ClassTable:
    """Mean share of every class over n lineages: `shares[class][frame]`, and the same as opacity from 0 to 1."""

    arm: int
    name: str
    metric: str
    classes: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    opacity: tuple[tuple[float, ...], ...]
    n: str


def diets(story: Story) -> list[Diet]:
    return [_diet(i, arm, eaten(story, arm)[1], story.ended(arm.name)) for i, arm in enumerate(story.arms)]


def _again(arm: ArmNotes) -> str:
    """How many fresh rows of the last generation were not new to the lineage."""
    count = sum(part.reused for part in arm.mixtures[-1]) if arm.mixtures else 0
    return f"; {words.count(count)} of the fresh ones seen before" if count else ""


def eaten(story: Story, arm: ArmNotes) -> tuple[list[int], list[dict[str, int]]]:
    """At most `BARS` generations, and for each the samples by kind."""
    n = len(arm.mixtures)
    numbers = sorted({round(k) for k in np.linspace(0, n - 1, min(n, BARS)).tolist()}) if n else []
    return numbers, [_by_kind(story, arm, g) for g in numbers]


def meal_text(story: Story, arm: ArmNotes, generation: int) -> str:
    """What one generation trained on: "200: 50 % from the fixed real set, 50 % from …"."""
    return _told(_by_kind(story, arm, generation))


def class_tables(story: Story) -> list[ClassTable]:
    """One for each arm and metric with class shares."""
    found = []
    for i, arm in enumerate(story.arms):
        lineages = story.lineages.get(arm.name)
        names = sorted(filter(is_class_share, lineages.scores if lineages else ()), key=_class_order)
        for metric in dict.fromkeys(split(name)[0] for name in names):
            found.append(_class_table(story, i, metric, [n for n in names if split(n)[0] == metric]))
    return found


def _diet(i: int, arm: ArmNotes, meals: list[dict[str, int]], ended: int | None) -> Diet:
    most = max((sum(meal.values()) for meal in meals), default=0) or 1
    step = WIDTH / max(len(meals), 1)
    pieces = []
    for k, meal in enumerate(meals):
        base = float(HEIGHT)
        for kind, count in meal.items():
            height = HEIGHT * count / most
            base -= height
            pieces.append(Piece(kind, round(k * step, 2), round(base, 2), round(0.82 * step, 2), round(height, 2)))
    text = _told(meals[-1]) + _again(arm) if meals else "nothing"
    if ended is not None and not sum(meals[-1].values()):
        text = f"nothing: diverged at generation {ended}"
    return Diet(i, arm.name, tuple(pieces), most, arm.generations, text)


def _told(meal: dict[str, int]) -> str:
    total = sum(meal.values())
    parts = [f"{words.share(count / total)} from {KINDS[kind]}" for kind, count in meal.items() if count]
    if len(parts) == 1:
        return f"{words.count(total)}, all{parts[0].removeprefix('100 %')}"
    return f"{words.count(total)}: {', '.join(parts)}" if total else "nothing"


def _by_kind(story: Story, arm: ArmNotes, generation: int) -> dict[str, int]:
    """Samples by `KINDS`: what the first lineage was given, or what the plan says where it may still come so far."""
    planned: Sequence[Eaten] = arm.mixtures[generation] if generation < len(arm.mixtures) else ()
    meal = dict.fromkeys(KINDS, 0)
    for part in planned:
        meal[_kind(part.origin, generation)] += part.count
    record = story.by_address.get((arm.name, story.first_seed, generation))
    if record is None or not record.trained_on:
        ended = story.ended(arm.name)
        return meal if ended is None or generation < ended else dict.fromkeys(KINDS, 0)
    fresh = meal["fresh"] / ((meal["real"] + meal["fresh"]) or 1)  # a record does not tell fresh from fixed
    given = dict.fromkeys(KINDS, 0)
    for origin, count in record.trained_on.items():
        given[_kind(origin, generation)] += count
    given["fresh"] = round(fresh * given["real"])
    given["real"] -= given["fresh"]
    return given


def _kind(origin: str, generation: int) -> str:
    if origin in ("real", "fresh"):
        return origin
    if " of " in origin:
        return "other"
    return "last" if origin == f"generation {generation - 1}" else "older"


def _class_order(score: str) -> tuple[str, int, str]:
    metric, value = split(score)
    name = value.removeprefix("share_")
    return metric, int(name) if name.isdecimal() and len(name) < 9 else -1, name


def _class_table(story: Story, i: int, metric: str, names: list[str]) -> ClassTable:
    curves = [c for name in names if (c := story.curve(story.arms[i].name, name)) is not None]
    shares = tuple(tuple(c.at(g).mean if g in c.generations else math.nan for g in story.frames) for c in curves)
    largest = max((s for row in shares for s in row if math.isfinite(s)), default=1.0) or 1.0
    full = max(largest, 2 / max(len(names), 1))  # an even histogram is half as dark as twice the even share
    opacity = tuple(tuple(round(max(s, 0) / full, 3) if math.isfinite(s) else 0.0 for s in row) for row in shares)
    classes = tuple(split(name)[1].removeprefix("share_") for name in names)
    sizes = {int(n) for c in curves for n in c.n if n}
    return ClassTable(i, story.arms[i].name, metric, classes, shares, opacity, lineages(sizes))
