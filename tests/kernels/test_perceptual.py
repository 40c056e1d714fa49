"""Kernel `perceptual`: the embedding is the formula, and the mean over pairs needs no pairs."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from autophagy.kernels.perceptual import Diversity, diversity, embedded


def plain_lpips(a, b, weights):
    """Zhang et al. 2018, equation 1, in float64; maps (h, w, channels) by layer."""
    total = 0.0
    for x, y, weight in zip(a, b, weights, strict=True):
        unit = [m / (np.sqrt((m.astype(np.float64) ** 2).sum(-1, keepdims=True)) + 1e-10) for m in (x, y)]
        total += ((unit[0] - unit[1]) ** 2 @ weight.astype(np.float64)).mean()
    return total


def cut(rows, size):
    return lambda: (rows[start : start + size] for start in range(0, len(rows), size))


@pytest.fixture
def rows():
    return np.random.default_rng(0).gamma(1.0, size=(41, 12)).astype(np.float32)


def test_squared_distances_of_the_embedding_are_lpips():
    rng = np.random.default_rng(1)
    maps = [np.maximum(rng.standard_normal((6, *shape)), 0).astype(np.float32) for shape in ((5, 4, 8), (2, 3, 16))]
    weights = [rng.uniform(0, 1, 8).astype(np.float32), rng.uniform(0, 1, 16).astype(np.float32)]
    weights[0][:3] = 0
    rows = embedded(maps, weights)
    assert rows.shape == (6, 5 * 4 * 8 + 2 * 3 * 16)
    assert rows.dtype == np.float32
    for i, j in zip(*np.triu_indices(6, 1), strict=True):
        truth = plain_lpips([m[i] for m in maps], [m[j] for m in maps], weights)
        assert ((rows[i].astype(np.float64) - rows[j]) ** 2).sum() == pytest.approx(truth, abs=3e-7)


def test_positions_where_nothing_fires_are_zero():
    rows = embedded([np.zeros((2, 3, 3, 4), np.float32)], [np.ones(4, np.float32)])
    assert not rows.any()


def test_the_mean_is_that_of_all_pairs(rows):
    assert diversity(cut(rows, 7)).mean == pytest.approx(
        pdist(rows.astype(np.float64), "sqeuclidean").mean(), rel=1e-12
    )


def test_the_error_is_what_leaving_each_row_out_says(rows):
    n = len(rows)
    left = [pdist(np.delete(rows, i, 0).astype(np.float64), "sqeuclidean").mean() for i in range(n)]
    assert diversity(cut(rows, n)).error == pytest.approx(np.sqrt((n - 1) * np.var(left)), rel=1e-10)


def test_the_error_is_the_spread_over_fresh_sets():
    rng = np.random.default_rng(2)
    sets = [diversity(cut(rng.standard_normal((40, 5)), 40)) for _ in range(1000)]
    means, errors = np.array([(one.mean, one.error) for one in sets]).T
    assert means.mean() == pytest.approx(2 * 5, abs=4 * means.std() / np.sqrt(1000))  # E‖x − y‖² = 2 tr Σ
    assert np.sqrt((errors**2).mean()) == pytest.approx(means.std(), rel=0.1)  # 4 sd of a standard deviation from 1000


@pytest.mark.parametrize("size", [1, 7, 40, 41])
def test_blocks_change_no_bit(rows, size):
    assert diversity(cut(rows, size)) == diversity(cut(rows, 41))


def test_precise_far_from_the_origin(rows):
    near, far = rows.astype(np.float64), rows.astype(np.float64) + 2.0**20
    assert diversity(cut(far, 41)).mean == pytest.approx(diversity(cut(near, 41)).mean, rel=1e-9)


def test_copies_have_exactly_no_diversity(rows):
    assert diversity(cut(np.repeat(rows[:1], 33, axis=0), 10)) == Diversity(33, 0.0, 0.0)


def test_too_few_rows_are_nan(rows):
    for n in (0, 1):
        found = diversity(cut(rows[:n], 5))
        assert found.n == n
        assert math.isnan(found.mean)
        assert math.isnan(found.error)
    two = diversity(cut(rows[:2], 5))
    assert two.mean == pytest.approx(float(pdist(rows[:2].astype(np.float64), "sqeuclidean")[0]))
    assert math.isnan(two.error)


def test_a_number_that_is_not_finite_shows(rows):
    rows[3, 2] = np.nan
    assert math.isnan(diversity(cut(rows, 7)).mean)
