"""Metric `wasserstein`: sliced between samples, closed form between Gaussians."""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.parts import GaussianSampler
from autophagy.core.seeds import Seed
from autophagy.kernels.frechet import between
from autophagy.kernels.wasserstein import _coupling, directions, exact_w2, projected, sliced_w2


@dataclass(frozen=True)
class Known(GaussianSampler):
    mean: np.ndarray
    covariance: np.ndarray

    def sample(self, n, *, condition, bias, seed, begin=None):
        raise AssertionError("only the moments are asked for")

    def save(self, folder):
        raise AssertionError("only the moments are asked for")

    def moments(self):
        return self.mean, self.covariance


def test_one_dimension_is_solved_exactly(measure):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((40, 1)), rng.standard_normal((40, 1)) + 1
    rows, columns = linear_sum_assignment((a - b.T) ** 2)
    truth = np.sqrt(((a[rows, 0] - b[columns, 0]) ** 2).mean())
    assert measure("wasserstein", a, b)["sliced_w2"] == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 7), (6, 4), (10, 5), (100, 99)])
def test_unequal_numbers_move_all_mass_in_order(n, m):
    i, j, weight = _coupling(n, m)
    np.testing.assert_allclose(np.bincount(i, weight), np.full(n, 1 / n), rtol=1e-12)
    np.testing.assert_allclose(np.bincount(j, weight), np.full(m, 1 / m), rtol=1e-12)
    assert (np.diff(i) >= 0).all()
    assert (np.diff(j) >= 0).all()
    rng = np.random.default_rng(1)
    a, b = np.sort(rng.standard_normal(n)), np.sort(rng.standard_normal(m))
    assert (weight * np.abs(a[i] - b[j])).sum() == pytest.approx(wasserstein_distance(a, b), rel=1e-9)


def test_repeating_every_sample_changes_nothing(measure):
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((30, 4)), rng.standard_normal((20, 4))
    once = measure("wasserstein", a, b)["sliced_w2"]
    assert measure("wasserstein", np.repeat(a, 3, axis=0), b)["sliced_w2"] == pytest.approx(once, rel=1e-9)


def test_a_shift_costs_its_length_over_the_root_of_the_dimension():
    rng = np.random.default_rng(3)
    rows, shift = rng.standard_normal((50, 9)), np.full(9, 2.0)
    onto = directions(9, 4000, Seed(("test",)))
    shares = (onto @ shift) ** 2  # squared costs, one for each direction
    found = sliced_w2(projected(rows + shift, onto), projected(rows, onto))
    assert found**2 == pytest.approx(shares.mean(), rel=1e-9)
    assert abs(found**2 - shift @ shift / 9) < 4 * shares.std() / math.sqrt(4000)


def test_is_a_distance(measure):
    rng = np.random.default_rng(4)
    a, b, c = (rng.standard_normal((25, 3)) * s for s in (1, 2, 3))
    there = measure("wasserstein", a, b)["sliced_w2"]
    assert measure("wasserstein", b, a)["sliced_w2"] == pytest.approx(there, rel=1e-12)
    assert measure("wasserstein", a, a[::-1])["sliced_w2"] == pytest.approx(0, abs=1e-12)
    assert measure("wasserstein", a, c)["sliced_w2"] < there + measure("wasserstein", b, c)["sliced_w2"]


def test_directions_come_from_the_seed_alone(measure):
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((30, 6)), rng.standard_normal((30, 6)) + 1
    first = measure("wasserstein", a, b)
    assert first == measure("wasserstein", a, b) != measure("wasserstein", a, b, {"seed": 1})


def test_gaussians_are_compared_with_the_truth_where_it_is_known(measure, finish):
    source = build("source", {"use": "normal", "dim": 1, "mean": [1.0], "covariance": [[4.0]]})
    fitted = Known(np.array([4.0]), np.array([[36.0]]))
    found = measure("wasserstein", np.zeros((5, 1)), np.zeros((5, 1)), {"of": "model"}, source=source, sampler=fitted)
    assert found == {"w2": pytest.approx(5.0)}  # (4 − 1)² + (6 − 2)² = 5²: W2, not its square
    samples = np.array([[-2.0], [2.0]])  # mean 0, variance 8 with divisor n − 1
    found = measure("wasserstein", samples, samples, {"of": "gaussian"}, source=source)
    assert found["w2"] == pytest.approx(math.hypot(1, math.sqrt(8) - 2))
    metric = build("metric", {"use": "wasserstein", "of": "gaussian"})
    assert metric.identity(finish(samples, samples, source=source))["against"] == "truth"


