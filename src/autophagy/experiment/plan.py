"""Experiment → Plan: every turn and every key, worked out without running one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from autophagy.core.abilities import Grounded
from autophagy.core.errors import ConfigError, PlanError
from autophagy.core.identity import key, part_key
from autophagy.core.mixture import Draw, Mixture, PoolName
from autophagy.core.parts import Loop, Metric
from autophagy.core.settings import shown

from . import reals
from .checks import check_arm, check_draw, check_food, check_meal, check_redraw, check_refill, check_supply, fewest
from .config import Arm, Experiment
from .heldout import heldout
from .reals import Rows
from .turns import (
    BEGUN,
    GALLERY,
    ArmKeys,
    Eaten,
    Floor,
    Turn,
    group_counts,
    most_kept,
    most_passed,
    sample_count,
    taken_count,
)


@dataclass(frozen=True, repr=False)
class Plan:
    """Turns in an order in which each one's inputs come before it."""

    experiment: Experiment
    turns: tuple[Turn, ...]

    def __repr__(self) -> str:
        told = f"{len(self.turns):,} turns in {len(self.lineages):,} lineages, {self.distinct_fits:,} distinct fits"
        return f"<Plan of '{self.experiment.name}': {told}>"

    def _repr_html_(self) -> str:
        from .plan_table import html  # which forecasts, and so knows plans

        return html(self)

    @cached_property
    def lineages(self) -> dict[tuple[str, int], list[Turn]]:
        found: dict[tuple[str, int], list[Turn]] = {}
        for turn in self.turns:
            found.setdefault((turn.arm_name, turn.seed), []).append(turn)
        return {(arm, seed): found[arm, seed] for arm in self.experiment.arms for seed in self.experiment.seeds}

    @cached_property
    def distinct_fits(self) -> int:
        return len({turn.fit for turn in self.turns})

    @cached_property
    def distinct_founders(self) -> int:
        return len({turn.fit for turn in self.turns if turn.number == 0})

    @cached_property
    def floors(self) -> tuple[Floor, ...]:
        """One for each arm and metric, against the lowest seed's real set, in whatever order seeds are named."""
        firsts = [self.lineages[arm, min(self.experiment.seeds)][0] for arm in self.experiment.arms]
        compared = [turn for turn in firsts if turn.keys.control.size]
        return tuple(_floor(turn, metric) for turn in compared for metric in turn.arm.metrics if not metric.reads)


