"""The kernels of neighbours and balls, against arithmetic on every pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.kernels import distances as _distances
from autophagy.kernels import neighbours as _neighbours
from autophagy.kernels.neighbours import balls, distinct, nearest, radii


def every_pair(a, b):
    gap = a[:, None].astype(np.float64) - b[None]
    return np.einsum("ijd,ijd->ij", gap, gap)


def plain_radii(x, k):
    squares = every_pair(x, x)
    np.fill_diagonal(squares, np.inf)
    return np.sort(squares, axis=1)[:, k - 1]


def sets(kind, n, m, d, seed):
    rng = np.random.default_rng(seed)
    if kind == "normal":
        return rng.standard_normal((n, d)), rng.standard_normal((m, d))
    if kind == "corners":  # ties and duplicates everywhere
        return rng.integers(0, 2, (n, d)).astype(np.float32), rng.integers(0, 2, (m, d)).astype(np.float32)
    if kind == "bytes":
        return rng.integers(0, 256, (n, d)).astype(np.uint8) // 64, rng.integers(0, 256, (m, d)).astype(np.uint8) // 64
    if kind == "copies":
        b = rng.standard_normal((m, d)).astype(np.float32)
        return b[rng.integers(m, size=n)], b
    if kind == "point":
        return np.full((n, d), 0.1), np.full((m, d), 0.1)
    centres = 100 * rng.standard_normal((3, d))  # collapsed modes, far apart: float32 sees nothing within one
    a, b = (centres[rng.integers(3, size=size)] + 1e-7 * rng.standard_normal((size, d)) for size in (n, m))
    return a, b


KINDS = st.sampled_from(["normal", "corners", "bytes", "copies", "point", "modes"])


@settings(max_examples=150, deadline=None)
@given(KINDS, st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), st.integers(0, 2**31))
def test_every_decision_is_the_one_exact_arithmetic_takes(kind, n, m, d, k, seed):
    a, b = sets(kind, n + k, m + k, d, seed)
    a_radii, b_radii = plain_radii(a, k), plain_radii(b, k)
    np.testing.assert_array_equal(radii(a, k), a_radii)
    np.testing.assert_array_equal(radii(b, k), b_radii)
    squares = every_pair(a, b)
    np.testing.assert_array_equal(nearest(a, b), squares.min(1))
    found = balls(a, b, a_radii, b_radii)
    np.testing.assert_array_equal(found.precise, (squares <= b_radii).any(1))
    np.testing.assert_array_equal(found.density, (squares < b_radii).sum(1))
    np.testing.assert_array_equal(found.recalled, (squares <= a_radii[:, None]).any(0))
    np.testing.assert_array_equal(found.covered, (squares < b_radii).any(0))


@pytest.mark.parametrize("kind", ["normal", "modes", "bytes"])
def test_blocks_change_nothing(kind, monkeypatch):
    a, b = sets(kind, 333, 271, 6, 1)

    def all_of_it():
        mine, theirs = radii(a, 4), radii(b, 4)
        found = balls(a, b, mine, theirs)
        return mine, theirs, nearest(a, b), found.precise, found.density, found.recalled, found.covered

    whole = all_of_it()
    monkeypatch.setattr(_distances, "CELLS", 1)  # blocks of 64 rows, of which 333 and 271 are no multiples
    monkeypatch.setattr(_distances, "GATHERED", 7)
    monkeypatch.setattr(_neighbours, "CHUNK", 50)
    for before, after in zip(whole, all_of_it(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_order_changes_nothing():
    a, b = sets("normal", 90, 80, 5, 2)
    shuffle = np.random.default_rng(0).permutation(90)
    np.testing.assert_array_equal(radii(a[shuffle], 3), radii(a, 3)[shuffle])
    np.testing.assert_array_equal(nearest(a[shuffle], b), nearest(a, b)[shuffle])


def test_precision_of_one_set_is_recall_of_the_other():
    a, b = sets("corners", 60, 50, 4, 3)
    mine, theirs = radii(a, 5), radii(b, 5)
    there, back = balls(a, b, mine, theirs), balls(b, a, theirs, mine)
    np.testing.assert_array_equal(there.precise, back.recalled)
    np.testing.assert_array_equal(there.recalled, back.precise)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_products_err_less_than_they_say(level, scale, offset):
    rng = np.random.default_rng(4)
    a, b = (scale * (offset + rng.standard_normal((50, 300))) for _ in "ab")
    a[0] = scale * 1e3  # an outlier, whose rounding is the largest
    screened = _distances.screen(a, b)
    squares, slack = screened.squares(slice(10, 30), level)
    error = np.abs(squares.astype(np.float64) - every_pair(a[10:30], b) / screened.unit).max()
    assert error <= slack
    assert slack < (1e-3, 1e-12)[level] * squares.max() * 1e3


@pytest.mark.parametrize("width", [3, 784, 3000])
def test_products_of_bytes_are_exact(width):
    rng = np.random.default_rng(5)
    a, b = (rng.integers(0, 4, (20, width)).astype(np.uint8) for _ in "ab")  # black: the largest sums of products
    squares, slack = _distances.screen(a, b).squares(slice(0, 20), 0)
    assert slack == 0
    np.testing.assert_array_equal(squares, every_pair(a, b))


def test_a_set_repeating_itself_more_than_k_times_has_radius_zero():
    rows = np.repeat(np.array([[0.0, 0], [3, 4], [0, 1]]), [4, 3, 1], axis=0)
    np.testing.assert_array_equal(radii(rows, 3), [0, 0, 0, 0, 20 - 2, 20 - 2, 20 - 2, 1])


def test_distinct_rows_remember_where_they_were():
    rows = np.array([[1, 2], [3, 4], [1, 2], [1, 2]], np.uint8)
    found = distinct(rows)
    np.testing.assert_array_equal(found.rows[found.place], rows)
    assert found.weight.tolist() == [3, 1]


def test_k_neighbours_need_more_than_k_rows():
    assert np.isnan(radii(np.eye(3), 3)).all()
    assert np.isfinite(radii(np.eye(3), 2)).all()


def test_sets_of_different_width_are_refused():
    with pytest.raises(ValueError, match="equally wide"):
        nearest(np.zeros((3, 2)), np.zeros((3, 4)))
