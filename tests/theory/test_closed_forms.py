"""Closed forms against simulation, and against one another where they must meet."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autophagy.theory import closed_forms as theory

REPLICATES = 40_000


def z_score(sample: np.ndarray, expected: float) -> float:
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(len(sample))))


def fully_synthetic(n: int, generations: int, bias: float, divisor: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of every lineage's last fit, `(REPLICATES,)` each, drawn from their exact distributions."""
    rng = np.random.default_rng(7)
    mean, variance = np.zeros(REPLICATES), np.ones(REPLICATES)
    for generation in range(generations + 1):
        drawn = variance * (bias if generation else 1.0)
        mean = mean + np.sqrt(drawn / n) * rng.standard_normal(REPLICATES)
        variance = drawn * rng.chisquare(n - 1, REPLICATES) / divisor
    return mean, variance


@pytest.mark.parametrize("bias", [1.0, 0.8])
@pytest.mark.parametrize("unbiased", [False, True])
def test_fully_synthetic_moments_are_those_of_a_simulation(bias: float, unbiased: bool) -> None:
    n, generation = 20, 4
    mean, variance = fully_synthetic(n, generation, bias, n - int(unbiased))
    options = {"bias": bias, "unbiased": unbiased}
    assert abs(z_score(variance, theory.fully_synthetic_variance(n, generation, **options))) < 4
    assert abs(z_score(mean**2, theory.fully_synthetic_mean_variance(n, generation, **options))) < 4
    assert abs(z_score(np.log(variance), theory.fully_synthetic_log_variance(n, generation, **options))) < 4


@pytest.mark.parametrize("bias", [1.0, 0.8])
def test_wasserstein_distance_is_that_of_a_simulation(bias: float) -> None:
    mean, variance = fully_synthetic(20, 4, bias, 19)
    squared = mean**2 + (np.sqrt(variance) - 1) ** 2
    assert abs(z_score(squared, theory.fully_synthetic_wasserstein(20, 4, bias=bias))) < 4


def test_typical_variance_vanishes_although_its_mean_stays() -> None:
    assert theory.fully_synthetic_variance(10, 500, unbiased=True) == 1
    assert theory.fully_synthetic_log_variance(10, 500, unbiased=True) < math.log(1e-20)


def test_one_real_fit_is_generation_0() -> None:
    assert theory.fully_synthetic_variance(50, 0) == pytest.approx(0.98, rel=1e-15, abs=0)
    assert theory.fully_synthetic_mean_variance(50, 0) == 0.02
    assert theory.accumulate_variance(50, 0) == 0.98


@pytest.mark.parametrize("generation", [0, 1, 10, 300])
def test_what_the_variance_loses_the_mean_wanders(generation: int) -> None:
    wandered = theory.fully_synthetic_mean_variance(30, generation)
    kept = theory.fully_synthetic_variance(30, generation)
    assert theory.kept_variance(wandered) == pytest.approx(kept, abs=1e-14)


def test_c4_is_the_mean_of_the_standard_deviation() -> None:
    assert theory.c4(2) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-14, abs=0)
    assert theory.c4(10) == pytest.approx(0.9726593, abs=1e-7)  # as tabulated for control charts


def test_accumulated_data_keeps_a_share_for_ever() -> None:
    x = math.pi / math.sqrt(5)
    assert theory.accumulate_variance(5, 100_000) == pytest.approx(math.sin(x) / x, rel=1e-5)
    assert theory.accumulate_variance(5, 100_000) > math.sin(x) / x


def test_fresh_data_alone_is_a_real_fit() -> None:
    assert theory.fresh_data_mean_variance(40, 0) == 1 / 40
    assert 1 / theory.fresh_data_mean_variance(40, 10**12) == pytest.approx(81, rel=1e-9)


def test_symbols_drift_as_wright_and_fisher_say() -> None:
    truth, n = np.array([0.6, 0.3, 0.1]), 10
    rng = np.random.default_rng(11)
    p = np.tile(truth, (4_000, 1))
    for generation in range(200):
        p = rng.multinomial(n, p) / n  # (replicates, symbols)
        if generation == 6:
            assert abs(z_score(1 - (p**2).sum(1), theory.fully_synthetic_gini(truth.tolist(), n, 6))) < 4
    assert (p.max(1) == 1).all()  # every lineage has one symbol left
    for symbol, expected in enumerate(theory.fixation_probabilities([6, 3, 1])):
        assert abs(z_score(p[:, symbol], expected)) < 4


def test_kernels_widen_what_fits_narrow() -> None:
    n, bandwidth, real_variance = 8, 0.5, 4.0
    rng = np.random.default_rng(13)
    points = 2 * rng.standard_normal((20_000, n))
    for generation in range(6):
        expected = theory.kde_variance(n, generation, bandwidth, real_variance=real_variance)
        assert abs(z_score(points.var(1), expected)) < 4
        chosen = np.take_along_axis(points, rng.integers(n, size=points.shape), 1)
        points = chosen + bandwidth * rng.standard_normal(points.shape)
    assert theory.kde_variance(n, 10_000, bandwidth) == pytest.approx((n - 1) * bandwidth**2)


@pytest.mark.parametrize(("radius", "dim"), [(1.0, 1), (1.5, 3), (2.0, 10)])
def test_culling_shrinks_the_covariance_by_its_factor(radius: float, dim: int) -> None:
    points = np.random.default_rng(17).standard_normal((400_000, dim))
    inside = points[(points**2).sum(1) <= radius**2]
    assert len(inside) > 1000
    assert abs(z_score((inside**2).mean(1), theory.culling_factor(radius, dim))) < 4


def test_culling_at_its_ends() -> None:
    assert theory.culling_factor(50.0, 4) == pytest.approx(1, rel=1e-12, abs=0)
    assert theory.culling_factor(1e-40, 20) == pytest.approx(1e-80 / 22, rel=1e-12, abs=0)
    assert theory.culling_factor(1e-3, 2) == pytest.approx(1e-6 / 4, rel=1e-5, abs=0)


@pytest.mark.parametrize("n", [1, 2, 100, 10**7])
def test_a_real_fit_is_worth_its_own_points(n: int) -> None:
    assert theory.effective_sample_size(1 / n, 1 - 1 / n) == pytest.approx(n, rel=1e-9)
    assert theory.effective_sample_size(1 / n, 1.0, unbiased=True) == pytest.approx(n, rel=1e-12, abs=0)


@pytest.mark.parametrize("unbiased", [False, True])
def test_a_worse_fit_is_worth_fewer_points(unbiased: bool) -> None:
    fits = [(0.0, 1.0), (0.1, 0.9), (0.1, 0.5), (0.5, 0.5), (1.5, 0.1), (1.0, 0.0), (2.0, 9.0)]
    sizes = [theory.effective_sample_size(v, kept, unbiased=unbiased) for v, kept in fits]
    assert sizes[0] == math.inf
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
