from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from autophagy.analysis.trend import holm, off_zero, slopes
from autophagy.analysis.verdict import Verdict, Word, limit, primary, verdicts
from autophagy.core.catalog import build
from autophagy.core.generation import Record

Values = Callable[[int, np.random.Generator], float]


@dataclass(frozen=True)
class Told:
    """A metric's notes, as small as they get."""

    axis: str = "diversity"
    better: dict[str, str] = field(default_factory=lambda: {"variance_match": "higher"})
    floor: dict[str, float] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)


KEPT = {"a": {"moments": Told()}}
DISTANCE = {"a": {"frechet": Told("distance", {"distance": "lower"}, {"distance": 1.0})}}


def records(value: Values, *, score: str, arm: str = "a", seeds: int = 5, generations: int = 10) -> list[Record]:
    return [
        Record(arm, s, g, "finished", "k", scores={score: value(g, np.random.default_rng((s, g)))})
        for s in range(seeds)
        for g in range(generations + 1)
    ]


def judge(value: Values, measures: dict[str, dict[str, Told]] = KEPT, **more: int) -> Verdict:
    score = "moments.variance_match" if measures is KEPT else "frechet.distance"
    return verdicts(records(value, score=score, **more), measures)[0]


def noisy(line: Callable[[int], float], sd: float = 0.01) -> Values:
    return lambda g, rng: line(g) + sd * rng.standard_normal()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (lambda g: 0.9 - 0.06 * g, "collapses"),  # two thirds of the variance gone
        (lambda g: 0.9 - 0.03 * g, "drifts"),  # a third
        (lambda g: 0.6 + 0.03 * g, "improves"),
        (lambda g: 0.9, "stable"),
    ],
)
def test_share_of_variance_by_what_is_left(line: Callable[[int], float], word: Word) -> None:
    assert judge(noisy(line)).word == word


@pytest.mark.parametrize(("slope", "word"), [(0.5, "collapses"), (0.3, "drifts"), (-0.2, "improves"), (0, "stable")])
def test_distance_by_what_the_founder_was_off(slope: float, word: Word) -> None:
    # founder 5, floor 1: the yardstick is 4, so a collapse ends above 9
    verdict = judge(noisy(lambda g: 5 + slope * g, 0.1), DISTANCE)
    assert verdict.word == word
    assert verdict.limit == pytest.approx(9, abs=0.2)


def test_limits_where_founder_and_floor_leave_no_yardstick() -> None:
    assert limit(5.0, math.nan, "lower") == 10.0
    assert limit(0.0, 0.0, "lower") == 0.0
    assert limit(-4.0, math.nan, "higher") == -6.0


def test_what_falls_and_heals_recovers_and_its_worst_generation_is_told() -> None:
    verdict = judge(noisy(lambda g: 0.9 - 0.1 * g if g <= 5 else 0.9))
    assert verdict.word == "recovers"
    assert verdict.dip.generation == 5
    assert verdict.onset.generation == 1
    assert verdict.change.low < 0 < verdict.change.high


def test_what_heals_in_part_is_still_worse() -> None:
    assert judge(noisy(lambda g: 0.9 - 0.1 * g if g <= 5 else 0.7)).word == "drifts"


def test_what_falls_at_once_and_stays_is_found_without_a_trend() -> None:
    verdict = judge(noisy(lambda g: 0.9 if g == 0 else 0.85), generations=80)
    assert (verdict.word, verdict.onset.generation) == ("drifts", 1)
    assert verdict.dip_holm < 0.001 < verdict.p_holm


def test_a_better_middle_is_no_damage() -> None:
    assert judge(noisy(lambda g: 0.8 if 3 <= g <= 6 else 0.6)).word == "stable"


def test_damage_that_begins_late_is_dated_late() -> None:
    verdict = judge(noisy(lambda g: 0.9 - 0.05 * max(g - 6, 0), 0.005))
    assert verdict.onset.generation == 7
    assert verdict.onset.intact == 6
    assert verdict.onset.spared == pytest.approx(0.045, abs=0.001)


def test_a_stable_arm_has_no_change_point_and_says_how_long_it_was_intact() -> None:
    verdict = judge(noisy(lambda g: 0.9))
    assert math.isnan(verdict.onset.generation)
    assert verdict.onset.intact == 10


