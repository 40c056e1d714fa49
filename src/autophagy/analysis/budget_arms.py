"""Which arms of a run answer a question about synthetic data, judged by what they ate.

Arms are compared if they differ in their loop alone. Among those,

* the **reference** only ever trains on real rows, N a generation: its fixed set, or fresh ones each time;
* a **share** trains on N rows in all, of which always the same part is synthetic;
* an **addition** trains on N real rows and on synthetic ones besides.

Any other arm is left out, with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autophagy.archive.run_folder import ArmNotes, Eaten
from autophagy.core.generation import Record

REFERENCE = ("reference", "reference_per_group")
DRAWS = ("conditions", "bias", "curators", "refill", "redraw_limit", "seeding")
FOUNDER = ("source", "model", *DRAWS, "founder", *REFERENCE)
ALIKE = (*FOUNDER, "start", "real", "per_group")  # settings in which arms that are compared agree
SLACK = 0.02  # of N: shares are rounded to whole rows, and curators take some away
REAL = ("real", "fresh")
UNFINISHED = "has no finished generation"


@dataclass(frozen=True)
class Diet:
    """What an arm trained on, or was to if all its lineages diverged, at the generation that is judged: mean rows."""

    arm: str
    real: float
    synthetic: float

    @property
    def share(self) -> float:
        return self.synthetic / ((self.real + self.synthetic) or 1)


@dataclass(frozen=True)
class Group:
    """Arms that differ in their loop alone, judged at one generation.

    Attributes:
        reference: the real-only arm, judged at its last generation if it has fewer.
        rows: N, its real rows.
        shares: by share, ascending.
        founders: arms whose founders make a learning curve, by how many real rows these saw.
        left_out: why other arms say nothing.
        cut_by: the arm at whose last generation all are judged, where others go on; empty where none does.
    """

    reference: ArmNotes
    rows: int
    generation: int
    shares: tuple[Diet, ...]
    additions: tuple[Diet, ...]
    founders: Mapping[int, str]
    left_out: Mapping[str, str]
    cut_by: str = ""


def groups(arms: Sequence[ArmNotes], records: Sequence[Record], generation: int | None = None) -> list[Group]:
    """One for each real-only arm, judged where asked or where the first of those ends that are held against it."""
    alike: dict[str, list[ArmNotes]] = {}
    for arm in arms:
        if arm.generations:
            alike.setdefault(_settings(arm, ALIKE), []).append(arm)
    eaten = {**_planned(arms, records), **_eaten(records)}
    return [
        _group(reference, own, eaten, generation, _founders(reference, arms))
        for own in alike.values()
        for reference in _references(own)
    ]


def unmatched(arms: Sequence[ArmNotes], references: Sequence[ArmNotes]) -> dict[str, str]:
    """Why arms with synthetic data that differ from every real-only one in more than their loop say nothing."""
    matched = {_settings(reference, ALIKE) for reference in references}
    found = {}
    for arm in arms:
        if arm.generations and any(map(_synthetic, arm.mixtures)) and _settings(arm, ALIKE) not in matched:
            unlike = [(_unlike(arm, reference), reference.name) for reference in references]
            differs, nearest = min(unlike, key=lambda found: len(found[0]))
            found[arm.name] = f"has no real-only arm of its own: '{nearest}' has another {' and '.join(differs)}"
    return found


def _unlike(arm: ArmNotes, reference: ArmNotes) -> list[str]:
    return [name for name in ALIKE if _settings(arm, [name]) != _settings(reference, [name])]


def _references(own: list[ArmNotes]) -> list[ArmNotes]:
    """The first arm that eats the fixed real set alone, and the first that eats fresh real rows alone."""
    found: dict[str, ArmNotes] = {}
    for arm in own:
        kinds = {eaten.origin for meal in arm.mixtures[1:] for eaten in meal}
        if len(kinds) == 1 and kinds <= set(REAL):
            found.setdefault(kinds.pop(), arm)
    return list(found.values())


def _group(
    reference: ArmNotes,
    own: list[ArmNotes],
    eaten: Mapping[tuple[str, int], Diet],
    asked: int | None,
    founders: Mapping[int, str],
) -> Group:
    others = [arm for arm in own if any(map(_synthetic, arm.mixtures))]
    rows = sum(meal.count for meal in reference.mixtures[-1])
    ends = _ends(reference, others, eaten, rows)
    others.sort(key=lambda arm: -ends.get(arm.name, -1))  # of equal shares the one that keeps its share for longest
    generation = min(ends.values(), default=0) if asked is None else asked
    shares: dict[float, Diet] = {}
    additions: list[Diet] = []
    left_out: dict[str, str] = {}
    for arm in others:
        diet = _diet(eaten, arm, generation)
        left_out[arm.name] = _objection(arm, reference, generation, diet, rows)
        if left_out[arm.name]:
            continue
        if not _is_near(diet.real + diet.synthetic, rows):
            additions.append(diet)
        elif diet.share in shares:
            left_out[arm.name] = f"has the same share as '{shares[diet.share].arm}'"
        else:
            shares[diet.share] = diet
    return Group(
        reference,
        rows,
        generation,
        tuple(shares[share] for share in sorted(shares)),
        tuple(additions),
        founders,
        {name: reason for name, reason in left_out.items() if reason},
        min(ends, key=lambda name: ends[name]) if asked is None and len(set(ends.values())) > 1 else "",
    )


def _ends(
    reference: ArmNotes, others: Sequence[ArmNotes], eaten: Mapping[tuple[str, int], Diet], rows: int
) -> dict[str, int]:
    """The last generation of every arm that can be held against the reference there; of all, if none can.

    Of arms with one share only the longest counts: the others would be left out.
    """
    last = {arm.name: arm.generations for arm in others}
    found: dict[str, int] = {}
    shares: set[float] = set()
    for arm in sorted(others, key=lambda arm: -arm.generations):
        diet = _diet(eaten, arm, arm.generations)
        if _objection(arm, reference, arm.generations, diet, rows):
            continue
        if _is_near(diet.real + diet.synthetic, rows):
            if diet.share in shares:
                continue
            shares.add(diet.share)
        found[arm.name] = arm.generations
    return found or last


def _diet(eaten: Mapping[tuple[str, int], Diet], arm: ArmNotes, generation: int) -> Diet:
    return eaten.get((arm.name, generation), Diet(arm.name, 0, 0))


def _objection(arm: ArmNotes, reference: ArmNotes, generation: int, diet: Diet, rows: int) -> str:
    """Why an arm says nothing of synthetic data; nothing if it does."""
    meals = arm.mixtures[1 : generation + 1]
    origins = {eaten.origin for meal in meals for eaten in meal}
    if arm.generations < generation:
        return f"ends at generation {arm.generations}"
    if not diet.real + diet.synthetic:
        return f"{UNFINISHED} {generation}"
    if any(" of arm " in origin for origin in origins):
        return "eats another arm's samples"
    if not any(map(_synthetic, meals)):
        return f"has eaten nothing synthetic by generation {generation}"
    if arm.samples != reference.samples:
        return f"is measured on {arm.samples:,} samples, the real-only arm on {reference.samples:,}"
    if not origins & set(REAL) <= {eaten.origin for eaten in reference.mixtures[-1]}:
        return "eats real rows of another kind (fixed or fresh) than the real-only arm"
    if not _is_near(diet.real + diet.synthetic, rows):
        is_added = _is_near(diet.real, rows) and all(map(_synthetic, meals))
        other = f"trains neither on {rows:,} rows in all (total = {rows}) nor on {rows:,} real ones and more"
        return "" if is_added else other
    shares = [_synthetic(meal) / (sum(eaten.count for eaten in meal) or 1) for meal in meals]
    return "its share of synthetic data changes on the way" if max(shares) - min(shares) > SLACK else ""


def _is_near(count: float, rows: int) -> bool:
    return abs(count - rows) <= max(1, SLACK * rows)


def _synthetic(meal: Iterable[Eaten]) -> int:
    return sum(eaten.count for eaten in meal if eaten.origin not in REAL)


def _founders(reference: ArmNotes, arms: Iterable[ArmNotes]) -> dict[int, str]:
    """Arms whose founders differ from the reference's in the number of real rows alone, measured on as many samples."""
    found: dict[int, str] = {}
    for arm in arms:
        is_real = bool(arm.mixtures) and {eaten.origin for eaten in arm.mixtures[0]} == {"real"}
        if is_real and arm.samples == reference.samples and _settings(arm, FOUNDER) == _settings(reference, FOUNDER):
            found.setdefault(sum(eaten.count for eaten in arm.mixtures[0]), arm.name)
    return found


