"""Metric `symbols`: what drift takes from a vocabulary."""

import math

import numpy as np
import pytest

from autophagy.core.known import KnownDistribution


class Loaded(KnownDistribution):
    def distribution(self):
        return np.array([0.5, 0.25, 0.25, 0.0])


def test_against_the_truth_by_hand(measure):
    samples = np.array([0, 0, 0, 1])
    found = measure("symbols", samples, np.array([3]), source=Loaded())
    assert found["gini"] == pytest.approx(1 - (9 + 1) / 16)
    assert found["gini_ratio"] == pytest.approx((1 - (9 + 1) / 16) / (1 - 0.375))
    assert found["entropy"] == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert found["lost"] == 1  # 2; the source never gives 3
    assert found["total_variation"] == pytest.approx(0.25)


def test_against_the_real_data_where_the_truth_is_not_known(measure):
    samples, reference, real = np.array([7, 7, 2, 2]), np.array([2, 2, 7, 1]), np.array([4, 2])
    found = measure("symbols", samples, reference, real=real)
    assert found["lost"] == 2  # 1 and 4
    assert found["gini_ratio"] == pytest.approx(0.5 / (1 - 0.375))
    assert found["total_variation"] == pytest.approx((0.25 + 0.25) / 2)


def test_a_symbol_that_the_source_never_gives_counts_in_the_distance(measure):
    assert measure("symbols", np.array([9, 9]), np.array([0]), source=Loaded())["total_variation"] == 1.0


def test_fixation_is_the_end(measure):
    found = measure("symbols", np.array([1, 1, 1]), np.array([0, 1]))
    assert (found["gini"], found["entropy"], found["lost"]) == (0, 0, 1)


def test_one_symbol_has_no_diversity_to_keep(measure):
    assert math.isnan(measure("symbols", np.array([1, 0]), np.array([2, 2]))["gini_ratio"])


def test_no_samples_are_nan(measure):
    found = measure("symbols", np.zeros(0, np.int64), np.array([0, 1]))
    assert "gini_ratio" in found
    assert all(math.isnan(v) for v in found.values())


def test_more_diverse_than_the_truth_is_no_better_than_less(measure) -> None:
    real = np.array([0, 0, 0, 1])  # Gini 3/8
    more, less = (measure("symbols", np.array(drawn), real) for drawn in ([0, 1, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1]))
    assert more["gini_ratio"] == pytest.approx(4 / 3)
    assert more["gini_match"] == pytest.approx(3 / 4)
    assert less["gini_match"] == less["gini_ratio"] < 1