def plan(experiment: Experiment) -> Plan:
    """Works out every turn; raises PlanError for whatever could not run."""
    reals.forget()
    planner = _Planner(experiment)
    with _nothing_to_collect():
        for name in experiment.arms:
            for seed in experiment.seeds:
                planner.lineage(name, seed).upto(experiment.last_generation(name))
    return Plan(experiment, tuple(planner.turns))


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Of a million things that all stay, Python would look for garbage again and again: a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Planner:
    """Lineages by arm and seed, each planned as far as somebody has asked."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.turns: list[Turn] = []
        self.fewest: dict[str, int] = {}  # samples that an arm's model needs
        self._lineages: dict[tuple[str, int], _Lineage] = {}
        self._mixtures: dict[tuple[str, int], Mixture] = {}  # which are the same for every seed

    def lineage(self, name: str, seed: int) -> _Lineage:
        if name not in self.fewest:  # once for all its seeds
            check_arm(name, self.experiment.arms[name])
            self.fewest[name] = fewest(self.experiment.arms[name])
        if (name, seed) not in self._lineages:
            self._lineages[name, seed] = _Lineage(self, name, seed)
        return self._lineages[name, seed]

    def mixture(self, name: str, number: int, fixed: Rows) -> Mixture:
        """What a generation of an arm eats, by its loop, under whatever seed: all fixed sets are of one size."""
        if (name, number) not in self._mixtures:
            arm = self.experiment.arms[name]
            found = _mixture(name, arm.loop, number).sized(reals.count(fixed), fixed.size if fixed.per_group else None)
            check_redraw(name, arm, found, number)
            for draw in found.draws:
                check_draw(name, arm, draw, number)
            self._mixtures[name, number] = found
        return self._mixtures[name, number]


class _Lineage:
    """One arm under one seed, growing turn by turn."""

    def __init__(self, planner: _Planner, name: str, seed: int) -> None:
        self.planner, self.name, self.seed = planner, name, seed
        self.arm = planner.experiment.arms[name]
        self.keys = _arm_keys(name, self.arm, seed)
        self.samples = sample_count(self.arm, self.keys.fixed)
        check_refill(name, self.arm, self.samples, most_passed(self.arm, self.samples * self.arm.redraw_limit))
        self.turns: list[Turn] = []
        self.fresh = 0  # rows (or rows of every condition) taken so far
        self.is_growing = False
        self.is_apart = False

    def upto(self, last: int) -> list[Turn]:
        """Plans every generation up to `last`, and first whatever it reads of other arms."""
        if self.is_growing and len(self.turns) <= last:
            raise PlanError(
                f"arm '{self.name}' needs its own generation {last} before it exists: arms eat in a circle."
            )
        self.is_growing = True
        while len(self.turns) <= last:
            turn = self._next(len(self.turns))
            self.turns.append(turn)
            self.planner.turns.append(turn)
        self.is_growing = False
        return self.turns

    def _next(self, number: int) -> Turn:
        arm, keys = self.arm, self.keys
        is_pretrained = number == 0 and arm.founder == "pretrained"
        mixture = Mixture(()) if is_pretrained else self.planner.mixture(self.name, number, keys.fixed)
        eaten = tuple(self._eaten(draw, number) for draw in mixture.draws)
        if not is_pretrained:
            check_meal(self.name, arm, self._given(mixture, eaten), self.planner.fewest[self.name], number)
        start = self._start(number)
        ground = self.turns[0].fit if number and start is None and isinstance(arm.model, Grounded) else None
        self.is_apart = self.is_apart or any(d.pool.arm for d in mixture.draws)
        address = (self.seed, number, self.is_apart)
        if is_pretrained:
            fit = key("pretrained", keys.model)
        else:
            recipe = [(e.key, *d.recipe()) for e, d in zip(eaten, mixture.draws, strict=True)]
            chosen_by = (keys.validation.key,) if keys.validation else ()
            fit = key("fit", keys.model, recipe, mixture.budget, start or ground, *address, *chosen_by)
        seeding = (arm.seeding, keys.fixed.key) if number == 0 and arm.seeding is not None else None
        conditions = f"even {keys.conditions}" if keys.evenly else keys.conditions
        draw = key("draw", fit, self.samples, arm.bias, conditions, seeding, *address)
        founder = self.turns[0].draw if self.turns else draw
        kept = draw
        if arm.curators:
            begun = ("begun",) if seeding and arm.refill == "redraw" else ()  # redraws begin from real samples, too
            rule = arm.refill, arm.redraw_limit, keys.fixed.key, founder
            kept = key("keep", draw, keys.curators, *rule, *address, *begun)
        probes = tuple(self._probes(fit, number))
        return Turn(
            arm_name=self.name,
            arm=arm,
            seed=self.seed,
            number=number,
            keys=keys,
            mixture=mixture,
            eaten=eaten,
            start=start,
            ground=ground,
            fit=fit,
            draw=draw,
            kept=kept,
            done=key("done", fit, kept, probes),
            founder=founder,
            founder_kept=self.turns[0].kept if self.turns else kept,
            founder_fit=self.turns[0].fit if self.turns else fit,
            first_fit=self._first(number, fit),
            previous=self.turns[-1].kept if self.turns else None,
            probes=probes,
            foreign=self._foreign(mixture),
            is_apart=self.is_apart,
        )

    def _first(self, number: int, fit: str) -> str | None:
        return None if number == 0 else fit if number == 1 else self.turns[1].fit

    def _start(self, number: int) -> str | None:
        if number == 0 or self.arm.start == "scratch":
            return None
        return self.turns[-1 if self.arm.start == "previous" else 0].fit

    def _probes(self, fit: str, number: int) -> Iterator[tuple[str, str]]:
        arm = self.arm
        for name, probe in arm.probes.items():
            yield name, key("probe", fit, arm.bias, list(probe.conditions), probe.each, self.seed)
        if arm.gallery:
            yield GALLERY, key("gallery", fit, arm.bias, self.keys.conditions, arm.gallery, self.seed)
        if arm.gallery and arm.seeding is not None and number == 0:
            yield BEGUN, key("begun", self.keys.fixed.key, arm.gallery)

    def _eaten(self, draw: Draw, number: int) -> Eaten:
        if draw.pool.kind == "real":
            available = reals.count(self.keys.fixed)
            return self._checked(draw, Eaten(self.keys.fixed, self.keys.fixed.key, available), number)
        if draw.pool.kind == "fresh":
            return self._fresh(draw, number)
        eaten = self._foreign_turn(draw.pool, number) if draw.pool.arm else self.turns[draw.pool.generation]
        given = eaten.samples
        left = most_kept(eaten.arm, given)
        return self._checked(draw, Eaten(None, eaten.kept, left, by=eaten.keys), number, are_curated=left < given)

    def _fresh(self, draw: Draw, number: int) -> Eaten:
        size = draw.per_group if draw.per_group is not None else draw.size
        fixed, loop = self.keys.fixed, self.arm.loop.name
        if size is None or fixed.per_group != (draw.per_group is not None):
            unit = "per_group" if fixed.per_group else "a plain number"
            way = "say real = … in place of per_group" if fixed.per_group else f"loop '{loop}' does not"
            raise PlanError(
                f"arm '{self.name}', generation {number}: fresh real data must be drawn by {unit}, as the fixed set "
                f"is; {way}."
            )
        rows = Rows(self.arm.source, "train", self.seed, size, self.fresh, fixed.size, fixed.per_group).named()
        self.fresh += size
        reused = check_supply(self.name, self.arm, rows, number)
        return Eaten(rows, rows.key, reals.count(rows), reused)

    def _checked(self, draw: Draw, eaten: Eaten, number: int, *, are_curated: bool = False) -> Eaten:
        wanted = draw.count(eaten.available)
        if draw.per_group is None and wanted > eaten.available:
            has = (
                f"of which curators leave at most {eaten.available}" if are_curated else f"which has {eaten.available}"
            )
            refill = ', or say refill = "redraw" or "repeat"' if are_curated else ""
            raise PlanError(
                f"arm '{self.name}', generation {number}: the loop draws {wanted} samples of {draw.pool}, {has}; "
                f"ask for fewer, or raise real or samples{refill}."
            )
        groups = () if draw.pool.arm else group_counts(draw, eaten, self.keys)
        poorest = min(groups, default=0)
        if draw.per_group and groups and draw.per_group > poorest:
            raise PlanError(
                f"arm '{self.name}', generation {number}: the loop draws {draw.per_group} samples of every group of "
                f"{draw.pool}, of which one has {poorest}; ask for fewer, or raise real or per_group."
            )
        return eaten

    def _given(self, mixture: Mixture, eaten: tuple[Eaten, ...]) -> int:
        """How many samples a fit is given, as far as the plan can know, counted until they are enough."""
        given, enough = 0, self.planner.fewest[self.name]
        for draw, its in zip(mixture.draws, eaten, strict=True):
            given += taken_count(draw, its, self.keys)
            if given >= enough:
                break
        return given if mixture.budget is None else min(given, mixture.budget)

    def _of(self, arm: str) -> _Lineage:
        if arm not in self.planner.experiment.arms:
            raise PlanError(f"arm '{self.name}' eats from arm '{arm}', but there is no such arm.")
        return self.planner.lineage(arm, self.seed)

    def _foreign_turn(self, pool: PoolName, number: int) -> Turn:
        other = self._of(pool.arm or "")
        check_food(self.name, self.arm, other.name, other.arm, number)
        last = self.planner.experiment.last_generation(other.name)
        if pool.generation > last:
            raise PlanError(
                f"arm '{self.name}', generation {number}: arm '{other.name}' ends at generation {last}, but the loop "
                f"asks for its generation {pool.generation}; let it run for longer, or this one for less."
            )
        return other.upto(pool.generation)[pool.generation]

    def _foreign(self, mixture: Mixture) -> tuple[str, ...]:
        names = [d.pool for d in mixture.draws if d.pool.kind == "drawn" and d.pool.arm]
        return tuple(self._of(name.arm or "").turns[name.generation].draw for name in names)


def _mixture(name: str, loop: Loop, number: int) -> Mixture:
    here = f"arm '{name}', generation {number}: loop '{loop.name}'"
    try:
        mixture = loop.founder() if number == 0 else loop.mixture(number)
    except ConfigError as problem:
        raise PlanError(f"{here}: {problem}") from None
    if not isinstance(mixture, Mixture):
        raise PlanError(f"{here} returned {shown(mixture)}, no Mixture.")
    return mixture


def _arm_keys(name: str, arm: Arm, seed: int) -> ArmKeys:
    fixed = _fixed(name, arm, seed)
    reference, control, validation = heldout(name, arm, sample_count(arm, fixed))
    is_conditional = arm.model.conditional and arm.source.conditions("train") is not None
    curators = tuple(part_key(c) for c in arm.curators)
    conditions = fixed.key if is_conditional else None
    evenly = arm.conditions == "even"
    return ArmKeys(part_key(arm.model), curators, fixed, reference, control, validation, conditions, evenly)


def _fixed(name: str, arm: Arm, seed: int) -> Rows:
    total = arm.source.size("train")
    size = arm.per_group or arm.real or total
    if size is None:
        raise PlanError(
            f"arm '{name}': source '{arm.source.name}' never ends, so say the size of the real set, e.g. real = 1000."
        )
    rows = Rows(arm.source, "train", seed, size, per_group=arm.per_group is not None).named()
    left = reals.unseen(rows)
    if poor := reals.short(rows):
        known = len(reals.group_sizes(arm.source, "train") or ())
        raise PlanError(
            f"arm '{name}': per_group = {size}, but source '{arm.source.name}' has fewer in {len(poor)} of its {known} "
            f"groups: {reals.told(poor)}; lower per_group, or bring more of these."
        )
    if left is not None and not 0 < size <= left:
        raise PlanError(
            f"arm '{name}': {size} real samples are asked for, but source '{arm.source.name}' has {left} to train on."
        )
    return rows


def _floor(turn: Turn, metric: Metric) -> Floor:
    keys = turn.keys
    basis = (part_key(metric), keys.fixed.key, keys.reference.key, keys.control.key)
    return Floor(turn.arm_name, turn.arm, keys, metric, key("facts of a floor", *basis))
