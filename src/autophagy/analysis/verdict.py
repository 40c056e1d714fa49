"""What became of each arm, in one word for each score, from a test that is stated here.

**Test.** A lineage's generations are one random walk, so the lineage is the
unit: each gives the least-squares slope of its score over generations, and the
slopes are held against 0 by a two-sided one-sample t-test over lineages. The
p-values are corrected by Holm over arms × primary scores (one score for each
axis, declared in `PRIMARY`); the other scores form a second family of their own.

**Effect.** The mean over lineages of (last generation − the same lineage's
founder), paired, with its 95 % t-interval.

**Words.** A trend counts where the corrected p is at most 0.05 and the
effect's interval leaves out 0 on the same side. Then an arm `improves`, or it
`drifts`, or, where the mean effect passes a limit fixed beforehand, it
`collapses`. The limit is

* higher is better: half of what the founder had is gone;
* lower is better: the founder is exceeded by more than the yardstick, which is
  the founder's own distance from the real-against-real floor or the floor
  itself, whichever is larger (the founder's value where there is no floor):
  the loop has cost as much again as the model. Where both are 0, any rise passes.

Without a trend an arm is `unclear` if the effect's interval passes the limit,
or if slope and effect would count but for the correction; else it is `stable`.
Fewer than three lineages say nothing (`too few lineages`). Where more than half
of the lineages diverged the arm `diverges`; where fewer did, the word is about
the others and `diverged` says how many. Lineages that did not diverge, but
whose score has no finite value at one of the two ends, are left out as well,
and `without_value` says how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from autophagy.core.generation import Record

from .lineages import Lineages, axis_of, bare, by_arm, split
from .trajectories import Interval, interval

Word = Literal["diverges", "collapses", "drifts", "unclear", "too few lineages", "stable", "improves"]

LEVEL = 0.05
FEWEST = 3  # lineages below which a t-test over lineages is not worth its name
LOST = 0.5  # of the founder's value, where higher is better
EXCEEDED = 1.0  # yardsticks above the founder, where lower is better
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
_ROUNDING = 1e-9  # of a score's size: a slope that moves less over the whole run is no slope


class Measure(Protocol):
    """What must be known of a metric; `archive.run_folder.Measure` is one."""

    @property
    def axis(self) -> str: ...
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
        p, p_holm: of the slope; NaN where there is no test.
        limit: the value of the last generation beyond which a significant loss is a collapse.
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
    limit: float
    n: int
    lineages: int
    diverged: int
    without_value: int


def verdicts(records: Iterable[Record], measures: Mapping[str, Mapping[str, Measure]]) -> list[Verdict]:
    """Judges every arm and score that has a declared direction, primary scores first."""
    chosen = set(primary(measures).values())
    found = [
        _untested(lineages, score, measures[arm][split(score)[0]], score in chosen)
        for arm, lineages in by_arm(records).items()
        for score in lineages.scores
        if split(score)[1] in getattr(measures.get(arm, {}).get(split(score)[0]), "better", {})
    ]
    families = [[v for v in found if v.is_primary is first] for first in (True, False)]
    return [
        _judged(replace(verdict, p_holm=float(p)))
        for family in families
        for verdict, p in zip(family, holm(np.array([v.p for v in family])), strict=True)
    ]


def primary(measures: Mapping[str, Mapping[str, Measure]]) -> dict[str, str]:
    """The one score of each axis that its verdict is about."""
    candidates: dict[str, set[str]] = {}
    for of_arm in measures.values():
        for label, measure in of_arm.items():
            for score in (f"{label}.{value}" for value in measure.better):
                candidates.setdefault(axis_of(measure.axis, score), set()).add(score)
    return {axis: min(scores, key=_rank) for axis, scores in sorted(candidates.items()) if scores}


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction (Holm 1979) of `(m,)` p-values; NaN ones are no tests and stay NaN."""
    corrected = np.full(len(p), np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return corrected


def slopes(values: np.ndarray, generations: np.ndarray) -> np.ndarray:
    """Least-squares slopes of `(s, g)` scores over `(g,)` generations, one a lineage; NaN with fewer than two."""
    is_there = np.isfinite(values)
    y = np.where(is_there, values, 0)
    n = np.where(is_there.sum(1) > 1, is_there.sum(1), np.nan)
    x = generations - (is_there * generations).sum(1, keepdims=True) / n[:, None]  # (s, g), centred
    found: np.ndarray = (x * y).sum(1) / np.where(is_there, x**2, 0).sum(1)
    moved = np.abs(found) * np.ptp(generations)
    return np.where(moved <= _ROUNDING * np.abs(y).max(initial=0), 0.0, found)


def slope_test(found: np.ndarray) -> float:
    """Two-sided p of a one-sample t-test of `(n,)` slopes against 0; NaN with fewer than `FEWEST`."""
    from scipy.special import stdtr

    n = len(found)
    if n < FEWEST:
        return float("nan")
    mean, error = found.mean(), found.std(ddof=1) / np.sqrt(n)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(n - 1, -abs(mean) / error))


