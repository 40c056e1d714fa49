import math

import pytest

from autophagy.analysis import words
from autophagy.analysis.detectable import Detectable
from autophagy.analysis.trajectories import Interval, Kind


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.0, "0"), (0.41234, "0.412"), (-1234.5, "−1,234"), (2e-5, "2.0 × 10⁻⁵"), (3e7, "3.0 × 10⁷"), (math.nan, "–")],
)
def test_numbers_have_three_digits(x: float, text: str) -> None:
    assert words.number(x) == text


@pytest.mark.parametrize(
    ("mean", "low", "high", "text"),
    [
        (0.80123, 0.796, 0.80646, "0.801 [0.796, 0.806]"),
        (1.4e6, 1.35e6, 1.44e6, "1.40 [1.35, 1.44] × 10⁶"),
        (-3.4e-5, -0.0066, 0.0065, "0.000 [−0.007, 0.006]"),
        (0.5, -6.0, 7.0, "0.5 [−6.0, 7.0]"),
        (-0.025, -0.4, 0.4, "−0.03 [−0.40, 0.40]"),
        (2.5, 2.5, 2.5, "2.5 [2.5, 2.5]"),
        (2.5, math.nan, math.nan, "2.5"),
        (-0.6, -1.1, math.inf, "−0.6 [−1.1, ∞]"),
        (-0.4, -math.inf, 0.1, "−0.4 [−∞, 0.1]"),
        (1.0, -math.inf, math.inf, "1 [−∞, ∞]"),
    ],
)
def test_an_interval_decides_how_many_decimals_its_mean_has(mean: float, low: float, high: float, text: str) -> None:
    assert words.spread(Interval(mean, low, high, 3)) == text


@pytest.mark.parametrize(("x", "text"), [(20_000, "20k"), (1.5e6, "1.5M"), (1e-4, "10⁻⁴"), (-0.25, "−0.25")])
def test_ticks_are_short(x: float, text: str) -> None:
    assert words.short(x) == text


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.4343, "43.4 % of"), (0.0004, "< 0.1 % of"), (1.5, "150 % of"), (10.8, "10.8 times"), (2e7, "2.0 × 10⁷ times")],
)
def test_a_ratio_is_a_share_or_a_multiple(x: float, text: str) -> None:
    assert words.times(x) == text


def test_a_large_share_has_no_power_of_ten() -> None:
    assert words.share(10.8) == "1,080 %"


def test_a_part_is_told_with_its_settings() -> None:
    recipe = {"use": "frechet", "version": 2, "encoder": {"use": "lenet"}, "blocks": 10, "on": True, "floor": None}
    assert words.setting(recipe) == "frechet (encoder = lenet, blocks = 10, on = yes, floor = –)"


@pytest.mark.parametrize(
    ("sizes", "kind", "text"),
    [
        ({5}, "t", "mean of 5 lineages, 95 % t-interval over lineages"),
        ({4, 5}, "bootstrap", "mean of 4–5 lineages, 95 % bootstrap interval over lineages"),
        ({1}, "samples", "95 % interval over the samples of one lineage"),
        ({1}, "t", "one lineage, no interval"),
        ({0}, "t", "no lineage with a value"),
    ],
)
def test_a_number_says_what_it_is_over(sizes: set[int], kind: Kind, text: str) -> None:
    assert words.mean_of(sizes, kind) == text


def test_the_smallest_visible_change_has_two_digits_and_the_seeds_for_a_twentieth() -> None:
    seen = Detectable(0.08127, 0.05, 0.2, 0.0903, 0.0483, 5)
    assert words.visible(seen) == "0.081 (9 %)"
    assert words.wanted(seen) == "12 seeds for 5 %"
    assert words.wanted(Detectable(0.01, 0.0, 0.0, 0.01, 0.01, 5)) == ""


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (0.988, 0.99, "0.988 → 0.990"), (0.571, 0.4, "0.571 → 0.400"), (61.2, 60, "61.2 → 60.0"),
        (61.2, 104.3, "61.2 → 104"), (61.2, 99.97, "61.2 → 100"), (-1.25, 2, "−1.25 → 2.00"),
        (10, 8, "10 → 8"), (2.5, 0, "2.50 → 0"), (1e-5, 0.2, "1.0 × 10⁻⁵ → 0.200"),
        (float("nan"), 0.5, "– → 0.500"), (10, 1e7, "10.0 → 1.0 × 10⁷"),
    ],
)  # fmt: skip
def test_both_ends_of_a_change_are_told_to_three_digits(first: float, last: float, text: str) -> None:
    assert words.change(first, last) == text


def test_names_with_commas_are_quoted_in_sentences() -> None:
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "a, λ = 0.5"]) == "'a' and 'a, λ = 0.5'"
    assert words.listed(["a, λ = 0.5"]) == "a, λ = 0.5"
    assert words.listed([]) == "none"
