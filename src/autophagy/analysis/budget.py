"""The synthetic budget: how much of a training set may be synthetic before it costs more than one is ready to pay.

The **loss** of an arm is how much worse its score is than the real-only arm's
under the same seed, in units of the score, or as a part of the real-only value.
The budget is the share at which the loss passes the tolerance; `monotone` says
how the curve through the shares is drawn (it begins at none, where nothing is
lost) and where its interval comes from. A share at which a lineage diverged
counts as over any tolerance, and so do all larger ones.

What a share is **worth** is n_e/N: the number of real samples with which a
founder does as well (`effective_size`), of the N that the real-only arm has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from autophagy.archive.run_folder import ArmNotes, Measure
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Record

from .budget_arms import UNFINISHED, Diet, Group, groups, unmatched
from .budget_score import judged_score
from .effective_size import EffectiveSize, LearningCurve, effective_size, learning_curve
from .lineages import Lineages, by_arm
from .monotone import FEWEST, Crossing, critical, crossing
from .paired import Column, column, paired, without_value
from .trajectories import Interval, interval

MOST = 1e100  # of a tolerance: what can be multiplied with a score


@dataclass(frozen=True)
class Tolerance:
    """How much may be lost: a part of the real-only value, or an amount in the score's own units."""

    amount: float
    is_relative: bool

    @classmethod
    def parsed(cls, text: str) -> Tolerance:
        """Reads "5%" as a part, "0.3" as an amount. Raises ConfigError."""
        number, percent, rest = text.strip().partition("%")
        try:
            amount = float(number) / (100 if percent else 1)
        except ValueError:
            amount = math.nan
        if rest or not 0 < amount < MOST:
            raise ConfigError(
                "a tolerance is a percentage above 0, such as 5%, or an amount in the units of the score, such as 0.3, "
                f"but is '{text}'."
            )
        return cls(amount, bool(percent))


@dataclass(frozen=True)
class Dose:
    """One arm with synthetic data, or the real-only arm itself, judged.

    Attributes:
        value: of the score.
        losses: against the real-only arm by lineage, `(n,)`, positive for worse; parts of its mean value if the
            tolerance is relative.
        loss: their mean; the interval of a part holds what a paired t-test does not tell from it (Fieller 1954).
        worth: its effective sample size; None without a learning curve that improves with n.
        ended: how many of its `lineages` diverged or came to no finite value.
        absent: lineages of the run that have not come so far, because a turn failed or is still to run.
    """

    diet: Diet
    value: Interval
    losses: np.ndarray
    loss: Interval
    worth: EffectiveSize | None
    ended: int
    lineages: int
    absent: int = 0


@dataclass(frozen=True)
class Budget:
    """What one group of arms says of one score.

    Attributes:
        better: "higher" or "lower".
        group: the arms, and the generation they are judged at.
        last: generations up to that one which values are the mean of.
        shares: N rows in all; the real-only arm first.
        additions: N real rows and synthetic ones besides.
        passed: the share at which the loss passes the tolerance, ∞ if none that was tried does; None where there
            is no share to judge it by.
        curve: of real-only founders.
        is_alone: whether no other group of arms has an answer of its own.
        absent: by arm, how many of the run's lineages have not come so far, the founders of the curve among them.
    """

    score: str
    better: str
    tolerance: Tolerance
    group: Group
    last: int
    shares: tuple[Dose, ...]
    additions: tuple[Dose, ...]
    passed: Crossing | None
    curve: LearningCurve | None
    is_alone: bool = True
    absent: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        from .budget_words import sentence

        return sentence(self)

    @property
    def judged(self) -> tuple[Dose, ...]:
        """Shares below the first at which a lineage ended; the real-only arm among them."""
        return before_an_end(self.shares)

    @property
    def nearest(self) -> Dose:
        """The share tried nearest to the budget; the first addition where there are no shares."""
        tried = self.judged[1:] or self.shares[1:] or self.additions
        at = self.passed.at if self.passed else 0.0
        return min(tried, key=lambda dose: abs(dose.diet.share - min(max(at, 0.0), 1.0)))

    @property
    def resolution(self) -> float:
        """The least loss that these lineages tell from none near the budget; NaN below `FEWEST`.

        Half the t-interval of the losses by lineage, which is a paired test of none.
        """
        found = _sure(self.nearest.losses)
        return (found.high - found.low) / 2


def before_an_end(shares: Sequence[Dose]) -> tuple[Dose, ...]:
    return tuple(shares[: next((i for i, dose in enumerate(shares) if dose.ended), len(shares))])