def test_the_smallest_visible_change_is_that_of_the_paired_changes() -> None:
    verdict = judge(noisy(lambda g: 0.9))
    half = (verdict.change.high - verdict.change.low) / 2
    assert verdict.detectable.n == 5
    assert 1.3 < verdict.detectable.effect / half < 1.4  # at n = 5, 1.68 σ is seen and 1.24 σ is half an interval
    assert verdict.detectable.relative == pytest.approx(verdict.detectable.effect / verdict.founder)


def test_two_lineages_are_too_few() -> None:
    verdict = judge(noisy(lambda g: 0.9 - 0.06 * g), seeds=2)
    assert verdict.word == "too few lineages"
    assert math.isnan(verdict.p)


def test_a_change_that_could_be_a_collapse_is_not_called_stable() -> None:
    found = records(noisy(lambda g: 1.0), score="moments.variance_match", seeds=3, generations=9)
    last = zip(range(3), (0.3, 1.0, 1.7), strict=True)
    found += [Record("a", s, 10, "finished", "k", scores={"moments.variance_match": x}) for s, x in last]
    assert verdicts(found, KEPT)[0].word == "unclear"


def test_a_trend_that_only_the_correction_stops_is_not_called_stable() -> None:
    """Twenty arms, one of which drifts: alone it would count, among twenty its p is too large."""
    lone = records(noisy(lambda g: 0.9 - 0.01 * g, 0.05), score="moments.variance_match", seeds=3)
    others = [
        r
        for k in range(19)
        for r in records(noisy(lambda g: 0.9), score="moments.variance_match", arm=f"b{k}", seeds=3)
    ]
    assert verdicts(lone, KEPT)[0].word == "drifts"
    assert verdicts(lone + others, KEPT | {f"b{k}": KEPT["a"] for k in range(19)})[0].word == "unclear"


def test_most_lineages_diverged_is_said_before_anything_else() -> None:
    score = "moments.variance_match"
    found = [r for r in records(noisy(lambda g: 0.9), score=score) if r.seed > 2 or r.generation < 4]
    found += [Record("a", s, 4, "diverged", "k") for s in range(3)]
    verdict = verdicts(found, KEPT)[0]
    assert (verdict.word, verdict.n, verdict.lineages, verdict.diverged) == ("diverges", 2, 5, 3)


def test_a_diverged_lineage_is_counted_and_not_averaged() -> None:
    score = "moments.variance_match"
    found = [r for r in records(lambda g, rng: 100.0 if g else 1.0, score=score, seeds=1) if r.generation < 3]
    found.append(Record("a", 0, 3, "diverged", "k"))
    found += [r for r in records(noisy(lambda g: 0.9), score=score, seeds=5) if r.seed > 0]
    verdict = verdicts(found, KEPT)[0]
    assert (verdict.n, verdict.lineages, verdict.diverged) == (4, 5, 1)
    assert verdict.last == pytest.approx(0.9, abs=0.03)


def test_a_lineage_whose_score_turns_nan_is_counted_as_one_without_a_value() -> None:
    found = records(noisy(lambda g: 0.9), score="moments.variance_match")
    for end in ((3, 10), (1, 0)):  # one at the last generation, one at the founder
        i = next(i for i, r in enumerate(found) if (r.seed, r.generation) == end)
        found[i] = replace(found[i], scores={"moments.variance_match": math.nan})
    found = [r for r in found if r.seed or r.generation < 4] + [Record("a", 0, 4, "diverged", "k")]
    verdict = verdicts(found, KEPT)[0]
    assert (verdict.n, verdict.lineages, verdict.diverged, verdict.without_value) == (2, 5, 1, 2)


def test_an_exploding_variance_does_not_improve() -> None:
    growth = records(noisy(lambda g: 1 / (1 + 0.5 * g)), score="moments.variance_match")  # of a ratio 1 + g/2
    growth = [replace(r, scores={**r.scores, "moments.variance_ratio": 1 + r.generation / 2}) for r in growth]
    moments = build("metric", "moments")
    found = verdicts(growth, {"a": {"moments": Told("diversity", dict(moments.better))}})
    assert [(v.score, v.word) for v in found] == [("moments.variance_match", "collapses")]


