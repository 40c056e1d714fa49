import math

import numpy as np
import pytest

from autophagy.analysis.damage import checkpoints, dip, onset
from autophagy.analysis.trajectories import interval

GENERATIONS = np.arange(11)


def losses(mean: np.ndarray, *, n: int = 6, sd: float = 0.1, seed: int = 0) -> np.ndarray:
    """`(n, g)` paired losses: every generation is measured with noise, the founder too."""
    values = mean + sd * np.random.default_rng(seed).normal(size=(n, len(mean)))
    return values - values[:, :1]


def test_checkpoints_are_few_and_hold_the_last_generation() -> None:
    assert checkpoints(6).tolist() == [1, 2, 3, 4, 5]
    assert checkpoints(2).tolist() == [1]
    assert checkpoints(2001)[-1] == 2000
    assert len(checkpoints(2001)) == 8


def test_what_falls_and_heals_has_a_dip_and_has_healed() -> None:
    hump = np.where(GENERATIONS <= 5, GENERATIONS / 5, 0.0)
    found = dip(losses(hump), GENERATIONS, 0.0)
    assert found.generation in (4, 5)
    assert found.p < 1e-3
    assert found.has_healed
    assert found.loss.mean == pytest.approx(hump[int(found.generation)], abs=0.15)


def test_what_falls_and_stays_has_not_healed() -> None:
    found = dip(losses((GENERATIONS > 0) * 1.0), GENERATIONS, 0.0)
    assert found.p < 1e-3
    assert not found.has_healed


def test_an_improvement_is_no_dip() -> None:
    assert dip(losses(-GENERATIONS / 10), GENERATIONS, 0.0).p == 1


def test_two_lineages_have_no_dip() -> None:
    found = dip(losses(GENERATIONS / 10, n=2), GENERATIONS, 0.0)
    assert math.isnan(found.p)
    assert not found.has_healed


def test_false_dips_are_no_more_frequent_than_the_level() -> None:
    runs = 4000
    alarms = sum(dip(losses(np.zeros(11), n=4, seed=s), GENERATIONS, 0.0).p <= 0.05 for s in range(runs))
    assert alarms <= 0.05 * runs + 4 * (0.05 * 0.95 * runs) ** 0.5


def test_the_change_point_ends_an_unbroken_walk_back_from_the_evidence() -> None:
    steps = np.array([0, 1.0, 0, 0, 1, 1, 1, 1])
    found = onset(losses(steps, sd=0.01), np.arange(8), [7], 0.1)
    assert found.generation == 4  # the loss at 1 is another one
    assert onset(losses(steps, sd=0.01), np.arange(8), [7, 1], 0.1).generation == 1
    assert math.isnan(onset(losses(steps, sd=0.01), np.arange(8), [], 0.1).generation)


def test_a_generation_that_cannot_be_judged_ends_the_walk() -> None:
    gap = losses((GENERATIONS > 2) * 1.0, sd=0.01)
    gap[1:, 6] = np.nan
    assert onset(gap, GENERATIONS, [10], 0.1).generation == 7


def test_damage_has_begun_by_the_change_point_and_not_until_the_last_intact_generation() -> None:
    """A ramp that leaves 0 at generation 6 and has lost `spared` at 7; both claims fail at most once in forty."""
    runs, early, late = 3000, 0, 0
    ramp = np.clip(GENERATIONS - 5, 0, None) * 0.2
    for seed in range(runs):
        found = onset(losses(ramp, n=5, seed=seed), GENERATIONS, [10], 0.4)
        early += found.generation < 6
        late += found.intact >= 7
    assert max(early, late) <= 0.025 * runs + 4 * (0.025 * 0.975 * runs) ** 0.5
    assert early > 0  # a bound that never fails would say too little
    assert late > 0


def test_intact_ends_before_the_first_generation_that_may_have_lost_what_is_spared() -> None:
    found = losses(np.where(GENERATIONS < 4, 0, 1.0), sd=0.01)
    assert onset(found, GENERATIONS, [10], 0.2).intact == 3
    assert onset(losses(np.zeros(11), sd=0.01), GENERATIONS, [], 0.2).intact == 10
    assert math.isnan(onset(found[:1], GENERATIONS, [], 0.2).intact)
    assert interval(found[:, 3]).high < 0.2 < interval(found[:, 4]).high
