"""The Vendi score."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.kernels.vendi import of_spectrum, spectrum, vendi

ORDERS = (0.3, 1.0, 2.0, 7.0, math.inf)


def by_definition(x, q):
    """From the whole matrix of cosines."""
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    p = np.linalg.eigvalsh(units @ units.T / len(x))
    p = p[p > 1e-12]
    if q == 1:
        return np.exp(-(p * np.log(p)).sum())
    return 1 / p.max() if q == math.inf else np.exp(np.log((p**q).sum()) / (1 - q))


def cloud(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)) + 0.3


@pytest.mark.parametrize("q", ORDERS)
@pytest.mark.parametrize(("n", "d"), [(1, 5), (30, 4), (30, 30), (12, 200)])
def test_is_the_definition_whichever_side_is_smaller(n, d, q):
    x = cloud(n, d)
    assert vendi(x, q) == pytest.approx(by_definition(x, q), rel=1e-9)


@pytest.mark.parametrize("q", ORDERS)
def test_counts_orthogonal_kinds(q):
    kinds = np.eye(6)[[0, 0, 1, 2, 3, 4, 5, 5, 1, 2, 3, 4]]  # six kinds of two rows
    assert vendi(kinds * np.arange(1, 13)[:, None], q) == pytest.approx(6, rel=1e-9)
    assert vendi(np.tile([[3.0, -4.0, 0.1]], (9, 1)), q) == pytest.approx(1, rel=1e-9)


def test_order_one_is_the_limit_and_higher_orders_see_less():
    x = cloud(40, 10)
    scores = [vendi(x, q) for q in (0.5, 1 - 1e-6, 1, 1 + 1e-6, 2, 50, math.inf)]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] == pytest.approx(scores[2], rel=1e-5)
    assert scores[5] == pytest.approx(scores[6], rel=0.1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.integers(1, 8), st.integers(0, 2**31), st.sampled_from([1e-200, 1e-3, 1.0, 1e60]))
def test_is_blind_to_order_rotation_lengths_and_repetition_of_all(n, d, seed, size):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    score, turn = vendi(x), np.linalg.qr(rng.standard_normal((d, d)))[0]
    assert 1 - 1e-9 <= score <= min(n, d) + 1e-9
    lengths = size * rng.uniform(0.5, 2, (n, 1))
    for other in (rng.permutation(x), x @ turn, x * lengths, np.repeat(x, 3, axis=0), -x):
        assert vendi(other) == pytest.approx(score, rel=1e-8)


def test_blank_rows_are_one_kind_of_their_own():
    assert vendi(np.zeros((7, 3))) == pytest.approx(1)
    blank_and_two = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]])
    assert vendi(blank_and_two) == pytest.approx(3)
    assert spectrum(blank_and_two).sum() == pytest.approx(1, rel=1e-14)


def test_bytes_are_numbers_and_constants_make_rows_alike():
    x = np.random.default_rng(3).integers(0, 256, (30, 5)).astype(np.uint8)
    assert vendi(x) == vendi(x.astype(float))
    assert vendi(np.hstack([x, np.full((30, 9), 255, np.uint8)])) < vendi(x)


def test_what_has_no_score_is_nan():
    assert math.isnan(vendi(np.zeros((0, 4))))
    assert math.isnan(vendi(np.array([[1.0, np.nan]])))
    assert math.isnan(vendi(np.array([[1.0, np.inf]]), 2))


def test_a_spectrum_gives_every_order():
    values = spectrum(cloud(50, 6))
    assert [of_spectrum(values, q) for q in ORDERS] == [vendi(cloud(50, 6), q) for q in ORDERS]