def budgets(
    arms: Sequence[ArmNotes],
    records: Sequence[Record],
    measures: Mapping[str, Mapping[str, Measure]],
    *,
    tolerance: Tolerance,
    score: str | None = None,
    generation: int | None = None,
    last: int = 1,
    seeds: Sequence[int] = (),
) -> list[Budget]:
    """A budget for each group of arms that differ in their loop alone; raises ConfigError if there is none to give.

    `score` is the primary distance if absent, `generation` the last; values are means over `last` generations, the
    founder never among them. `seeds` are those of the run, so that lineages without a record are missed.
    """
    found = groups(arms, records, generation)
    name, better = judged_score(measures, records, score, {group.reference.name for group in found})
    usable = [group for group in found if group.shares or group.additions]
    if not usable:
        raise ConfigError(_nothing_to_compare(arms, found) + _earlier(records, found))
    fewest = min(group.generation for group in usable)
    if last > fewest:
        raise ConfigError(
            f"the mean of {last} generations up to generation {fewest} would take in the founder, which has eaten "
            f"nothing synthetic; --last may be {fewest} at most."
        )
    lineages = by_arm(records)
    told = [_Case(group, lineages, name, better, tolerance, last, seeds).budget() for group in usable]
    answered = [budget for budget in told if budget.shares[1:] or budget.additions]
    if not answered:
        raise ConfigError(f"{name}: {_nothing_to_compare(arms, [budget.group for budget in told])}")
    first = answered[0].group  # which tells of arms that belong to no group, too
    alone = unmatched(arms, [group.reference for group in found])
    answered[0] = replace(answered[0], group=replace(first, left_out={**first.left_out, **alone}))
    return [replace(budget, is_alone=len(answered) == 1) for budget in answered]


@dataclass(frozen=True)
class _Case:
    """One group of arms and one score, on the way to a budget."""

    group: Group
    lineages: Mapping[str, Lineages]
    score: str
    better: str
    tolerance: Tolerance
    last: int
    seeds: Sequence[int]

    def budget(self) -> Budget:
        self._check_real()
        reasons = {d.arm: "does not measure it" for d in (*self.group.shares, *self.group.additions)}
        left_out = {arm: reason for arm, reason in reasons.items() if not self._is_measured(arm)}
        shares = tuple(self._dose(diet) for diet in self.group.shares if diet.arm not in left_out)
        additions = tuple(self._dose(diet) for diet in self.group.additions if diet.arm not in left_out)
        shares = (self._dose(Diet(self.group.reference.name, self.group.rows, 0)), *shares)
        group = replace(self.group, left_out={**self.group.left_out, **left_out})
        absent = {arm: self._absent(column(self.lineages[arm], self.score, 0)) for arm in self._founders.values()}
        absent |= {dose.diet.arm: dose.absent for dose in (*shares, *additions)}
        return Budget(
            self.score, self.better, self.tolerance, group, self.last,
            shares, additions, self._passed(shares), self._curve,
            absent={arm: count for arm, count in absent.items() if count},
        )  # fmt: skip

    @cached_property
    def _real(self) -> Column:
        return self._column(self.group.reference.name)

    @cached_property
    def _curve(self) -> LearningCurve | None:
        founders = {size: column(self.lineages[arm], self.score, 0) for size, arm in self._founders.items()}
        return learning_curve(founders, self.score, self.better)

    @cached_property
    def _founders(self) -> dict[int, str]:
        return {size: arm for size, arm in self.group.founders.items() if self._is_measured(arm)}

    def _absent(self, found: Column) -> int:
        return len(set(self.seeds) - set(found))

    def _column(self, arm: str) -> Column:
        reference, until = self.group.reference, self.group.generation
        if arm == reference.name:
            until = min(until, reference.generations)  # a control that cannot drift may end earlier
        return column(self.lineages[arm], self.score, until, last=self.last) if arm in self.lineages else {}

    def _is_measured(self, arm: str) -> bool:
        """Whether an arm has the score, or ended before it could have any."""
        found = self.lineages.get(arm)
        return found is not None and (self.score in found.scores or not found.reached.any())

    def _check_real(self) -> None:
        name = self.group.reference.name
        values = list(self._real.values())
        if not values or without_value(self._real):
            raise ConfigError(
                f"the real-only arm '{name}' has no finite {self.score} in {without_value(self._real) or 'any'} of its "
                "lineages, so there is nothing to hold others against; choose another --metric, or run it to its end."
            )
        if self.tolerance.is_relative and min(values) <= 0:
            raise ConfigError(
                f"{self.score} is {min(values):.3g} in a lineage of '{name}', and a percentage of what may be 0 or "
                "less means nothing; give the tolerance as an amount in units of the score, without %."
            )

    def _dose(self, diet: Diet) -> Dose:
        found = self._column(diet.arm)
        both = paired([self._real, found])
        worse, real = self._worse(both.values)[:, 1], np.abs(both.values[:, 0])
        return Dose(
            diet=diet,
            value=_sure(both.values[:, 1]),
            losses=worse / self._unit(both.values),
            loss=_ratio(worse, real) if self.tolerance.is_relative else _sure(worse),
            worth=effective_size(self._curve, found) if self._curve and self._curve.improves else None,
            ended=without_value(found),
            lineages=len(found),
            absent=self._absent(found),
        )

    def _passed(self, shares: Sequence[Dose]) -> Crossing | None:
        """Where loss less tolerance passes zero, seed by seed: exact whatever the real-only value's own noise is."""
        judged = before_an_end(shares)
        values = paired([self._column(dose.diet.arm) for dose in judged]).values  # (n, k)
        if len(judged) < 2 or not len(values):
            return None
        allowed = self.tolerance.amount * (np.abs(values[:, :1]) if self.tolerance.is_relative else 1)
        places = np.array([dose.diet.share for dose in judged])
        found = crossing(self._worse(values) - allowed, places)
        if len(judged) > 2 or not math.isfinite(found.at + found.low):
            return found
        return replace(found, low=0.0, high=max(found.high, float(places[1])))  # of one share no shape is known

    def _worse(self, values: np.ndarray) -> np.ndarray:
        """`(n, k)` how much worse each column is than the first."""
        found: np.ndarray = (values - values[:, :1]) * (-1 if self.better == "higher" else 1)
        return found

    def _unit(self, values: np.ndarray) -> float:
        return float(np.abs(values[:, 0]).mean()) if self.tolerance.is_relative and len(values) else 1.0


