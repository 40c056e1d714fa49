"""Metric `frechet` and the kernel below it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.features import Features
from autophagy.kernels.frechet import between, fitted, frechet
from autophagy.kernels.frechet_error import jackknife


def by_sqrtm(a, b):
    """The formula as it is usually written, good to about 1e-10 where both covariances have full rank."""
    s, t = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    gap = a.mean(0) - b.mean(0)
    return gap @ gap + np.trace(s) + np.trace(t) - 2 * np.trace(sqrtm(s @ t)).real


def cloud(n, d, seed, rank=None):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, rank or d)) @ rng.standard_normal((rank or d, d)) + rng.standard_normal(d)


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 1), (300, 200, 5), (400, 900, 60), (61, 500, 60)])
def test_agrees_with_sqrtm_at_full_rank(n, m, d):
    a, b = cloud(n, d, 1), cloud(m, d, 2)
    assert frechet(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-6)


def test_known_answer_for_diagonal_covariances():
    mean, s, t = np.array([3.0, 0.0]), np.diag([4.0, 9.0]), np.diag([1.0, 1.0])
    assert between(mean, s, np.zeros(2), t) == pytest.approx(9 + (2 - 1) ** 2 + (3 - 1) ** 2, rel=1e-14)


@pytest.mark.parametrize(("n", "m"), [(40, 50), (40, 400), (400, 40), (400, 500)])
def test_few_rows_and_lost_dimensions_keep_full_precision(n, m):
    """Both sets lie in 20 of 60 dimensions; within these the covariances are regular and the answer is known."""
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.standard_normal((60, 20)))[0]  # (60, 20) orthonormal
    a, b = cloud(n, 20, 4), cloud(m, 20, 5)
    assert frechet(a @ axes.T, b @ axes.T) == pytest.approx(by_sqrtm(a, b), rel=1e-9)


def stretched(n, d, seed, least):
    """Axes of deviation 1 once and `least` otherwise, in a random orientation; covariances exact by construction."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, d))
    rows = np.linalg.qr(rows - rows.mean(0))[0] * math.sqrt(n - 1)
    rows[:, 1:] *= least
    return rows @ np.linalg.qr(rng.standard_normal((d, d)))[0]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("n", [20, 300])
@pytest.mark.parametrize("shape", ["round", "flat", "stretched"])
def test_equal_sets_give_exactly_zero_in_any_order(shape, n, kind):
    a = cloud(n, 30, 6, {"flat": 7}.get(shape)).astype(kind)
    if shape == "stretched":
        a = stretched(300, 30, 6, 1e-3)[:n].astype(kind)
    assert frechet(a, a) == 0.0
    assert frechet(a, a[np.random.default_rng(0).permutation(n)]) == 0.0
    assert frechet(a, a, fitted(a[::-1])) == 0.0


def test_small_axes_are_not_drowned_by_a_large_one():
    """The sets differ in axes of deviation 1e-5 and 2e-5, whose variances are 1e-10 of the largest."""
    a, b = stretched(300, 41, 20, 1e-5), stretched(300, 41, 20, 2e-5)
    assert frechet(a, b) == pytest.approx(40 * 1e-10, rel=1e-4)


def by_triangles(a, b):
    """From the rows, without a covariance: the singular values of F₁F₂ᵀ for triangles of both sets' rows."""
    one, other = (np.linalg.qr((x - x.mean(0)) / math.sqrt(len(x) - 1), mode="r") for x in (a, b))
    gap = a.mean(0) - b.mean(0)
    overlap = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    return gap @ gap + (one**2).sum() + (other**2).sum() - 2 * overlap


@pytest.mark.parametrize("noise", [None, 1e-2, 1e-3])
@pytest.mark.parametrize(("n", "d", "least"), [(1000, 100, 1e-4), (3000, 100, 1e-4), (500, 30, 1e-6)])
def test_turned_axes_of_many_sizes_are_told_apart(n, d, least, noise):
    """A Cholesky factor of a turned covariance has an even diagonal, whatever its condition number."""
    rng = np.random.default_rng(1)
    turn, sizes = np.linalg.qr(rng.standard_normal((d, d)))[0], np.geomspace(1, least, d)
    a = rng.standard_normal((n, d)) * sizes @ turn
    b = rng.standard_normal((n, d)) * sizes @ turn if noise is None else a + noise * rng.standard_normal((n, d))
    moments = [(x.mean(0), np.cov(x.T)) for x in (a, b)]
    told = by_triangles(a, b)
    assert frechet(a, b) == pytest.approx(told, rel=1e-7)
    assert frechet(b, a) == pytest.approx(told, rel=1e-7)
    assert between(*moments[0], *moments[1]) == pytest.approx(told, rel=1e-7)


