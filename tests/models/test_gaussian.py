import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import multivariate_normal

from autophagy.core.errors import DataError
from autophagy.core.parts import LinearFamily
from autophagy.models.gaussian import Gaussian

SIGMA0 = np.array([[2.0, 0.6], [0.6, 0.5]])


def real(replicate: int, n: int, d: int = 2) -> np.ndarray:
    root = np.linalg.cholesky(SIGMA0) if d == 2 else np.eye(d)
    return np.random.default_rng(replicate).standard_normal((n, d)) @ root.T


def test_the_fit_is_numpys_mean_and_covariance(fit) -> None:
    x = real(0, 50)
    mean, covariance = fit(Gaussian(), x).moments()
    assert mean == pytest.approx(x.mean(0))
    assert covariance == pytest.approx(np.cov(x.T, ddof=0))
    assert fit(Gaussian(unbiased=True), x).moments()[1] == pytest.approx(np.cov(x.T, ddof=1))


def test_draws_have_the_fitted_moments_and_bias_scales_the_covariance_alone(fit, draw) -> None:
    sampler = fit(Gaussian(), real(0, 50) + 4)
    mean, covariance = sampler.moments()
    x = draw(sampler, 400_000, bias=0.25)
    assert x.mean(0) == pytest.approx(mean, abs=0.005)
    assert np.cov(x.T) == pytest.approx(0.25 * covariance, abs=0.005)


def test_log_prob_is_scipys(fit) -> None:
    sampler = fit(Gaussian(), real(0, 50))
    mean, covariance = sampler.moments()
    asked = real(1, 20)
    assert sampler.log_prob(asked) == pytest.approx(multivariate_normal(mean, covariance).logpdf(asked))


def test_a_singular_covariance_is_drawn_from_without_leaving_its_line(fit, draw) -> None:
    line = np.linspace(-1, 1, 30)[:, None] * np.array([[1.0, 2.0, -1.0]])
    x = draw(fit(Gaussian(), line), 100)
    assert x[:, 1] == pytest.approx(2 * x[:, 0], abs=1e-7)
    assert x[:, 0].std() > 0.3


def test_an_unbiased_covariance_needs_two_samples(fit) -> None:
    with pytest.raises(DataError, match="at least 2 samples"):
        fit(Gaussian(unbiased=True), np.zeros((1, 2)))


def test_the_forecast_knows_the_divisor() -> None:
    assert Gaussian().linear_family() == LinearFamily()
    assert Gaussian(unbiased=True).linear_family() == LinearFamily(is_unbiased=True)


def test_fully_synthetic_mle_loses_and_conserves_variance_as_on_paper(chain, z_score) -> None:
    """Oracles 1 and 2: E[Σ_t] = (1−1/n)^t Σ0, and what Σ loses the mean gains."""
    n, replicates = 12, 1500
    runs = [[s.moments() for s in chain(Gaussian(), real(r, n), 4, seed=r)] for r in range(replicates)]
    for t in range(1, 5):
        means, covariances = (np.array([run[t - 1][i] for run in runs]) for i in (0, 1))
        for i, j in ((0, 0), (0, 1), (1, 1)):
            assert abs(z_score(covariances[:, i, j], (1 - 1 / n) ** t * SIGMA0[i, j])) < 4
            kept = covariances[:, i, j] + means[:, i] * means[:, j]
            assert abs(z_score(kept, SIGMA0[i, j])) < 4


def test_fully_synthetic_unbiased_with_bias_follows_the_closed_forms(chain, z_score) -> None:
    """Oracle 2 in one dimension: E[ln var_t] and E‖μ_t‖²."""
    n, bias, replicates, t = 10, 0.8, 2000, 4
    last = [chain(Gaussian(unbiased=True), real(r, n, 1), t, bias, seed=r)[-1].moments() for r in range(replicates)]
    half = (n - 1) / 2
    log_variance = t * (digamma(half) - np.log(half)) + (t - 1) * np.log(bias)
    assert abs(z_score([np.log(c[0, 0]) for _, c in last], log_variance)) < 4
    assert abs(z_score([m[0] ** 2 for m, _ in last], sum(bias**s for s in range(t)) / n)) < 4
