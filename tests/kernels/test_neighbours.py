"""The kernels of neighbours and balls, against arithmetic on every pair."""

import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.kernels import distances as _distances
from autophagy.kernels import instructions as _instructions
from autophagy.kernels import neighbours as _neighbours
from autophagy.kernels import products as _products
from autophagy.kernels.arrays import is_tensor
from autophagy.kernels.balls import balls
from autophagy.kernels.distances import Screen
from autophagy.kernels.distinct import distinct
from autophagy.kernels.neighbours import nearest, neighbours, neighbours_within, radii


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
ROUTES = ["numpy", "short", "device"]


@contextlib.contextmanager
def route(name):
    """In NumPy alone, by sixteen and eight bits, or as if tensors were on an accelerator; yields what makes rows so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_instructions, "WORTH", dict.fromkeys((True, False), np.inf if name == "numpy" else 0))
        if name == "device":
            patch.setattr(_products, "is_on_device", is_tensor)
            patch.setattr(_distances, "is_on_device", is_tensor)
        yield torch.from_numpy if name == "device" else np.asarray


@pytest.mark.parametrize("name", ROUTES)
@settings(max_examples=100, deadline=None)
@given(KINDS, st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), st.integers(0, 2**31))
def test_every_decision_is_the_one_exact_arithmetic_takes(name, kind, n, m, d, k, seed):
    a, b = sets(kind, n + k, m + k, d, seed)
    a_radii, b_radii = plain_radii(a, k), plain_radii(b, k)
    squares = every_pair(a, b)
    with route(name) as placed:
        x, y = placed(a), placed(b)
        np.testing.assert_array_equal(radii(x, k), a_radii)
        np.testing.assert_array_equal(radii(y, k), b_radii)
        np.testing.assert_array_equal(nearest(x, y), squares.min(1))
        found = balls(x, y, a_radii, b_radii)
    np.testing.assert_array_equal(found.precise, (squares <= b_radii).any(1))
    np.testing.assert_array_equal(found.density, (squares < b_radii).sum(1))
    np.testing.assert_array_equal(found.recalled, (squares <= a_radii[:, None]).any(0))
    np.testing.assert_array_equal(found.covered, (squares < b_radii).any(0))


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("kind", ["normal", "modes", "bytes", "corners"])
def test_tiles_change_nothing(name, kind, monkeypatch):
    a, b = sets(kind, 133, 121, 6, 1)

    def all_of_it():
        with route(name) as placed:
            x, y = placed(a), placed(b)
            mine, theirs, near = radii(x, 4), radii(y, 4), neighbours(x, y, 3)
            found = balls(x, y, mine, theirs)
            return mine, theirs, near.squares, near.at, found.precise, found.density, found.recalled, found.covered

    whole = all_of_it()
    for shape in ("TILE", "DEVICE_TILE"):
        monkeypatch.setattr(_distances, shape, (23, 50))  # of which 133 and 121 are no multiples
    monkeypatch.setattr(_distances, "GATHERED", 50)
    monkeypatch.setattr(_neighbours, "CHUNK", 70)
    monkeypatch.setattr(_neighbours, "PENDING", 1000)
    for before, after in zip(whole, all_of_it(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("copies", [0, 1])
def test_a_last_tile_of_fewer_rows_than_neighbours_keeps_them_all(name, copies, monkeypatch):
    for shape in ("TILE", "DEVICE_TILE"):
        monkeypatch.setattr(_distances, shape, (32, 32))
    rng = np.random.default_rng(0)
    for n in [33, 34, 35, 37] * 20:
        scales = rng.lognormal(0, 0.3, (n, 1)) * rng.gamma(2.0, 0.2, 64)
        a = (np.abs(rng.standard_normal((n, 64))) * scales).astype(np.float32)
        a = np.concatenate([a, a[:copies]])
        with route(name) as placed:
            np.testing.assert_array_equal(radii(placed(a), 5), plain_radii(a, 5))
            found = neighbours_within(placed(a), 5).squares[:, -1]
        np.testing.assert_allclose(found, plain_radii(a, 5), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(KINDS, st.integers(2, 40), st.integers(1, 9), st.integers(1, 6), st.integers(0, 2**31))
def test_neighbours_are_sorted_by_distance_and_then_by_number(kind, n, d, k, seed):
    a, b = sets(kind, n + k, n + k, d, seed)
    squares, own = every_pair(a, b), every_pair(a, a)
    np.fill_diagonal(own, np.inf)
    for found, truth in ((neighbours(a, b, k), squares), (neighbours_within(a, k), own)):
        order = np.argsort(truth, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(found.at, order)
        np.testing.assert_array_equal(found.squares, np.take_along_axis(truth, order, 1))


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


def truth_of(tile, squares):
    """Whether a tile says nothing false of squared distances `(r, c)`."""
    for axis in (0, 1):
        marks = np.median(squares, axis=1 - axis)
        beside = marks[:, None] if axis == 0 else marks
        assert not (np.asarray(tile.under(marks, axis)) & (squares >= beside)).any()
        assert not (~np.asarray(tile.within(marks, axis)) & (squares <= beside)).any()
        least = np.sort(squares, axis=1 - axis)
        least = least[:, :3] if axis == 0 else least[:3].T
        assert (tile.least(3, axis) >= least).all()
    i, j = np.indices(squares.shape).reshape(2, -1)
    assert (tile.lowest(i, j) <= squares[i, j]).all()


@pytest.mark.parametrize(("name", "level"), [("short", 0), ("numpy", 0), ("numpy", 1), ("device", 0), ("device", 1)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e15])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_tiles_promise_no_more_than_they_hold(name, level, kind, scale, offset):
    rng = np.random.default_rng(4)
    a, b = ((scale * (offset + rng.standard_normal((50, 300)))).astype(kind) for _ in "ab")
    a[0] = scale * 1e3  # an outlier, whose rounding is the largest
    squares = every_pair(a[10:30], b)
    with route(name) as placed:
        screen = Screen(placed(a), placed(b))
        for aim in (0.0, float(np.median(squares))):
            tile = screen.tile(slice(10, 30), slice(0, 50), level, aim)
            truth_of(tile, squares)
    if offset == 0:
        doubt = np.asarray(
            tile.within(np.full(50, np.median(squares)), 1) ^ tile.under(np.full(50, np.median(squares)), 1)
        )
        assert doubt.mean() < (0.2 if name == "short" else 0.01)


@pytest.mark.parametrize("name", ["numpy", "short"])
@pytest.mark.parametrize("width", [1, 3, 784, 3000])
def test_products_of_bytes_are_exact(name, width):
    rng = np.random.default_rng(5)
    a, b = (rng.choice(np.array([0, 3, 255], np.uint8), (20, width)) for _ in "ab")  # the largest sums of products
    with route(name):
        tile = Screen(a, b).tile(slice(0, 20), slice(0, 20), 0)
    assert tile.slack() == 0
    np.testing.assert_array_equal(tile.squares(), every_pair(a, b))


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