def test_a_flat_set_is_as_far_from_a_full_one_as_the_other_way_round():
    flat, full = cloud(300, 60, 21, rank=10), cloud(300, 60, 22)
    assert frechet(flat, full) == pytest.approx(frechet(full, flat), rel=1e-12)


def test_sets_that_differ_a_little_are_not_called_equal():
    a = cloud(300, 5, 7)
    assert frechet(a, a + 1e-4) == pytest.approx(5e-8, rel=1e-3)


def test_a_point_against_a_cloud_is_its_squared_distance_and_the_clouds_variance():
    b = cloud(100, 4, 8)
    gap = 2.0 - b.mean(0)
    assert frechet(np.full((50, 4), 2.0), b) == pytest.approx(gap @ gap + b.var(0, ddof=1).sum(), rel=1e-12)
    assert frechet(np.full((50, 4), 2.0), np.full((9, 4), 2.0)) == 0.0


@pytest.mark.parametrize(("n", "m"), [(50, 9), (50, 40), (3, 1000)])
def test_one_point_is_at_zero_from_itself_however_often_it_is_repeated(n, m):
    """0.1 has no exact sum of fifty: means of constants must not be sums."""
    assert frechet(np.full((n, 4), 0.1), np.full((m, 4), 0.1)) == 0.0


@pytest.mark.parametrize("n", [20, 300])
def test_features_that_never_vary_change_nothing_and_repeated_ones_count_twice(n):
    a, b = cloud(n, 30, 25), cloud(300, 30, 26)
    found, still = frechet(a, b), np.full((300, 3), 0.3)
    assert frechet(np.hstack([a, still[:n]]), np.hstack([b, still])) == pytest.approx(found, rel=1e-9)
    assert frechet(np.hstack([a, still[:n] + 2]), np.hstack([b, still])) == pytest.approx(found + 12, rel=1e-9)
    assert frechet(np.hstack([a, a]), np.hstack([b, b])) == pytest.approx(2 * found, rel=1e-9)


def test_a_set_written_twice_differs_from_itself_by_its_divisor_alone():
    a = cloud(300, 5, 27)
    shrunk = 1 - math.sqrt(299 * 2 / 599)  # deviations with divisor 599/2 against 299
    assert frechet(np.repeat(a, 2, axis=0), a) == pytest.approx(a.var(0, ddof=1).sum() * shrunk**2, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 40), st.integers(2, 40), st.integers(1, 12), st.integers(0, 2**31), st.sampled_from([1e-6, 1.0, 1e6])
)
def test_is_symmetric_and_blind_to_rotation_translation_and_order(n, m, d, seed, size):
    rng = np.random.default_rng(seed)
    a, b = size * rng.standard_normal((n, d)), size * (rng.standard_normal((m, d)) * 2 + 1)
    found = frechet(a, b)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    same = {"rel": 1e-6, "abs": 1e-9 * size**2}
    assert found >= 0
    assert frechet(b, a) == pytest.approx(found, **same)
    assert frechet(a @ turn, b @ turn) == pytest.approx(found, **same)
    assert frechet(a + size, b + size) == pytest.approx(found, **same)
    assert frechet(rng.permutation(a), rng.permutation(b)) == pytest.approx(found, **same)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_numbers_that_are_not_finite_have_no_distance(bad):
    a = cloud(30, 3, 9)
    b = a.copy()
    b[4, 1] = bad
    assert math.isnan(frechet(a, b))
    assert math.isnan(frechet(b, a))
    assert math.isnan(frechet(a[:1], a))


def test_covariances_that_lost_dimensions_are_compared_in_closed_form():
    rng = np.random.default_rng(10)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    s, t = turn @ np.diag([4.0, 1, 0, 0]) @ turn.T, turn @ np.diag([1.0, 9, 0, 0]) @ turn.T
    assert between(np.zeros(4), s, np.zeros(4), t) == pytest.approx(1 + 4, rel=1e-7)


@pytest.mark.parametrize(("n", "m"), [(30, 40), (30, 200), (200, 30), (200, 300)])
def test_moments_give_the_distance_of_the_rows_whether_or_not_they_have_lost_dimensions(n, m):
    a, b = cloud(n, 60, 28), cloud(m, 60, 29)
    moments = [part for x in (a, b) for part in (x.mean(0), np.cov(x.T))]
    assert between(*moments) == pytest.approx(frechet(a, b), rel=1e-6)


def test_moments_without_spread_are_at_the_gap_of_their_means():
    gap, nothing, some = np.array([3.0, 4.0]), np.zeros((2, 2)), np.diag([1.0, 0.0])
    assert between(gap, nothing, 0 * gap, nothing) == 25
    assert between(gap, nothing, 0 * gap, some) == between(gap, some, 0 * gap, nothing) == 26


