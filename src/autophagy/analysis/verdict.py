"""What became of each arm, in one word for each score, from tests that are stated here.

The lineage is the unit, for a lineage's generations are one random walk. Two
questions are asked of every arm and score, each by t-tests over lineages:

**Trend.** Is there one? Each lineage gives the least-squares slope of its score
over generations; the slopes are held against 0, two-sided.

**Dip.** Was any generation worse than the founder? The largest of at most eight
paired losses, one-sided, corrected for having been picked (see `damage`). This
finds what falls and heals, and what falls at once and stays.

The p-values are corrected by Holm with weights over arms × primary scores × both
questions, a trend having three times the weight of a dip (primary: one score for
each axis, declared in `PRIMARY`); the other scores form a second family of their own.

**Effect.** The mean over lineages of (last generation − the same lineage's
founder), paired, with its 95 % t-interval.

**Words.** A trend counts where its corrected p is at most 0.05 and the effect's
interval leaves out 0 on the same side; a dip counts where its corrected p is.
After either for the worse, and with the effect's interval on the bad side of 0,
the arm `drifts`, or, where the mean effect passes a limit fixed beforehand, it
`collapses`. After a dip from which the end has climbed beyond noise it `recovers`.
After a trend for the better it `improves`. The limit is

* higher is better: half of what the founder had is gone;
* lower is better: the founder is exceeded by more than the yardstick, which is
  the founder's own distance from the real-against-real floor or the floor
  itself, whichever is larger (the founder's value where there is no floor):
  the loop has cost as much again as the model. Where both are 0, any rise passes.

Else an arm is `unclear` if the effect's interval passes the limit, if trend and
effect would count but for the correction over arms and scores, or so would the
dip; else it is `stable`. Fewer than three lineages say nothing (`too few
lineages`). Where more than half of the lineages diverged the arm `diverges`;
where fewer did, the word is about the others and `diverged` says how many.
Lineages that did not diverge, but whose score has no finite value at one of the
two ends are left out as well, and `without_value` says how many; if these are all, there is `no value`.

**Change point and smallest effect** go with every verdict: see `damage` and `detectable`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from autophagy.core.generation import Record

from .damage import Dip, Onset, dip, onset
from .detectable import Detectable, detectable
from .lineages import Lineages, axis_of, by_arm, split, unlabelled
from .trajectories import Interval, interval
from .trend import LEVEL, apart, grain, holm, off_zero, slope_grain, slopes

Word = Literal[
    "diverges", "collapses", "drifts", "unclear", "too few lineages", "recovers", "stable", "improves", "no value"
]  # fmt: skip

LOST = 0.5  # of the founder's value, where higher is better
EXCEEDED = 1.0  # yardsticks above the founder, where lower is better
SPARED = 0.1  # of what may be lost before it is a collapse: a loss below it is not looked for
TREND, DIP = 0.75, 0.25  # weights of the two questions
PRIMARY = (  # of each axis, the first of these that an experiment measures; else the first by name
    "frechet.distance",
    "wasserstein.w2",
    "wasserstein.sliced_w2",
    "precision-recall.precision",
    "density-coverage.density",
    "modes.covered",
    "precision-recall.recall",
    "density-coverage.coverage",
    "moments.variance_match",
    "symbols.gini_match",
)


class Measure(Protocol):
    """What must be known of a metric; `archive.run_folder.Measure` is one."""

    @property
    def axis(self) -> str: ...
    @property
    def axes(self) -> Mapping[str, str]: ...
    @property
    def better(self) -> Mapping[str, str]: ...
    @property
    def floor(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Verdict:
    """One arm and score.

    Attributes:
        generation: the last one; `founder` and `last` are means over the same n lineages.
        change: last − founder, paired by lineage.
        slope: per generation.
        p, p_holm: of the trend; NaN where there is no test.
        dip, dip_holm: the worst checkpoint, and its corrected p.
        limit: the value of the last generation beyond which a significant loss is a collapse.
        onset: where damage was found, when it began.
        detectable: the smallest change of the last generation that n lineages would show.
        n, lineages, diverged, without_value: lineages in the test, in all, diverged, and without a finite score
            at the first or last generation; n + diverged + without_value = lineages.
    """

    arm: str
    score: str
    axis: str
    better: str
    is_primary: bool
    word: Word
    generation: int
    founder: float
    last: float
    change: Interval
    slope: Interval
    p: float
    p_holm: float
    dip: Dip
    dip_holm: float
    limit: float
    onset: Onset
    detectable: Detectable
    n: int
    lineages: int
    diverged: int
    without_value: int

    @property
    def p_word(self) -> float:
        """The smaller of the two corrected p-values."""
        return float(np.fmin(self.p_holm, self.dip_holm))


@dataclass(frozen=True)
class _Case:
    """A verdict without its corrected p-values, and what is needed to go on from there."""

    verdict: Verdict
    losses: np.ndarray  # (n, g), paired with the founder
    generations: np.ndarray  # (g,)


def verdicts(records: Iterable[Record], measures: Mapping[str, Mapping[str, Measure]]) -> list[Verdict]:
    """Judges every arm and score that has a declared direction, primary scores first; founders alone are not judged."""
    return judge([arm for arm in by_arm(records).values() if not arm.is_founder], measures)


def judge(arms: Collection[Lineages], measures: Mapping[str, Mapping[str, Measure]]) -> list[Verdict]:
    """The same from arms whose scores are arrays already."""
    chosen = set(primary_of(arms, measures).values())
    found = [
        _case(lineages, score, measures[lineages.arm][split(score)[0]], score in chosen)
        for lineages in arms
        for score in lineages.scores
        if split(score)[1] in getattr(measures.get(lineages.arm, {}).get(split(score)[0]), "better", {})
    ]
    families = [[c for c in found if c.verdict.is_primary is first] for first in (True, False)]
    return [verdict for family in families for verdict in _judged(family)]


def primary_of(arms: Collection[Lineages], measures: Mapping[str, Mapping[str, Measure]]) -> dict[str, str]:
    """The primary scores of these arms: of each axis one that some lineage has finite at both its ends, if any has."""
    measured = {score for lineages in arms for score in lineages.scores}
    finite = {
        score for lineages in arms for score, x in lineages.scores.items() if np.isfinite(x[:, [0, -1]]).all(1).any()
    }
    return primary(measures, measured) | primary(measures, finite)


def primary(measures: Mapping[str, Mapping[str, Measure]], measured: Collection[str]) -> dict[str, str]:
    """The one score of each axis that its verdict is about, of those `measured`: a metric may declare more."""
    candidates: dict[str, set[str]] = {}
    for of_arm in measures.values():
        for label, measure in of_arm.items():
            for score in (f"{label}.{value}" for value in measure.better):
                if score in measured:
                    candidates.setdefault(axis_of(measure, score), set()).add(score)
    return {axis: min(scores, key=_rank) for axis, scores in sorted(candidates.items())}


def limit(founder: float, floor: float, better: str) -> float:
    """The value beyond which a significant loss is a collapse; `floor` is NaN where there is none."""
    if better == "higher":
        return founder - LOST * abs(founder)
    yardstick = abs(founder) if not np.isfinite(floor) else max(abs(founder - floor), abs(floor))
    return founder + EXCEEDED * yardstick


def _case(lineages: Lineages, score: str, measure: Measure, is_primary: bool) -> _Case:
    value = split(score)[1]
    all_scores, generations = lineages.scores[score], lineages.generations  # (s, g), (g,)
    has_diverged = np.isfinite(lineages.diverged_at)  # (s,)
    has_ends = np.isfinite(all_scores[:, [0, -1]]).all(1)  # (s,)
    chosen = all_scores[has_ends & ~has_diverged]  # (n, g)
    tilt, changes = slopes(chosen, generations), apart(chosen, chosen[:, :1])
    losses = changes * (-1 if measure.better[value] == "higher" else 1)
    founder, last = (float(chosen[:, i].mean()) if len(chosen) else float("nan") for i in (0, -1))
    verdict = Verdict(
        arm=lineages.arm,
        score=score,
        axis=axis_of(measure, score),
        better=measure.better[value],
        is_primary=is_primary,
        word="stable",
        generation=int(generations[-1]),
        founder=founder,
        last=last,
        change=interval(changes[:, -1]),
        slope=interval(tilt),
        p=off_zero(tilt, slope_grain(chosen, generations)) if chosen.shape[1] > 1 else float("nan"),
        p_holm=float("nan"),
        dip=dip(losses, generations, grain(chosen)),
        dip_holm=float("nan"),
        limit=limit(founder, measure.floor.get(value, float("nan")), measure.better[value]),
        onset=Onset(),
        detectable=detectable(changes[:, -1], founder),
        n=len(chosen),
        lineages=len(lineages.seeds),
        diverged=int(has_diverged.sum()),
        without_value=int((~has_ends & ~has_diverged).sum()),
    )
    return _Case(verdict, losses, generations)


def _judged(family: list[_Case]) -> list[Verdict]:
    """Verdicts with p-values that are corrected over the family."""
    p = np.array([[c.verdict.p, c.verdict.dip.p] for c in family]).reshape(-1)  # (2 m,)
    corrected = holm(p, np.tile([TREND, DIP], len(family))).reshape(-1, 2)
    found = []
    for case, (trend, low) in zip(family, corrected.tolist(), strict=True):
        verdict = replace(case.verdict, p_holm=trend, dip_holm=low)
        spared = SPARED * abs(verdict.limit - verdict.founder)
        begun = onset(case.losses, case.generations, _evidence(verdict), spared)
        found.append(replace(verdict, word=_word(verdict), onset=begun))
    return found


def _evidence(v: Verdict) -> list[float]:
    """The generations at which damage has been found."""
    at_end = [float(v.generation)] if _is_lost(v) else []
    return at_end + ([v.dip.generation] if v.dip_holm <= LEVEL else [])


def _word(v: Verdict) -> Word:
    if 2 * v.diverged > v.lineages:
        return "diverges"
    if not np.isfinite(v.p_word):
        return "too few lineages" if v.n or not v.without_value else "no value"
    room = abs(v.limit - v.founder)  # how much may be lost before it is a collapse
    if _is_lost(v):
        return "collapses" if _loss(v.change.mean, v) > room else "drifts"
    if v.dip_holm <= LEVEL and v.dip.has_healed:
        return "recovers"
    if v.p_holm <= LEVEL and _loss(v.slope.mean, v) < 0 and _agree(v):
        return "improves"
    worst = max(_loss(v.change.low, v), _loss(v.change.high, v))
    is_near = (v.p <= LEVEL and _agree(v)) or v.dip.p <= LEVEL
    return "unclear" if worst > room or is_near else "stable"


def _is_lost(v: Verdict) -> bool:
    """Whether either question has found damage, and it is there at the end."""
    is_found = v.dip_holm <= LEVEL or (v.p_holm <= LEVEL and _loss(v.slope.mean, v) > 0)
    return is_found and min(_loss(v.change.low, v), _loss(v.change.high, v)) > 0


def _agree(v: Verdict) -> bool:
    """Whether the change's interval leaves out 0 on the side of the slope."""
    return v.slope.mean * v.change.low > 0 and v.slope.mean * v.change.high > 0


def _loss(x: float, v: Verdict) -> float:
    return -x if v.better == "higher" else x


def _rank(score: str) -> tuple[bool, int, str]:
    """Samples before probes, then as `PRIMARY` says, then by name."""
    plain = unlabelled(score)
    return "@" in split(score)[0], PRIMARY.index(plain) if plain in PRIMARY else len(PRIMARY), score
