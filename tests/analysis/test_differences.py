import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy import stats

from autophagy.analysis import tables
from autophagy.analysis.detectable import smallest
from autophagy.analysis.differences import differences
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Record


@dataclass(frozen=True)
class Told:
    axis: str = "distance"
    better: dict[str, str] = field(default_factory=lambda: {"x": "lower"})
    floor: dict[str, float] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    identity: dict[str, int] = field(default_factory=dict)


def records(arm: str, values: np.ndarray, *, score: str = "m.x", first_seed: int = 0) -> list[Record]:
    return [
        Record(arm, first_seed + s, g, "finished", "k", scores={score: float(x)})
        for s, row in enumerate(values)
        for g, x in enumerate(row)
        if np.isfinite(x)
    ]


def pair(n: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two arms, three generations: what a seed does to both is ten times what it does to each."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 3))
    return shared + 0.1 * rng.normal(size=(n, 3)), shared + 0.1 * rng.normal(size=(n, 3)) + 0.3


MEASURES = {arm: {"m": Told()} for arm in ("real", "a", "b")}


def test_the_difference_is_paired_and_its_test_is_scipys() -> None:
    real, other = pair()
    (found,) = differences(records("real", real) + records("a", other), MEASURES, "real")
    expected = stats.ttest_rel(other, real)
    np.testing.assert_allclose(found.curve.mean, (other - real).mean(0))
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose(found.curve.low, interval.low)
    np.testing.assert_allclose(found.curve.high, interval.high)
    assert found.p == pytest.approx(expected.pvalue[-1], rel=1e-3)
    assert found.detectable.effect == pytest.approx(smallest((other - real)[:, -1].std(ddof=1), 5))
    assert found.curve.high[-1] - found.curve.low[-1] < 0.5  # unpaired, it would be above 2


def test_only_lineages_that_both_arms_have_are_compared() -> None:
    real, other = pair(6)
    other[0, 2] = np.nan  # not run so far
    found = records("real", real) + records("a", other[:5]) + records("a", real[:2], first_seed=9)
    found = [r for r in found if (r.arm, r.seed, r.generation) != ("a", 1, 2)] + [Record("a", 1, 2, "diverged", "k")]
    (difference,) = differences(found, MEASURES, "real")
    assert difference.curve.n.tolist() == [5, 5, 3]
    assert difference.curve.diverged.tolist() == [0, 0, 1]
    np.testing.assert_allclose(difference.value[2] - difference.reference[2], difference.curve.mean[2])
    np.testing.assert_allclose(difference.curve.mean[2], (other - real)[2:5, 2].mean())


def test_p_values_are_corrected_over_arms() -> None:
    real, one = pair(seed=1)
    _, two = pair(seed=2)
    found = differences(records("real", real) + records("a", one) + records("b", two), MEASURES, "real")
    assert [d.arm for d in found] == ["a", "b"]
    assert sorted(d.p_holm / d.p for d in found) == pytest.approx([1, 2])


def test_primary_scores_come_first_and_scores_without_a_direction_have_no_p() -> None:
    real, other = pair()
    found = [
        Record(arm, s, g, "finished", "k", scores={"m.y": x, "m.x": x})
        for arm, values in (("real", real), ("a", other))
        for s, row in enumerate(values.tolist())
        for g, x in enumerate(row)
    ]
    first, second = differences(found, MEASURES, "real")
    assert (first.score, first.is_primary, first.axis) == ("m.x", True, "distance")
    assert (second.score, second.better) == ("m.y", "")
    assert math.isnan(second.p)
    np.testing.assert_allclose(second.curve.mean, first.curve.mean)


def test_differences_as_often_hold_nothing_as_they_say() -> None:
    """Arms without a difference: the last generation's interval leaves out 0 once in twenty."""
    runs = 1500
    rng, alarms = np.random.default_rng(4), 0
    for _ in range(runs):
        real, other = rng.exponential(size=(2, 4, 2))
        (found,) = differences(records("real", real) + records("a", other), MEASURES, "real")
        alarms += not found.curve.low[-1] <= 0 <= found.curve.high[-1]
    assert alarms <= 0.05 * runs + 4 * (0.05 * 0.95 * runs) ** 0.5


def test_the_bootstrap_is_the_callers_choice() -> None:
    real, other = pair()
    (found,) = differences(records("real", real) + records("a", other), MEASURES, "real", method="bootstrap")
    assert found.curve.kind == "bootstrap"
    assert (found.curve.low < found.curve.mean).all()


def test_arms_without_a_common_seed_have_no_difference() -> None:
    real, other = pair()
    (found,) = differences(records("real", real) + records("a", other, first_seed=9), MEASURES, "real")
    assert found.curve.n.tolist() == [0, 0, 0]
    assert math.isnan(found.p_holm)


def test_an_arm_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"no arm 'reel' to compare with\. Did you mean 'real'\?"):
        differences(records("real", pair()[0]), MEASURES, "reel")


