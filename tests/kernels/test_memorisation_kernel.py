"""C_T, authenticity and cells, against scipy, arithmetic on every pair, and answers that are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm

from autophagy.core.seeds import Seed
from autophagy.kernels.memorisation import (
    centres,
    data_copying,
    is_authentic,
    nearest_and_own,
    share_nearer,
    which_cell,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(1, 50), st.integers(0, 2**31))
def test_one_cell_is_mann_and_whitney(p, q, spread, seed):
    rng = np.random.default_rng(seed)
    held_out, samples = (rng.integers(0, spread, n).astype(float) for n in (p, q))
    found = data_copying(held_out, samples, np.zeros(p), np.zeros(q), 1)
    truth = mannwhitneyu(samples, held_out, use_continuity=False, method="asymptotic", alternative="greater")
    assert share_nearer(held_out, samples) == pytest.approx(1 - truth.statistic / (p * q), abs=1e-12)
    if len(np.unique(np.concatenate([held_out, samples]))) > 1:
        assert norm.sf(found.score) == pytest.approx(truth.pvalue, rel=1e-6)
        assert found.error == 1
    else:
        assert found.score == 0  # all alike: nothing is known


def test_cells_are_weighted_by_their_held_out_data():
    held_out, samples = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0.0, 0.5, 9, 8, 7])
    cells = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    one = data_copying(held_out[:4], samples[:2], np.zeros(4), np.zeros(2), 1).score
    other = data_copying(held_out[4:], samples[2:], np.zeros(2), np.zeros(3), 1).score
    found = data_copying(held_out, samples, *cells, 1)
    assert found.score == pytest.approx((4 * one + 2 * other) / 6)
    assert found.error == pytest.approx(np.hypot(4, 2) / 6)
    assert found.cells == 2
    assert one < 0 < other


def test_cells_with_few_samples_are_left_out():
    held_out, samples, cells = np.arange(4.0), np.arange(5.0), (np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0, 1]))
    assert data_copying(held_out, samples, *cells, 2).cells == 1
    assert data_copying(held_out, samples, *cells, 5).cells == 0
    assert np.isnan(data_copying(held_out, samples, *cells, 5).score)


def z_of(samples, seed, rng):
    train, held_out = rng.standard_normal((400, 4)), rng.standard_normal((300, 4))
    drawn = samples(train, rng)
    middles = centres(train, 5, Seed(("test", seed)))
    cells = [which_cell(rows, middles) for rows in (held_out, drawn, train)]
    near = [nearest_and_own(rows, at, train, cells[2])[1] for rows, at in zip((held_out, drawn), cells, strict=False)]
    found = data_copying(*near, *cells[:2], 10)
    return found.score / found.error


def c_t_of_its_authors(held_out, samples, train, middles, tau):
    """C_T as github.com/casey-meehan/data-copying computes it: cells by their share of samples, and half a pair more in
    every U, which moves a cell's z by half its spread's inverse."""
    cells = [which_cell(rows, middles) for rows in (held_out, samples, train)]
    z, half, weight = [], [], []
    for cell in np.unique(cells[2]):
        p, q, t = (rows[at == cell] for rows, at in zip((held_out, samples, train), cells, strict=True))
        if len(q) / len(samples) > tau:
            far = [cdist(rows, t).min(1) for rows in (q, p)]
            spread = np.sqrt(len(p) * len(q) * (len(p) + len(q) + 1) / 12)
            z.append((mannwhitneyu(*far, alternative="less").statistic - len(p) * len(q) / 2 + 0.5) / spread)
            half.append(0.5 / spread)
            weight.append(len(p))
    return np.average(z, weights=weight), np.average(half, weights=weight)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("kept", "scale"), [(0, 1.0), (150, 1.0), (0, 1.7)])
def test_c_t_is_its_authors_but_for_their_half_pair(seed, kept, scale):
    rng = np.random.default_rng(seed)
    train, held_out, drawn = (rng.standard_normal((n, 3)) * (1, 2, 4) for n in (500, 400, 300))
    drawn = scale * drawn
    drawn[:kept] = train[:kept] + 1e-3 * rng.standard_normal((kept, 3))
    middles = centres(train, 8, Seed(("test", seed)))
    cells = [which_cell(rows, middles) for rows in (held_out, drawn, train)]
    near = [nearest_and_own(rows, at, train, cells[2]) for rows, at in zip((held_out, drawn), cells, strict=False)]
    found = data_copying(near[0][1], near[1][1], *cells[:2], 21)
    theirs, half = c_t_of_its_authors(held_out, drawn, train, middles, 20.5 / 300)
    assert found.score == pytest.approx(theirs - half, abs=1e-10)
    assert 0 < half < 0.02
    assert (near[1][0] <= near[1][1]).all()
    assert (near[1][0] < near[1][1]).any()


def test_a_cell_without_training_rows_is_left_out():
    rows, cells = np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1])
    whole, own = nearest_and_own(rows, cells, np.array([[0.5], [2.0]]), np.array([0, 0]))
    np.testing.assert_array_equal(whole, [0.25, 0.25, 49.0])
    np.testing.assert_array_equal(own, [0.25, 0.25, np.inf])
    assert data_copying(own, own, cells, cells, 1).cells == 1


def test_new_data_have_a_standard_normal_z():
    rng = np.random.default_rng(0)
    z = np.array([z_of(lambda train, rng: rng.standard_normal((300, 4)), i, rng) for i in range(100)])
    assert abs(z.mean()) < 4 / np.sqrt(100)
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * 100)


def test_copies_are_far_below_zero_and_distant_samples_far_above():
    rng = np.random.default_rng(1)
    assert z_of(lambda train, rng: train[:300] + 0.01 * rng.standard_normal((300, 4)), 0, rng) < -15
    assert z_of(lambda train, rng: train[:300], 0, rng) < -15
    assert z_of(lambda train, rng: 3 * rng.standard_normal((300, 4)), 0, rng) > 10


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(2, 30), st.integers(1, 4), st.integers(0, 2**31))
def test_authenticity_is_that_of_every_pair(n, t, d, seed):
    rng = np.random.default_rng(seed)
    rows, train = (rng.integers(0, 6, (size, d)).astype(np.float64) for size in (n, t))  # with ties and copies
    across, own = cdist(rows, train, "sqeuclidean"), cdist(train, train, "sqeuclidean")
    np.fill_diagonal(own, np.inf)
    at = across.argmin(1)
    np.testing.assert_array_equal(is_authentic(rows, train), across.min(1) > own.min(1)[at])


def test_cells_are_found_where_data_lie_apart():
    rng = np.random.default_rng(2)
    middles = np.array([[0.0, 0], [50, 0], [0, 50]])
    rows = np.concatenate([middle + rng.standard_normal((60, 2)) for middle in middles])
    found = [centres(rows, 3, Seed(("cells", i))) for i in range(10)]
    best = min(found, key=lambda c: cdist(rows, c).min(1).sum())
    assert cdist(middles, best).min(1).max() < 1
    np.testing.assert_array_equal(found[0], centres(rows, 3, Seed(("cells", 0))))
    assert len(centres(rows[:2], 5, Seed(("cells", 0)))) == 2