def _settings(arm: ArmNotes, names: Iterable[str]) -> str:
    return json.dumps([arm.parts.get(name) for name in names], sort_keys=True, default=str)


def _planned(arms: Iterable[ArmNotes], records: Iterable[Record]) -> dict[tuple[str, int], Diet]:
    """What arms were to train on from where a lineage diverged on: all that is known of a share that none survived."""
    ended: dict[str, int] = {}
    for record in records:
        if record.status == "diverged":
            ended[record.arm] = min(record.generation, ended.get(record.arm, record.generation))
    found = {}
    for arm in arms:
        for generation in range(ended.get(arm.name, len(arm.mixtures)), len(arm.mixtures)):
            meal = arm.mixtures[generation]
            synthetic = _synthetic(meal)
            found[arm.name, generation] = Diet(arm.name, sum(eaten.count for eaten in meal) - synthetic, synthetic)
    return found


def _eaten(records: Iterable[Record]) -> dict[tuple[str, int], Diet]:
    """What every arm and generation trained on, on the mean of the lineages that have come so far."""
    meals: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for record in records:
        if record.status == "finished":
            real = int(record.trained_on.get("real", 0))
            meals.setdefault((record.arm, record.generation), []).append((real, sum(record.trained_on.values()) - real))
    return {
        (arm, generation): Diet(arm, *(sum(column) / len(found) for column in zip(*found, strict=True)))
        for (arm, generation), found in meals.items()
    }
