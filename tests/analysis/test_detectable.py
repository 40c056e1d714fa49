import math

import numpy as np
import pytest
from scipy import stats

from autophagy.analysis.detectable import chance, detectable, seeds_needed, smallest


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
def test_the_smallest_effect_is_seen_four_times_in_five(n: int) -> None:
    """With the true spread, by simulated experiments and their t-tests."""
    runs, rng = 20_000, np.random.default_rng(n)
    values = rng.normal(smallest(0.7, n), 0.7, (n, runs))
    seen = (stats.ttest_1samp(values, 0).pvalue <= 0.05).mean()
    assert abs(seen - 0.8) < 4 * math.sqrt(0.8 * 0.2 / runs)


def test_the_chance_is_the_noncentral_ts() -> None:
    far = stats.t.ppf(0.975, 6)
    assert chance(1.1, 2.0, 7) == pytest.approx(stats.nct.sf(far, 6, 1.1 * math.sqrt(7) / 2))
    assert chance(0.3, 0.0, 7) == 1


def test_a_stricter_level_needs_more() -> None:
    assert smallest(1, 5, level=0.01) > smallest(1, 5) > smallest(1, 5, power=0.5)


@pytest.mark.parametrize("effect", [3.5, 1.0, 0.2, 0.03])
def test_so_many_seeds_and_not_one_fewer(effect: float) -> None:
    n = int(seeds_needed(effect, 1.0))
    assert smallest(1, n) <= effect < smallest(1, n - 1)


def test_what_cannot_be_seen_needs_seeds_without_end() -> None:
    assert seeds_needed(0, 1) == math.inf
    assert seeds_needed(1e-6, 1) == math.inf
    assert math.isnan(seeds_needed(math.nan, 1))


def test_its_interval_is_that_of_the_spread() -> None:
    """The true smallest effect lies between low and high 95 times in 100."""
    rng, runs, truth = np.random.default_rng(1), 3000, smallest(0.4, 4)
    found = [detectable(rng.normal(0, 0.4, 4), 1.0) for _ in range(runs)]
    held = sum(d.low <= truth <= d.high for d in found)
    assert abs(held - 0.95 * runs) < 4 * math.sqrt(0.95 * 0.05 * runs)


def test_it_is_told_in_units_and_as_a_share() -> None:
    found = detectable(np.array([1.0, 2.0, 3.0, np.nan]), -10.0)
    assert found.n == 3
    assert found.effect == pytest.approx(smallest(1, 3))
    assert found.relative == pytest.approx(found.effect / 10)
    assert found.seeds_for(found.relative) == 3
    assert math.isnan(detectable(np.array([1.0, 2.0]), 0.0).relative)


def test_one_lineage_shows_nothing() -> None:
    found = detectable(np.array([1.0]), 2.0)
    assert found.n == 1
    assert math.isnan(found.effect)
    assert math.isnan(found.seeds_for(0.1))