def test_names_that_hold_commas_are_quoted() -> None:
    with pytest.raises(ConfigError, match=r"There are: 'real', 'real, n=100'\."):
        differences(records("real", pair()[0]) + records("real, n=100", pair()[0]), MEASURES, "nope")


def test_founders_alone_are_neither_compared_nor_counted_in_the_correction() -> None:
    real, other = pair()
    points = records("b", pair(seed=3)[0][:, :1]) + records("real, n=9", pair(seed=4)[0][:, :1])
    (found,) = differences(records("real", real) + records("a", other) + points, MEASURES, "real")
    assert found.arm == "a"
    assert found.p_holm == found.p
    assert [d.arm for d in differences(points, MEASURES, "b")] == ["real, n=9"]


def test_the_primary_score_is_one_that_an_arm_has() -> None:
    measures = {arm: {"wasserstein": Told(better={"w2": "lower", "sliced_w2": "lower"})} for arm in ("real", "a")}
    real, other = (records(a, x, score="wasserstein.sliced_w2") for a, x in zip(("real", "a"), pair(), strict=True))
    assert [d.is_primary for d in differences(real + other, measures, "real")] == [True]


def test_the_table_has_a_row_for_each_generation() -> None:
    real, other = pair()
    rows = tables.difference_rows(differences(records("real", real) + records("a", other), MEASURES, "real"))
    assert [(r.arm, r.against, r.generation, r.n, r.interval) for r in rows] == [
        ("a", "real", g, 5, "t") for g in range(3)
    ]
    text = tables.csv_text(rows, tables.DIFFERENCE_COLUMNS)
    assert text.splitlines()[0] == "arm,against,generation,score,axis,value,reference,difference,low,high,interval,n"
    frame = tables.framed(rows, tables.DIFFERENCE_COLUMNS)
    np.testing.assert_allclose(frame.value - frame.reference, frame.difference)


def test_primary_scores_are_those_that_both_arms_have() -> None:
    measures = {arm: {"m": Told(), "frechet": Told(better={"distance": "lower"})} for arm in ("real", "a")}
    real, other = pair()
    found = records("real", real) + records("a", other) + records("a", other, score="frechet.distance")
    merged = {(r.arm, r.seed, r.generation): r for r in found[: real.size]}
    for r in found[real.size :]:
        before = merged.get((r.arm, r.seed, r.generation))
        merged[r.arm, r.seed, r.generation] = replace(r, scores={**(before.scores if before else {}), **r.scores})
    (difference,) = differences(merged.values(), measures, "real")
    assert difference.score == "m.x"
    assert difference.is_primary


def test_what_rounding_makes_of_equal_scores_is_no_difference() -> None:
    found = records("real", np.full((5, 3), 0.9)) + records("a", np.full((5, 3), 0.9 - 2**-52))
    (difference,) = differences(found, MEASURES, "real")
    assert difference.p == 1
    np.testing.assert_array_equal(difference.curve.mean, 0)
