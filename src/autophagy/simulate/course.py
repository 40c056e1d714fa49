"""A plan as a course: what every generation takes of which block, and how much of a block anyone must know.

The plan is the engine's own, of one lineage; so every loop, phase and arm that
eats from another is here what it is there.

How a block is kept follows from who reads it. Taken whole, or in part by one
reader alone, vectors are moments: independent points that are exchangeable can
be drawn as the part and the rest. Parts that are chosen again and again
overlap in single points, so then there are points; a kernel density's training
set is points anyway. Counts of symbols are enough for any reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from autophagy.core.errors import PlanError
from autophagy.core.parts import Source
from autophagy.core.seeds import Seed
from autophagy.experiment.plan import Plan
from autophagy.experiment.turns import Turn, taken_count

from .blocks import Form
from .checks import check_independence, check_size, checked_family
from .families import Family

MOST_NUMBERS = 2**23  # of the largest block of replicates: 64 MiB
MOST_REPLICATES = 1024  # side by side, with one stream of random numbers; another number changes every draw


@dataclass(frozen=True, slots=True)
class Bite:
    """What one draw of a mixture takes: `count` points of a block, which has `available`."""

    block: str
    count: int
    available: int

    @property
    def is_part(self) -> bool:
        return self.count < self.available


@dataclass(frozen=True, slots=True)
class Kept:
    """How a block is kept: in which form, and whether as two blocks.

    Attributes:
        part: so many points, which one reader takes, are a block of their own; 0 for none.
        is_whole: somebody reads the rest as well.
    """

    form: Form
    part: int = 0
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Real:
    """A set of real points: its source, its size, and where its random numbers come from."""

    source: Source
    size: int
    family: Family
    seed: Seed


@dataclass(frozen=True, slots=True)
class Step:
    """One generation: what it eats, how it learns, what it leaves, and which blocks nobody reads after it."""

    block: str
    number: int
    family: Family
    bias: float
    size: int
    bites: tuple[Bite, ...]
    budget: int | None
    seed: Seed
    last_read: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """Steps in order; blocks that nobody reads are not in `kept` and are never drawn."""

    steps: tuple[Step, ...]
    reals: Mapping[str, Real]
    kept: Mapping[str, Kept]
    arms: Mapping[str, tuple[str, ...]]  # the steps of every arm, by generation
    largest: int  # numbers of the blocks that a generation holds, for one replicate; it decides the width
    held: int  # of these, what no form sums up: points

    @property
    def width(self) -> int:
        """Replicates side by side: a power of two that the experiment alone decides, so that memory stays in bounds."""
        return 1 << (max(1, min(MOST_REPLICATES, MOST_NUMBERS // self.largest)).bit_length() - 1)

    @classmethod
    def of(cls, plan: Plan) -> Course:
        """Raises PlanError for whatever has no closed form."""
        seed = plan.experiment.seeds[0]
        families = {name: checked_family(name, arm) for name, arm in plan.experiment.arms.items()}
        meals: dict[str, _Meal] = {}
        for turn in plan.turns:
            if turn.seed == seed and turn.kept not in meals:  # arms that share a history share its steps
                meals[turn.kept] = _Meal(turn, families[turn.arm_name], _bites(turn))
        _check(meals)
        kept = _kept(meals)
        arms = {name: tuple(turn.kept for turn in plan.lineages[name, seed]) for name in plan.experiment.arms}
        return cls(_steps(meals), _reals(meals), kept, arms, _largest(meals, kept), _held(meals, kept))


class _Meal(NamedTuple):
    turn: Turn
    family: Family
    bites: tuple[Bite, ...]

    @property
    def offered(self) -> int:
        return sum(bite.count for bite in self.bites)

    @property
    def is_thinned(self) -> bool:
        budget = self.turn.mixture.budget
        return budget is not None and budget < self.offered

    @property
    def divided(self) -> int:
        """Points of the largest block of which only a part is taken; 0 if there is none."""
        parts = [bite.available for bite in self.bites if bite.is_part]
        return max([*parts, self.offered if self.is_thinned else 0])


def _bites(turn: Turn) -> tuple[Bite, ...]:
    if any(draw.per_group is not None or draw.stratified for draw in turn.mixture.draws):
        raise PlanError(f"arm '{turn.arm_name}': draws by group look at conditions, which simulate has none of.")
    pairs = zip(turn.mixture.draws, turn.eaten, strict=True)
    bites = (Bite(e.key, taken_count(draw, e, turn.keys), e.available) for draw, e in pairs)
    return tuple(bite for bite in bites if bite.count)


def _check(meals: Mapping[str, _Meal]) -> None:
    turns = {key: meal.turn for key, meal in meals.items()}
    for meal in meals.values():
        check_size(meal.turn, meal.family, meal.divided)
    for name in dict.fromkeys(turn.arm_name for turn in turns.values() if turn.is_apart):
        own = [turn for turn in turns.values() if turn.arm_name == name]
        check_independence(name, own, turns)


def _kept(meals: Mapping[str, _Meal]) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for meal in meals.values():
        reads = meal.family.reads
        for bite in meal.bites:
            before = found.get(bite.block, Kept(reads))
            is_overlapping = bite.is_part and before.part > 0
            are_points = "points" in (reads, before.form) or meal.is_thinned or is_overlapping
            form: Form = "counts" if reads == "counts" else "points" if are_points else "moments"
            part = bite.count if bite.is_part else before.part
            found[bite.block] = Kept(form, part, before.is_whole or not bite.is_part)
    return {block: k if k.form == "moments" else Kept(k.form) for block, k in found.items()}


def _steps(meals: Mapping[str, _Meal]) -> tuple[Step, ...]:
    last_reader = {bite.block: key for key, meal in meals.items() for bite in meal.bites}
    last_read: dict[str, list[str]] = {}
    for block, key in last_reader.items():
        last_read.setdefault(key, []).append(block)
    return tuple(
        Step(
            key, turn.number, family, turn.arm.bias, turn.samples, bites, turn.mixture.budget,
            turn.seeds.child("simulate"), tuple(last_read.get(key, ())),
        )
        for key, (turn, family, bites) in meals.items()
    )  # fmt: skip


def _reals(meals: Mapping[str, _Meal]) -> dict[str, Real]:
    return {
        e.key: Real(e.rows.source, e.rows.size, family, Seed(("simulate", "real", e.key)))
        for turn, family, _ in meals.values()
        for e in turn.eaten
        if e.rows is not None
    }


def _largest(meals: Mapping[str, _Meal], kept: Mapping[str, Kept]) -> int:
    largest = 1
    for key, meal in meals.items():
        here = [(bite.available, kept[bite.block].form) for bite in meal.bites]
        here.append((meal.turn.samples, kept[key].form if key in kept else "counts"))
        size = meal.family.size
        largest = max(largest, sum(size * n if form == "points" else size**2 for n, form in here))
    return largest


def _held(meals: Mapping[str, _Meal], kept: Mapping[str, Kept]) -> int:
    """Numbers that the points of a generation are, for one replicate: those it eats, and those it leaves."""
    found = 0
    for key, meal in meals.items():
        points = sum(bite.available for bite in meal.bites if kept[bite.block].form == "points")
        points += meal.turn.samples if key in kept and kept[key].form == "points" else 0
        found = max(found, meal.family.size * points)
    return found
