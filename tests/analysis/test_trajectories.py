import math

import numpy as np
from scipy import stats

from autophagy.analysis.lineages import by_arm
from autophagy.analysis.trajectories import curve, interval
from autophagy.core.generation import Record


def test_interval_is_scipys_t_interval() -> None:
    values = np.random.default_rng(0).normal(size=7)
    found = interval(values)
    low, high = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    np.testing.assert_allclose((found.mean, found.low, found.high), (values.mean(), low, high))
    assert found.n == 7


def test_one_lineage_has_a_mean_and_no_interval() -> None:
    found = interval(np.array([3.0]))
    assert (found.mean, found.n) == (3.0, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_no_lineage_has_no_mean() -> None:
    found = interval(np.array([math.nan]))
    assert math.isnan(found.mean)
    assert found.n == 0


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng, runs = np.random.default_rng(1), 4000
    found = [interval(rng.normal(size=4)) for _ in range(runs)]
    held = sum(i.low <= 0 <= i.high for i in found)
    assert abs(held - 0.95 * runs) / (0.95 * 0.05 * runs) ** 0.5 < 4


def test_a_curve_leaves_diverged_lineages_out_and_says_so() -> None:
    records = [Record("a", s, g, "finished", "k", scores={"m.x": float(s)}) for s in range(3) for g in range(3)]
    records = [r for r in records if (r.seed, r.generation) != (2, 2)] + [Record("a", 2, 2, "diverged", "k")]
    found = curve(by_arm(records)["a"], "m.x")
    assert found.n.tolist() == [3, 3, 2]
    assert found.mean.tolist() == [1.0, 1.0, 0.5]
    assert found.diverged.tolist() == [0, 0, 1]
    assert found.at(2).n == 2
