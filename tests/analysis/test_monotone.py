"""Crossings: right where the answer is known, open where it is not known, and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from autophagy.analysis.monotone import band, crossing, curves

PLACES = np.array([0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])


def test_a_straight_line_without_noise_is_crossed_exactly() -> None:
    found = crossing(np.tile(PLACES - 0.33, (4, 1)), PLACES)
    assert (found.at, found.low, found.high) == pytest.approx((0.33, 0.33, 0.33))
    assert found.n == 4


def test_between_places_a_little_is_left_open_even_without_noise() -> None:
    for truth in (0.3, 0.4, 0.6):
        found = crossing(np.tile(spoilt(PLACES) - spoilt(np.array(truth)), (5, 1)), PLACES)
        assert found.at == pytest.approx(truth, abs=0.005)
        assert 0.001 < found.high - found.low < 0.02


def test_a_curve_is_followed_between_its_places() -> None:
    places = np.log([100, 200, 400, 800])
    assert np.exp(crossing(np.tile(-1 / np.exp(places) + 1 / 290, (3, 1)), places).at) == pytest.approx(290, rel=0.01)


def test_a_curve_that_never_gets_there_or_is_there_at_once_is_open() -> None:
    below = crossing(np.tile(PLACES - 2, (3, 1)), PLACES)
    above = crossing(np.tile(PLACES + 2, (3, 1)), PLACES)
    assert (below.at, below.low, below.high) == (np.inf, np.inf, np.inf)
    assert (above.at, above.low, above.high) == (-np.inf, -np.inf, -np.inf)


def test_noise_at_an_end_opens_the_interval_there() -> None:
    rng = np.random.default_rng(0)
    found = crossing(PLACES - 0.9 + rng.normal(0, 0.3, (5, 8)), PLACES)
    assert np.isfinite(found.low)
    assert found.high == np.inf


def test_fewer_than_three_lineages_have_no_interval() -> None:
    found = crossing(np.array([PLACES - 0.3, PLACES - 0.4]), PLACES)
    assert found.at == pytest.approx(0.35, abs=0.01)
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(band(np.array([PLACES]), PLACES, PLACES)[1]).all()


@given(st.integers(3, 8), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_curves_rise_and_the_estimate_lies_in_its_interval(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = np.cumsum(rng.uniform(0.1, 1, k))
    values = rng.normal(0, 1, (n, k)) + np.linspace(-1, 1, k)
    grid = np.linspace(places[0], places[-1], 50)
    assert (np.diff(curves(values.mean(0, keepdims=True), places, grid)[0]) >= -1e-12).all()
    found = crossing(values, places)
    assert found.low <= found.at <= found.high


def test_the_order_of_lineages_does_not_matter_and_a_factor_neither() -> None:
    values = PLACES - 0.4 + np.random.default_rng(1).normal(0, 0.1, (5, 8))
    found = crossing(values, PLACES)
    for other in (values[::-1], 1e-6 * values):
        again = crossing(other, PLACES)
        assert (again.at, again.low, again.high) == pytest.approx((found.at, found.low, found.high))


def learnt(log_n: np.ndarray) -> np.ndarray:
    return -1 - 100 / np.exp(log_n)


def spoilt(share: np.ndarray) -> np.ndarray:
    return 4 * share**2


SIZES = np.log([100.0, 150, 250, 400, 600, 800, 1000])


@pytest.mark.parametrize(("lineages", "noise"), [(5, 0.01), (5, 0.05), (10, 0.03)])
@pytest.mark.parametrize(
    ("shape", "places", "truth"), [(learnt, SIZES, np.log(320)), (learnt, SIZES, np.log(600)), (spoilt, PLACES, 0.3)]
)
def test_95_percent_intervals_hold_the_truth_90_to_98_times_in_100(
    shape: type, places: np.ndarray, truth: float, noise: float, lineages: int
) -> None:
    """Lineages differ as a whole (shared by all places, as by arms) and in every value."""
    rng, replicates = np.random.default_rng(7), 300
    held = 0
    for _ in range(replicates):
        luck = rng.normal(0, 2 * noise, (lineages, 1))
        values = shape(places) * (1 + luck) + rng.normal(0, noise, (lineages, len(places)))
        reached = shape(np.array(truth)) * (1 + luck) + rng.normal(0, noise, (lineages, 1))
        found = crossing(values - reached, places)
        held += found.low <= truth <= found.high
    assert binom.ppf(1e-3, replicates, 0.90) <= held <= binom.ppf(1 - 1e-3, replicates, 0.98)


@pytest.mark.parametrize("noise", [0.002, 0.01])
def test_a_crossing_far_below_the_last_place_keeps_its_interval(noise: float) -> None:
    """A loss of 4 p passes 5 % at p = 0.0125, between places a hundredth of the way to the last one."""
    places, rounds = np.array([0, 0.005, 0.01, 0.02, 0.05, 0.25, 1.0]), 300
    rng = np.random.default_rng(0)
    found = [crossing(4 * places + rng.normal(0, noise, (10, 7)) - 0.05, places) for _ in range(rounds)]
    held = sum(each.low <= 0.0125 <= each.high for each in found)
    assert binom.ppf(1e-3, rounds, 0.92) <= held <= binom.ppf(1 - 1e-3, rounds, 0.98)
    assert min(each.high - each.low for each in found) > 0
