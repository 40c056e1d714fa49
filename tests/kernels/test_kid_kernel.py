"""The kernel distance, its standard error and its subsets."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autophagy.kernels import kid as module
from autophagy.kernels.kid import across, kid, over_subsets, within


def by_definition(x, y):
    """Bińkowski et al. 2018, equation 4, pair by pair."""
    k = lambda p, q: (p @ q / len(p) + 1) ** 3  # noqa: E731
    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return xx + yy - 2 * sum(k(p, q) for p in x for q in y) / (n * m)


def pair(n, m, d, seed=0, scale=1.2, shift=0.1):
    rng = np.random.default_rng(seed)
    return scale * rng.standard_normal((n, d)) + shift, rng.standard_normal((m, d))


@pytest.mark.parametrize(("n", "m", "d"), [(2, 2, 1), (7, 12, 3), (40, 30, 8), (3, 50, 200)])
def test_is_the_definition(n, m, d):
    a, b = pair(n, m, d)
    assert kid(a, b).value == pytest.approx(by_definition(a, b), rel=1e-10, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(1, 6), st.integers(0, 2**31))
def test_is_symmetric_and_blind_to_order_and_rotation(n, m, d, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((n, d)), rng.standard_normal((m, d)) + 1
    found, turn = kid(a, b), np.linalg.qr(rng.standard_normal((d, d)))[0]
    for other in (kid(b, a), kid(rng.permutation(a), rng.permutation(b)), kid(a @ turn, b @ turn)):
        assert other.value == pytest.approx(found.value, rel=1e-9, abs=1e-9)
        assert other.error == pytest.approx(found.error, rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("tile", [1, 7, 64])
def test_tiles_make_no_difference(monkeypatch, tile):
    a, b = pair(60, 45, 5)
    whole = kid(a, b)
    monkeypatch.setattr(module, "TILE", tile)
    assert kid(a, b).value == pytest.approx(whole.value, rel=1e-10)
    assert kid(a, b).error == pytest.approx(whole.error, rel=1e-10)


def test_known_sums_of_the_reference_are_used():
    a, b = pair(40, 30, 4)
    assert kid(a, b, within(b)) == kid(a, b)
    assert kid(a, b, within(3 * b)) != kid(a, b)


def test_is_zero_on_average_for_equal_distributions_and_its_mean_does_not_depend_on_n():
    means, errors = [], []
    for n in (10, 40):
        found = [kid(*pair(n, n, 5, seed, 1.3, 0.2)).value for seed in range(400)]
        means.append(np.mean(found))
        errors.append(np.std(found) / 20)
    assert abs(means[0] - means[1]) < 4 * math.hypot(*errors)
    null = [kid(*pair(20, 20, 5, seed, 1, 0)).value for seed in range(400)]
    assert abs(np.mean(null)) < 4 * np.std(null) / 20
    assert min(null) < 0


@pytest.mark.parametrize(("n", "m", "scale", "shift"), [(100, 100, 1.3, 0.2), (60, 180, 0.7, 0.0), (150, 70, 1.0, 0.4)])
def test_error_is_the_deviation_over_fresh_draws(n, m, scale, shift):
    found = [kid(*pair(n, m, 6, seed, scale, shift)) for seed in range(300)]
    values, errors = np.array([(f.value, f.error) for f in found]).T
    ratio = math.sqrt((errors**2).mean()) / values.std(ddof=1)
    assert abs(ratio - 1) < 4 / math.sqrt(2 * 300)  # the deviation of a deviation of 300
    covered = (np.abs(values - values.mean()) < 1.96 * errors).sum()
    assert abs(covered - 285) < 4 * math.sqrt(300 * 0.95 * 0.05) + 6  # and some skew


def test_error_stays_honest_where_the_distributions_are_equal():
    """There the first order is gone; the plain variance of the rows' parts would be twice the truth."""
    found = [kid(*pair(100, 100, 6, seed, 1, 0)) for seed in range(400)]
    values, errors = np.array([(f.value, f.error) for f in found]).T
    assert 0.88 < math.sqrt((errors**2).mean()) / values.std(ddof=1) < 1.25


def test_subsets_are_means_of_their_own_distances():
    a, b = pair(50, 60, 4)
    rng = np.random.default_rng(1)
    subsets = [(rng.choice(50, 20, replace=False), rng.choice(60, 20, replace=False)) for _ in range(6)]
    each = [by_definition(a[i], b[j]) for i, j in subsets]
    mean, spread = over_subsets(a, b, subsets)
    assert mean == pytest.approx(np.mean(each), rel=1e-10)
    assert spread == pytest.approx(np.std(each), rel=1e-10)


def test_equal_sets_are_below_zero_as_every_unbiased_estimate_is():
    a, _ = pair(30, 2, 4)
    assert -1 < kid(a, a).value < 0


def test_one_point_repeated_is_at_its_squared_feature_distance():
    p, q = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    k = lambda x, y: (x @ y / 2 + 1) ** 3  # noqa: E731
    found = kid(np.tile(p, (5, 1)), np.tile(q, (9, 1)))
    assert found.value == pytest.approx(k(p, p) + k(q, q) - 2 * k(p, q), rel=1e-12)
    assert found.error == pytest.approx(0, abs=1e-6)


def test_constant_features_count_and_bytes_are_numbers():
    a, b = (np.random.default_rng(i).integers(0, 256, (20, 6)).astype(np.uint8) for i in (0, 1))
    assert kid(a, b).value == kid(a.astype(float), b.astype(float)).value
    still = np.full((20, 1), 7, np.uint8)
    assert kid(np.hstack([a, still]), np.hstack([b, still])).value != kid(a, b).value


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_what_has_no_value_is_nan(bad):
    a, b = pair(10, 10, 3)
    a[3, 1] = bad
    assert math.isnan(kid(a, b).value)
    assert math.isnan(kid(b, a).error)
    assert math.isnan(kid(b[:1], b).value)
    assert math.isnan(kid(b[:3], b).error)
    assert math.isfinite(kid(b[:3], b).value)


def test_an_error_beyond_all_numbers_is_nan():
    a, b = pair(10, 10, 3)
    a[3, 1] = 1e60  # its kernel values fit, their squares do not
    assert math.isfinite(kid(a, b).value)
    assert math.isnan(kid(a, b).error)


def test_widths_must_agree():
    with pytest.raises(ValueError, match="equally wide"):
        kid(np.zeros((3, 2)), np.zeros((3, 4)))


def test_sums_are_those_of_the_table():
    a, b = pair(9, 6, 2)
    table = (a @ b.T / 2 + 1) ** 3
    found = across(a, b)
    np.testing.assert_allclose(found.rows, table.sum(1))
    np.testing.assert_allclose(found.columns, table.sum(0))
    assert found.squares == pytest.approx((table**2).sum())
