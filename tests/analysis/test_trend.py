import math

import numpy as np
import pytest
from scipy import stats

from autophagy.analysis.trend import above_zero, grain, holm, off_zero, slope_grain, slopes


def test_slopes_are_numpys_also_with_gaps() -> None:
    rng = np.random.default_rng(0)
    values, x = rng.normal(size=(4, 9)), np.arange(9) * 3
    values[1, 3] = values[2, 8] = np.nan
    expected = [np.polyfit(x[np.isfinite(v)], v[np.isfinite(v)], 1)[0] for v in values]
    np.testing.assert_allclose(slopes(values, x), expected)


def test_a_lineage_with_one_value_has_no_slope() -> None:
    assert np.isnan(slopes(np.array([[1.0, np.nan, np.nan]]), np.arange(3))).all()


def test_the_two_sided_test_is_scipys() -> None:
    values = np.random.default_rng(3).normal(0.3, 1, 6)
    assert off_zero(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_the_one_sided_test_is_scipys_column_by_column() -> None:
    values = np.random.default_rng(4).normal(0.3, 1, (6, 5))
    expected = stats.ttest_1samp(values, 0, alternative="greater").pvalue
    np.testing.assert_allclose(above_zero(values), expected)
    values[0, 2] = np.nan
    assert above_zero(values)[2] == pytest.approx(stats.ttest_1samp(values[1:, 2], 0, alternative="greater").pvalue)
    assert np.isnan(above_zero(values[:2])).all()


def test_lineages_that_agree_to_the_last_bit_are_certain_unless_nothing_moved() -> None:
    assert above_zero(np.array([[2.0, -2.0, 0.0]] * 3)).tolist() == [0, 1, 0.5]
    assert off_zero(np.zeros(4)) == 1


def test_a_count_is_known_no_better_than_to_a_step() -> None:
    assert grain(np.array([[0.0, 3.0], [1.0, np.nan]])) == 1
    assert grain(np.array([[0.2, 0.2]])) == 0
    one_more = np.array([[0.0, 1.0]] * 3)  # in all of three lineages: by chance, now and then
    assert off_zero(slopes(one_more, np.arange(2))) == 0
    assert off_zero(slopes(one_more, np.arange(2)), slope_grain(one_more, np.arange(2))) == pytest.approx(
        0.0513, abs=1e-3
    )


def test_the_variance_of_rounding_is_that_of_rounded_slopes() -> None:
    rng, x = np.random.default_rng(1), np.arange(8)
    exact = 10 * rng.normal(size=(20_000, 8))
    gap = slopes(exact.round(), x) - slopes(exact, x)
    assert np.var(gap) == pytest.approx(slope_grain(exact.round(), x), rel=0.05)


def test_holm_as_worked_by_hand() -> None:
    found = holm(np.array([0.01, math.nan, 0.04, 0.03, 0.005]))
    np.testing.assert_allclose(found, [0.03, math.nan, 0.06, 0.06, 0.02])


def test_weighted_holm_as_worked_by_hand() -> None:
    # 0.01/3 before 0.02/1: 0.01 · (3 + 1 + 1)/3; then 0.02 · (1 + 1)/1; then 0.5
    found = holm(np.array([0.01, 0.02, 0.5]), np.array([3.0, 1.0, 1.0]))
    np.testing.assert_allclose(found, [0.05 / 3, 0.04, 0.5])
    np.testing.assert_allclose(holm(found, np.full(3, 7.0)), holm(found))


def test_weighted_holm_keeps_the_level_for_dependent_tests() -> None:
    rng, runs = np.random.default_rng(2), 20_000
    z = rng.normal(size=(runs, 6)) * 0.6 + rng.normal(size=(runs, 1)) * 0.8
    weights = np.array([3.0, 1.0] * 3)
    alarms = sum((holm(p, weights) <= 0.05).any() for p in 2 * stats.norm.sf(np.abs(z)))
    assert alarms <= 0.05 * runs + 4 * (0.05 * 0.95 * runs) ** 0.5