def test_jackknife_removes_the_bias_and_knows_its_error():
    """Truth: 20 dimensions whose deviations are 1 and 1.1, so d² = 20 · 0.1²."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(100):
        a, b = rng.standard_normal((300, 20)), 1.1 * rng.standard_normal((300, 20))
        part = rng.permutation(300) % 10
        plain = frechet(a, b)
        found.append((plain, *jackknife(a, b, plain, (part, part))))
    plain, debiased, errors = np.array(found).T
    truth = 20 * 0.1**2
    assert abs(debiased.mean() - truth) < 4 * debiased.std() / 10
    assert plain.mean() - truth > 40 * plain.std() / 10
    assert np.sqrt((errors**2).mean()) == pytest.approx(debiased.std(), rel=0.35)


def test_jackknife_of_few_rows_is_that_of_the_definition():
    a, b = cloud(30, 40, 12), cloud(35, 40, 13)
    parts = np.arange(30) % 5, np.arange(35) % 5
    left = [frechet(a[parts[0] != i], b[parts[1] != i]) for i in range(5)]
    debiased, error = jackknife(a, b, frechet(a, b), parts)
    assert debiased == pytest.approx(5 * frechet(a, b) - 4 * np.mean(left))
    assert error == pytest.approx(np.sqrt(4 * np.var(left)))


@pytest.mark.parametrize("n", [60, 400])
def test_block_sums_give_the_moments_of_what_is_left(n):
    a, b = cloud(n, 10, 14), cloud(n, 10, 15)
    parts = np.arange(n) % 4, np.arange(n) % 4
    left = [frechet(a[parts[0] != i], b[parts[1] != i]) for i in range(4)]
    assert jackknife(a, b, 1.0, parts)[0] == pytest.approx(4 - 3 * np.mean(left), rel=1e-9)


def test_metric_reads_features_and_remembers_the_reference(measure):
    a, b, features = cloud(80, 3, 16), cloud(90, 3, 17), Features()
    first = measure("frechet", a, b, features=features)
    again = measure("frechet", a, b, features=features)
    assert first == again
    assert first["distance"] == pytest.approx(by_sqrtm(a, b), rel=1e-6)
    assert first["se"] > 0
    assert first["debiased"] < first["distance"]


def test_metric_makes_its_error_from_influences_where_it_can_and_says_so(measure, finish):
    full, few = (cloud(80, 3, 16), cloud(90, 3, 17)), (cloud(80, 100, 16), cloud(90, 100, 17))
    plain, cheap = build("metric", "frechet"), build("metric", {"use": "frechet", "blocks": 0})
    assert plain.identity(finish(*full))["se_by"] == cheap.identity(finish(*full))["se_by"] == "influence"
    assert plain.identity(finish(*few))["se_by"] == "jackknife"
    assert cheap.identity(finish(*few))["se_by"] == "nothing"
    assert measure("frechet", *full, {"blocks": 0}) == {
        name: value for name, value in measure("frechet", *full).items() if name != "debiased"
    }
    assert set(measure("frechet", *few, {"blocks": 0})) == {"distance"}


def test_metric_extrapolates_where_asked(measure):
    a, b = cloud(200, 3, 23), cloud(5000, 3, 24)
    found = measure("frechet", a, b, {"sizes": 8, "blocks": 0})
    assert set(found) == {"distance", "se", "infinite"}
    assert found["infinite"] != found["distance"]
    assert measure("frechet", a[::-1].copy(), b, {"sizes": 8, "blocks": 0})["infinite"] == pytest.approx(
        found["infinite"], rel=1e-9
    )


def test_metric_is_nan_where_it_has_no_value(measure):
    b = cloud(90, 3, 18)
    assert all(math.isnan(v) for v in measure("frechet", b[:1], b).values())
    assert all(math.isnan(v) for v in measure("frechet", np.where(b > 9, b, np.nan), b).values())


def test_metric_refuses_to_compare_grey_with_colour_or_bytes_with_numbers(measure):
    grey = np.zeros((5, 1, 4, 4), np.uint8)
    with pytest.raises(DataError, match="like with like"):
        measure("frechet", grey, np.zeros((5, 3, 4, 4), np.uint8))
    with pytest.raises(DataError, match="like with like"):
        measure("frechet", grey, grey / 255)


def test_identity_names_what_the_number_stands_on(finish):
    a = cloud(20, 3, 19)
    identity = build("metric", "frechet").identity(finish(a, a[:15]))
    assert (identity["n"], identity["n_reference"], identity["encoder"]) == (20, 15, "pixels")
    other = build("metric", {"use": "frechet", "encoder": {"use": "pca", "components": 2}})
    assert other.identity(finish(a, a[:15]))["encoder_key"] != identity["encoder_key"]


def test_plan_is_told_when_the_encoder_does_not_take_the_source():
    metric, source, model = build("metric", "frechet"), build("source", "categorical"), build("model", "gaussian")
    assert "symbols" in metric.objection(source, model)
    assert metric.objection(build("source", "normal"), model) is None