def test_gaussians_are_compared_with_held_out_data_otherwise(measure):
    rng = np.random.default_rng(6)
    real = rng.standard_normal((40, 2))
    assert measure("wasserstein", real + np.array([3.0, 4.0]), real, {"of": "gaussian"})["w2"] == pytest.approx(
        5, rel=1e-9
    )


def test_only_the_model_form_reads_the_sampler():
    assert build("metric", {"use": "wasserstein", "of": "model"}).reads == ("sampler",)
    assert build("metric", "wasserstein").reads == build("metric", {"use": "wasserstein", "of": "gaussian"}).reads == ()


def test_a_model_without_moments_is_refused(measure):
    with pytest.raises(DataError, match='say of = "gaussian"'):
        measure("wasserstein", np.zeros((5, 1)), np.zeros((5, 1)), {"of": "model"})


def test_exact_is_the_least_of_all_assignments(measure):
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((6, 3)), rng.standard_normal((6, 3)) + 1
    least = min(((a - b[list(turn)]) ** 2).sum(1).mean() for turn in permutations(range(6)))
    assert exact_w2(a, b) == pytest.approx(math.sqrt(least), rel=1e-12)
    assert measure("wasserstein", a, b, {"of": "exact"}) == {"exact_w2": exact_w2(a, b)}


def test_exact_is_a_distance_of_sets():
    rng = np.random.default_rng(8)
    a, b, c = (rng.standard_normal((25, 3)) * s for s in (1, 2, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert exact_w2(a, rng.permutation(a)) == 0.0
    assert exact_w2(a, a + np.array([3.0, 4.0, 0.0])) == pytest.approx(5, rel=1e-12)  # a translation
    assert exact_w2(b, a) == pytest.approx(exact_w2(a, b), rel=1e-12)
    assert exact_w2(a @ turn + 1, b @ turn + 1) == pytest.approx(exact_w2(a, b), rel=1e-9)
    assert exact_w2(np.repeat(a, 2, axis=0), np.repeat(b, 2, axis=0)) == pytest.approx(exact_w2(a, b), rel=1e-9)
    assert exact_w2(a, c) < exact_w2(a, b) + exact_w2(b, c)


def test_exact_is_above_sliced_and_the_gaussians_distance():
    """Both are lower bounds; that of the moments by Gelbrich 1990."""
    rng = np.random.default_rng(9)
    a, b = rng.standard_normal((200, 3)) ** 3, 2 * rng.standard_normal((200, 3))
    onto = directions(3, 200, Seed(("test",)))
    moments = [(x.mean(0), np.cov(x.T, bias=True)) for x in (a, b)]
    assert exact_w2(a, b) > math.sqrt(between(*moments[0], *moments[1]))
    assert exact_w2(a, b) > sliced_w2(projected(a, onto), projected(b, onto))


def test_exact_takes_equally_many_of_both_and_no_more_than_it_may(measure, finish):
    rng = np.random.default_rng(10)
    a, b = rng.standard_normal((30, 2)), rng.standard_normal((20, 2))
    assert math.isfinite(measure("wasserstein", a, b, {"of": "exact"})["exact_w2"])
    identity = build("metric", {"use": "wasserstein", "of": "exact", "pairs": 12}).identity(finish(a, b))
    assert (identity["n"], identity["n_reference"]) == (12, 12)
    assert measure("wasserstein", a, b, {"of": "exact", "pairs": 12}) != measure("wasserstein", a, b, {"of": "exact"})
    with pytest.raises(ValueError, match="there are 30 and 20"):
        exact_w2(a, b)


def test_exact_of_bytes_does_not_wrap_round():
    black, white = np.zeros((3, 4), np.uint8), np.full((3, 4), 255, np.uint8)
    assert exact_w2(black, white) == exact_w2(white, black) == 510


@pytest.mark.parametrize("of", ["samples", "exact", "gaussian"])
def test_undefined_is_nan(measure, of):
    bad, real = np.array([[0.0], [np.nan]]), np.array([[0.0], [1.0]])
    assert all(math.isnan(v) for v in measure("wasserstein", bad, real, {"of": of}).values())
    assert all(math.isnan(v) for v in measure("wasserstein", bad[:0], real, {"of": of}).values())
