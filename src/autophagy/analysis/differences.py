"""Arms against a reference arm, lineage by lineage.

Arms share their seeds: the same real rows, the same random numbers. What a seed
does to both arms cancels in the difference of its two lineages, so differences
are taken within seeds first and averaged over seeds after; a lineage whose twin
diverged, or was never run, is in no difference.

The p-value is that of a two-sided paired t-test at the last generation that both
arms have, corrected by Holm over arms × primary scores, and over arms × all other
scores as a family of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from autophagy.core.errors import ConfigError, listed, nearest
from autophagy.core.generation import Record

from .detectable import Detectable, detectable
from .lineages import Lineages, axis_of, by_arm, of_scores, split
from .trajectories import Curve, Method, curve, intervals
from .trend import apart, grain, holm, off_zero
from .verdict import Measure, primary_of


@dataclass(frozen=True)
class Difference:
    """One score of one arm, less that of the reference arm.

    Attributes:
        better: which way is good; empty where no direction is declared.
        curve: the paired differences by generation.
        value, reference: `(g,)` means of both arms over the lineages that the difference is over.
        p, p_holm: of the last generation; NaN where there is no test or no declared direction.
        detectable: the smallest difference that so many pairs would show there.
    """

    arm: str
    against: str
    score: str
    axis: str
    better: str
    is_primary: bool
    curve: Curve
    value: np.ndarray
    reference: np.ndarray
    p: float
    p_holm: float
    detectable: Detectable


def differences(
    records: Iterable[Record], measures: Mapping[str, Mapping[str, Measure]], against: str, *, method: Method = "t"
) -> list[Difference]:
    """Every score that an arm shares with the arm `against`, primary ones first. ConfigError if there is none.

    Founders alone, the points of a learning curve, are only held against a founder alone.
    """
    arms = by_arm(records)
    if against not in arms:
        hint = f"{nearest(against, arms)} There are: {listed(arms)}."
        raise ConfigError(f"there is no arm '{against}' to compare with.{hint}")
    others = [arm for arm in arms.values() if arm.arm != against and arm.is_founder <= arms[against].is_founder]
    shared = {score for arm in others for score in arm.scores if score in arms[against].scores}
    chosen = set(primary_of([of_scores(arm, shared) for arm in (arms[against], *others)], measures).values())
    found = [
        _difference(arm, arms[against], score, measures.get(arm.arm, {}).get(split(score)[0]), method, score in chosen)
        for arm in others
        for score in arm.scores
        if score in arms[against].scores
    ]
    families = [[d for d in found if d.is_primary is first] for first in (True, False)]
    return [
        replace(difference, p_holm=float(p))
        for family in families
        for difference, p in zip(family, holm(np.array([d.p for d in family])), strict=True)
    ]


def minus(arm: Lineages, reference: Lineages) -> Lineages:
    """Differences of the scores, seeds and generations that both have."""
    seeds = tuple(s for s in arm.seeds if s in reference.seeds)
    generations = np.intersect1d(arm.generations, reference.generations)
    one, other = (_part(lineages, seeds, generations) for lineages in (arm, reference))
    return Lineages(
        arm.arm,
        seeds,
        generations,
        {name: apart(one.scores[name], other.scores[name]) for name in one.scores if name in other.scores},
        np.minimum(one.diverged_at, other.diverged_at),
        one.reached & other.reached,
    )


def _part(lineages: Lineages, seeds: tuple[int, ...], generations: np.ndarray) -> Lineages:
    rows = np.array([lineages.seeds.index(seed) for seed in seeds], int)
    columns = np.searchsorted(lineages.generations, generations)
    cut = np.ix_(rows, columns)
    return Lineages(
        lineages.arm,
        seeds,
        generations,
        {name: values[cut] for name, values in lineages.scores.items()},
        lineages.diverged_at[rows],
        lineages.reached[cut],
    )


def _difference(
    arm: Lineages, reference: Lineages, score: str, measure: Measure | None, method: Method, is_primary: bool
) -> Difference:
    both = minus(arm, reference)
    gaps = both.scores[score]  # (s, g)
    sides = [_part(side, both.seeds, both.generations).scores[score] for side in (arm, reference)]
    value, other = (intervals(np.where(np.isfinite(gaps), side, np.nan))[0] for side in sides)
    better = measure.better.get(split(score)[1], "") if measure else ""
    last = gaps[:, -1] if gaps.size else np.empty(0)  # (s,)
    return Difference(
        arm=arm.arm,
        against=reference.arm,
        score=score,
        axis=axis_of(measure, score) if measure else "",
        better=better,
        is_primary=is_primary,
        curve=curve(both, score, method=method),
        value=value,
        reference=other,
        p=off_zero(last, grain(np.stack(sides)) ** 2 / 6) if better else float("nan"),
        p_holm=float("nan"),
        detectable=detectable(last, float(other[-1]) if len(other) else float("nan")),
    )