def limit(founder: float, floor: float, better: str) -> float:
    """The value beyond which a significant loss is a collapse; `floor` is NaN where there is none."""
    if better == "higher":
        return founder - LOST * abs(founder)
    yardstick = abs(founder) if not np.isfinite(floor) else max(abs(founder - floor), abs(floor))
    return founder + EXCEEDED * yardstick


def _untested(lineages: Lineages, score: str, measure: Measure, is_primary: bool) -> Verdict:
    """Everything about a verdict but the word and the corrected p."""
    value = split(score)[1]
    all_scores = lineages.scores[score]  # (s, g)
    has_diverged = np.isfinite(lineages.diverged_at)  # (s,)
    has_ends = np.isfinite(all_scores[:, [0, -1]]).all(1)  # (s,)
    chosen = all_scores[has_ends & ~has_diverged]  # (n, g)
    tilt = slopes(chosen, lineages.generations)
    founder, last = (float(chosen[:, i].mean()) if len(chosen) else float("nan") for i in (0, -1))
    return Verdict(
        arm=lineages.arm,
        score=score,
        axis=axis_of(measure.axis, score),
        better=measure.better[value],
        is_primary=is_primary,
        word="stable",
        generation=int(lineages.generations[-1]),
        founder=founder,
        last=last,
        change=interval(chosen[:, -1] - chosen[:, 0]),
        slope=interval(tilt),
        p=slope_test(tilt) if chosen.shape[1] > 1 else float("nan"),
        p_holm=float("nan"),
        limit=limit(founder, measure.floor.get(value, float("nan")), measure.better[value]),
        n=len(chosen),
        lineages=len(lineages.seeds),
        diverged=int(has_diverged.sum()),
        without_value=int((~has_ends & ~has_diverged).sum()),
    )


def _judged(verdict: Verdict) -> Verdict:
    return replace(verdict, word=_word(verdict))


def _word(v: Verdict) -> Word:
    if 2 * v.diverged > v.lineages:
        return "diverges"
    if not np.isfinite(v.p_holm):
        return "too few lineages"
    bad = -1 if v.better == "higher" else 1
    room = bad * (v.limit - v.founder)  # how much may be lost before it is a collapse, ≥ 0
    agree = v.slope.mean * v.change.low > 0 and v.slope.mean * v.change.high > 0
    if v.p_holm <= LEVEL and agree:
        if bad * v.slope.mean < 0:
            return "improves"
        return "collapses" if bad * v.change.mean > room else "drifts"
    worst = max(bad * v.change.low, bad * v.change.high)
    return "unclear" if worst > room or (v.p <= LEVEL and agree) else "stable"


def _rank(score: str) -> tuple[bool, int, str]:
    """Samples before probes, then as `PRIMARY` says, then by name."""
    label, value = split(score)
    plain = f"{bare(label)}.{value}"
    return "@" in label, PRIMARY.index(plain) if plain in PRIMARY else len(PRIMARY), score
