"""Blocks and laws: exact arithmetic on moments, and draws that are what points would have been."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.simulate.blocks import Counts, Moments, Points, lifted, moments, pooled, some, some_symbols, triangular
from autophagy.simulate.laws import Normal, bartlett

RNG = np.random.default_rng(7)


def scatter(block: Moments) -> np.ndarray:
    return block.root @ block.root.swapaxes(1, 2) * (4.0 ** block.exponent.astype(float))[:, None, None]


@given(st.integers(1, 4), st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_pooled_moments_are_those_of_all_points(d: int, sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [Points(rng.standard_normal((3, n, d)) + 5 * rng.standard_normal(d)) for n in sizes]
    found = pooled([moments(block) for block in points])
    whole = np.concatenate([block.x for block in points], axis=1)
    gap = whole - whole.mean(1, keepdims=True)
    np.testing.assert_allclose(found.mean, whole.mean(1), atol=1e-12)
    np.testing.assert_allclose(scatter(found), gap.swapaxes(1, 2) @ gap, atol=1e-10)
    assert found.n == sum(sizes)


def test_pooling_keeps_what_one_block_underflowed() -> None:
    """Scatters of 1e−400 and 4e−400 at the same mean: neither is a number, their sum's logarithm is."""
    tiny = [Moments(5, np.zeros((2, 1)), np.full((2, 1, 1), root * 10.0**-30), np.full(2, -565)) for root in (1, 2)]
    found = pooled(tiny)
    logarithm = 2 * (np.log10(np.abs(found.root[:, 0, 0])) + found.exponent * np.log10(2))
    np.testing.assert_allclose(logarithm, np.log10(5) - 60 - 2 * 565 * np.log10(2))


def test_a_faint_root_is_lifted_exactly() -> None:
    root = np.array([1e-100, 1.0, 0.0])[:, None, None] * np.ones((3, 2, 2))
    found, exponent = lifted(root, np.zeros(3, np.int64))
    np.testing.assert_array_equal(np.ldexp(found, exponent[:, None, None]), root)
    assert exponent.tolist() == [-200, 0, 0]


@pytest.mark.parametrize(("d", "columns"), [(1, 5), (3, 3), (3, 8), (4, 2), (2, 0)])
def test_a_triangular_root_has_the_same_square(d: int, columns: int) -> None:
    matrix = RNG.standard_normal((6, d, columns))
    root = triangular(matrix)
    np.testing.assert_allclose(root @ root.swapaxes(1, 2), matrix @ matrix.swapaxes(1, 2), atol=1e-12)
    if columns >= d:
        np.testing.assert_array_equal(root, np.tril(root))


@pytest.mark.parametrize(("freedom", "k"), [(9, 3), (3, 3), (2, 4), (1, 1), (0, 2)])
def test_bartlett_gives_the_moments_of_a_wishart(freedom: int, k: int) -> None:
    """E W = n I, Var W_ii = 2n, Var W_ij = n; and no more rank than degrees of freedom."""
    root = bartlett(freedom, k, 40_000, np.random.default_rng(3))
    assert root.shape == (40_000, k, min(k, freedom))
    found = root @ root.swapaxes(1, 2)
    gap = (found - freedom * np.eye(k)).reshape(40_000, -1)
    variance = (freedom * (1 + np.eye(k))).ravel()
    for values, truth in ((gap, 0.0), (gap**2, variance)):
        error = values.std(0, ddof=1) / 200
        assert np.abs((values.mean(0) - truth)[error > 0] / error[error > 0]).max(initial=0) < 4.5


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_moments_are_drawn_as_points_would_have_them(n: int) -> None:
    """Also where there are fewer points than dimensions, so that the scatter is singular."""
    law = Normal(
        np.zeros((30_000, 3)),
        np.tril(np.arange(1.0, 10).reshape(3, 3)) * np.ones((30_000, 1, 1)),
        np.zeros(30_000, np.int64),
    )
    drawn, counted = (moments(law.draw(n, form, np.random.default_rng(1))) for form in ("moments", "points"))  # type: ignore[arg-type]
    assert drawn.root.shape[2] == min(3, n - 1)
    for one, other in ((scatter(drawn), scatter(counted)), (drawn.mean, counted.mean)):
        for power in (1, 2):
            a, b = (one**power).reshape(30_000, -1), (other**power).reshape(30_000, -1)
            error = np.sqrt((a.var(0) + b.var(0)) / 30_000)
            assert np.abs((a.mean(0) - b.mean(0))[error > 0] / error[error > 0]).max(initial=0) < 4.5


def test_some_points_are_some_of_them_and_every_subset_is_as_likely() -> None:
    block = Points(np.tile(np.arange(5.0), (60_000, 1))[..., None])
    chosen = np.sort(some(block, 2, np.random.default_rng(0)).x[..., 0], axis=1)
    pairs, counts = np.unique(chosen, axis=0, return_counts=True)
    assert len(pairs) == 10
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert np.abs(counts - 6000).max() < 4.5 * np.sqrt(6000 * 0.9)


def test_some_symbols_are_hypergeometric() -> None:
    block = Counts(9, np.tile([5, 0, 3, 1], (40_000, 1)))
    found = some_symbols(block, 4, np.random.default_rng(0))
    assert (found.counts.sum(1) == 4).all()
    assert (found.counts <= block.counts).all()
    values = np.hstack((found.counts, found.counts[:, :1] * found.counts[:, 2:3]))
    truth = np.array([4 * 5 / 9, 0, 4 * 3 / 9, 4 / 9, 4 * 3 * 5 * 3 / (9 * 8)])
    error = values.std(0, ddof=1) / 200
    is_random = error > 0
    assert np.abs((values.mean(0) - truth)[is_random] / error[is_random]).max() < 4.5
    assert (values.mean(0)[~is_random] == truth[~is_random]).all()
