import itertools
import math

import numpy as np
import pytest

from autophagy.analysis import bootstrap
from autophagy.analysis.trajectories import intervals

RUNS = 1500
SKEWED = {  # draw, true mean
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "uniform": (lambda rng, shape: rng.uniform(size=shape), 0.5),
    "lognormal, σ = 0.5": (lambda rng, shape: rng.lognormal(0, 0.5, shape), math.exp(0.125)),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), 1.0),
    "Student t, 3 degrees": (lambda rng, shape: rng.standard_t(3, shape), 0.0),
}


def share(low: np.ndarray, high: np.ndarray, truth: np.ndarray | float) -> np.ndarray:
    return ((low <= truth) & (truth <= high)).mean(-1)


@pytest.mark.parametrize("n", [4, 5, 10])
@pytest.mark.parametrize("name", SKEWED)
def test_bounds_hold_the_truth_as_often_as_they_say(name: str, n: int) -> None:
    draw, truth = SKEWED[name]
    values = draw(np.random.default_rng(n), (n, RUNS))  # a column is an experiment
    held = share(*bootstrap.bounds(values, 0.95), truth)
    slack = 3 * math.sqrt(0.95 * 0.05 / RUNS)
    assert 0.90 - slack < held < 0.98 + slack


@pytest.mark.parametrize("n", [5, 10])
def test_bands_hold_the_expected_variance_of_a_loop_that_eats_itself(n: int) -> None:
    """E[variance] of generation g is (1 − 1/N)^(g+1); single lineages are skewed the more, the older they are."""
    rng, size, generations = np.random.default_rng(3), 60, 12
    steps = rng.chisquare(size - 1, (n, 400, generations)) / size
    truth = (1 - 1 / size) ** np.arange(1, generations + 1)
    values = steps.cumprod(2).reshape(n, -1)
    low, high = (x.reshape(400, -1).T for x in bootstrap.bounds(values, 0.95))  # (g, runs)
    held, slack = share(low, high, truth[:, None]), 3 * math.sqrt(0.95 * 0.05 / 400)
    assert held.min() > 0.90 - slack
    assert held.max() < 0.98 + slack
    assert 0.91 < held.mean() < 0.97


def test_what_the_bootstrap_is_for() -> None:
    """Five exponential lineages: t-intervals hold the mean less than nine times in ten, percentile intervals fewer."""
    values = np.random.default_rng(0).exponential(size=(5, RUNS))
    _, low, high, _ = intervals(values, "t")
    assert share(low, high, 1.0) < 0.90
    picks = np.array(list(itertools.product(range(5), repeat=5)))[::3]
    means = values[picks].mean(1)  # (b, runs)
    assert share(*np.quantile(means, (0.025, 0.975), axis=0), 1.0) < 0.82
    assert share(*bootstrap.bounds(values, 0.95), 1.0) > 0.91


def test_the_list_of_resamples_is_that_of_all_draws() -> None:
    values = np.random.default_rng(2).normal(size=(4, 1))
    draws = values[np.array(list(itertools.product(range(4), repeat=4))), 0]  # (256, 4)
    unit = draws.std(1, ddof=1) / 2
    shift = draws.mean(1) - values.mean()
    t = np.sort([b / u if u > 1e-9 else math.copysign(math.inf, b) for b, u in zip(shift, unit, strict=True)])
    low, high = bootstrap.bounds(values, 0.95)
    error = values.std(ddof=1) / 2  # of 256, the seventh from either end is the 2.5 % quantile
    np.testing.assert_allclose((low[0], high[0]), (values.mean() - t[-7] * error, values.mean() - t[6] * error))


def test_three_lineages_have_no_bootstrap_interval() -> None:
    _, low, high, n = intervals(np.arange(6.0).reshape(3, 2), "bootstrap")
    assert np.isnan([low, high]).all()
    assert n.tolist() == [3, 3]


def test_lineages_without_a_value_are_left_out_column_by_column() -> None:
    values = np.random.default_rng(5).normal(size=(6, 3))
    values[2, 1] = values[:3, 2] = np.nan
    low, high = bootstrap.bounds(values, 0.95)
    alone = bootstrap.bounds(np.delete(values[:, 1:2], 2, axis=0), 0.95)
    assert (low[1], high[1]) == (alone[0][0], alone[1][0])
    assert np.isnan([low[2], high[2]]).all()


def test_equal_lineages_have_an_interval_without_width() -> None:
    low, high = bootstrap.bounds(np.full((5, 2), 0.1), 0.95)
    np.testing.assert_allclose((low, high), 0.1)


def test_the_same_lineages_have_the_same_interval_whatever_else_is_asked() -> None:
    values = np.random.default_rng(6).normal(size=(12, 70))
    together = bootstrap.bounds(values, 0.95)
    alone = bootstrap.bounds(values[:, 69:], 0.95)
    np.testing.assert_allclose((together[0][69], together[1][69]), (alone[0][0], alone[1][0]), rtol=1e-12)