def _sure(values: np.ndarray) -> Interval:
    """The mean with its t-interval; without bounds where lineages are too few for a budget to have any."""
    found = interval(values)
    return found if found.n >= FEWEST else replace(found, low=math.nan, high=math.nan)


def _ratio(some: np.ndarray, whole: np.ndarray) -> Interval:
    """The ratio of two means over lineages, with Fieller's interval; without bounds where that has none."""
    n = len(some)
    if n < FEWEST:
        return Interval(float(some.mean() / whole.mean()) if n else math.nan, math.nan, math.nan, n)
    size = whole.max()  # squares of tiny and of huge values are none
    mean = np.array([some.mean(), whole.mean()]) / size
    (a, b), (_, c) = np.outer(mean, mean) - critical(n) ** 2 / n * np.cov(some / size, whole / size)
    room = b * b - a * c
    middle, reach = (b / c, math.sqrt(max(room, 0.0)) / c) if c > 0 else (math.nan, math.nan)
    return Interval(float(mean[0] / mean[1]), middle - reach, middle + reach, n)


def _earlier(records: Sequence[Record], found: Sequence[Group]) -> str:
    """The way out where a run is not done: the last generation that all arms have which have any."""
    if not any(UNFINISHED in reason for group in found for reason in group.left_out.values()):
        return ""
    last: dict[str, int] = {}
    for record in records:
        last[record.arm] = max(record.generation, last.get(record.arm, 0))
    references = {group.reference.name for group in found}
    judged = {name for group in found for name in group.left_out if last.get(name)} | references
    common = min((last.get(name, 0) for name in judged), default=0)
    way = "run it on with the command that began it"
    return (
        f" The run is not done: {way}" + (f", or judge an earlier one: --generation {common}" if common else "") + "."
    )


def _nothing_to_compare(arms: Sequence[ArmNotes], found: Sequence[Group]) -> str:
    if not any(arm.generations for arm in arms):
        return "this run has founders alone, which have eaten nothing synthetic; run it with generations = 1 or more."
    reasons = [f"'{arm}' {reason}" for group in found for arm, reason in group.left_out.items()]
    if reasons:
        return f"no arm can be held against the real-only one: {'; '.join(reasons)}."
    if found:
        return (
            f"no arm differs from '{found[0].reference.name}' in its loop alone and eats synthetic data; add arms such "
            'as [arms.share-25] with loop = { use = "fixed-share", synthetic = 0.25 }.'
        )
    return (
        'there is no real-only arm to hold others against; add [arms.real-only] with loop = "real-only" and run the '
        "experiment again, which computes that arm alone."
    )
