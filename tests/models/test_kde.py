import numpy as np
import pytest
from scipy.stats import gaussian_kde, multivariate_normal

from autophagy.core.errors import ConfigError
from autophagy.core.parts import LinearFamily
from autophagy.models.kde import Kde


def points(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 2)) @ np.array([[1.0, 0.4], [0.0, 2.0]])


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_rules_are_scipys(rule, fit) -> None:
    x, asked = points(60), points(25, seed=1) + 100
    sampler, reference = fit(Kde(bandwidth=rule), x + 100), gaussian_kde(x.T + 100, bw_method=rule)
    assert sampler.kernel == pytest.approx(reference.covariance)
    assert sampler.log_prob(asked) == pytest.approx(reference.logpdf(asked.T))


def test_a_fixed_bandwidth_is_a_mean_of_normal_densities(fit) -> None:
    x, asked = points(30), points(10, seed=1)
    density = np.mean([multivariate_normal(p, 0.3**2 * np.eye(2)).pdf(asked) for p in x], axis=0)
    assert fit(Kde(bandwidth=0.3), x).log_prob(asked) == pytest.approx(np.log(density))


def test_log_prob_in_blocks_is_log_prob_at_once(fit) -> None:
    sampler, asked = fit(Kde(), points(3000)), points(3000, seed=1)  # more than one block of 2²² pairs
    assert sampler.log_prob(asked)[1500:1510] == pytest.approx(sampler.log_prob(asked[1500:1510]))


@pytest.mark.parametrize("bandwidth", [1e-4, 1e-8])
def test_a_kernel_far_narrower_than_the_data_keeps_its_density(fit, bandwidth) -> None:
    x = np.array([[-1.0], [0.3], [1.0]])
    own = np.log(1 / 3) - np.log(bandwidth) - 0.5 * np.log(2 * np.pi)  # one kernel, seen alone
    assert fit(Kde(bandwidth=bandwidth), x).log_prob(x) == pytest.approx(np.full(3, own), abs=1e-4)


def test_draws_are_training_points_with_noise_of_variance_bias_h_squared(fit, draw) -> None:
    x = 100 * np.arange(20.0)[:, None] * np.ones((1, 2))  # so far apart that each draw betrays its point
    for bias in (1.0, 0.25):
        drawn = draw(fit(Kde(bandwidth=2.0), x), 40_000, bias=bias)
        nearest = np.rint(drawn / 100) * 100
        assert np.bincount(np.rint(drawn[:, 0] / 100).astype(int)) == pytest.approx(2000, abs=4 * np.sqrt(2000))
        assert (drawn - nearest).var(0) == pytest.approx(4 * bias, rel=0.03)


def test_fully_synthetic_variance_moves_as_on_paper(chain, z_score) -> None:
    """Oracle 6: E[v_{t+1}] = (1−1/n)(E[v_t] + h²), from E[v_1] = (1−1/n) σ0²."""
    n, h = 10, 0.7
    runs = []
    for r in range(1500):
        x = np.random.default_rng(r).standard_normal((n, 1))
        runs.append([s.points.var() for s in chain(Kde(bandwidth=h), x, 4, seed=r)])
    expected = 1 - 1 / n
    for t, values in enumerate(np.array(runs).T):
        assert abs(z_score(values, expected)) < 4, t
        expected = (1 - 1 / n) * (expected + h**2)


def test_the_forecast_covers_a_fixed_bandwidth_only() -> None:
    assert Kde(bandwidth=0.5).linear_family() == LinearFamily(takes_bias=False, added=0.25)
    assert Kde(bandwidth="scott").linear_family() is None


@pytest.mark.parametrize("bandwidth", [0, -1, "wide"])
def test_a_bandwidth_that_is_none_is_refused(bandwidth) -> None:
    with pytest.raises(ConfigError, match="bandwidth"):
        Kde(bandwidth=bandwidth)