def test_the_change_is_paired_with_the_lineages_own_founder() -> None:
    offset = {s: 10.0 * s for s in range(5)}
    found = [
        Record("a", s, g, "finished", "k", scores={"moments.variance_match": offset[s] - g})
        for s in offset
        for g in (0, 1)
    ]
    change = verdicts(found, KEPT)[0].change
    assert (change.mean, change.low, change.high, change.n) == (-1.0, -1.0, -1.0, 5)


def test_a_constant_score_has_no_trend() -> None:
    assert judge(lambda g, rng: 0.1 + 0.2).p == 1.0


def test_false_alarms_over_all_arms_and_scores_are_no_more_frequent_than_the_level() -> None:
    """Real-only arms: noise around a founder, correlated over arms because they share seeds."""
    rng, runs, arms, seeds = np.random.default_rng(7), 3000, 5, 4
    x, alarms = np.arange(8), 0
    for _ in range(runs):
        shared = rng.normal(size=(1, seeds, 8))
        values = 0.6 * shared + 0.8 * rng.normal(size=(arms, seeds, 8))
        p = np.array([off_zero(slopes(v, x)) for v in values])
        alarms += bool((holm(p) <= 0.05).any())
    assert alarms <= 0.05 * runs + 4 * (0.05 * 0.95 * runs) ** 0.5


def test_random_walks_raise_no_more_false_alarms_than_the_level() -> None:
    """A lineage without drift is still a random walk; a test over generations would call most of these trends."""
    rng, runs = np.random.default_rng(8), 4000
    walks = rng.normal(size=(runs, 5, 12)).cumsum(2)
    alarms = sum(off_zero(slopes(walk, np.arange(12))) <= 0.05 for walk in walks)
    assert abs(alarms - 0.05 * runs) / (0.05 * 0.95 * runs) ** 0.5 < 4


def test_a_declared_value_that_no_arm_has_is_not_primary() -> None:
    """The default Wasserstein declares three distances and measures the sliced one."""
    measures = {"a": {"wasserstein": Told("distance", {"w2": "lower", "sliced_w2": "lower"})}}
    (found,) = verdicts(records(noisy(lambda g: 1 + 0.3 * g), score="wasserstein.sliced_w2"), measures)
    assert (found.score, found.is_primary, found.word) == ("wasserstein.sliced_w2", True, "collapses")


def test_every_axis_has_one_primary_score() -> None:
    measures = {
        "a": {
            "frechet[lenet]@other": Told("distance", {"distance": "lower"}),
            "frechet[lenet]": Told("distance", {"distance": "lower", "debiased": "lower"}),
            "precision-recall[lenet]": Told(
                "quality", {"precision": "higher", "recall": "higher"}, axes={"recall": "diversity"}
            ),
            "moments": Told("diversity", {"variance_match": "higher"}),
        }
    }
    names = {f"{label}.{value}" for label, told in measures["a"].items() for value in told.better}
    assert primary(measures, names) == {
        "distance": "frechet[lenet].distance",
        "diversity": "precision-recall[lenet].recall",
        "quality": "precision-recall[lenet].precision",
    }


def test_scores_without_a_direction_are_not_judged() -> None:
    found = records(noisy(lambda g: g), score="moments.se")
    assert verdicts(found, KEPT) == []


def test_what_rounding_makes_of_equal_scores_is_no_damage() -> None:
    verdict = judge(lambda g, rng: 0.9 - (2**-52 if g else 0))
    assert (verdict.word, verdict.dip_holm) == ("stable", 1)
    assert judge(lambda g, rng: 0.9 - 1e-12 * g * (1 + 0.1 * rng.standard_normal())).word == "stable"


def test_scores_whose_squares_are_no_numbers_are_no_values() -> None:
    verdict = judge(lambda g, rng: 1e300 * (1 + g))
    assert (verdict.word, verdict.n, verdict.without_value) == ("no value", 0, 5)


def test_of_an_axis_a_score_with_values_is_the_primary_one() -> None:
    measures = {"a": {"frechet": Told("distance", {"distance": "lower"}), "m": Told("distance", {"loss": "lower"})}}
    scores = {"frechet.distance": math.inf, "m.loss": 1.0}
    found = [Record("a", s, g, "finished", "k", scores=scores) for s in range(3) for g in range(3)]
    assert [v.score for v in verdicts(found, measures) if v.is_primary] == ["m.loss"]
