import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.core.seeds import Seed
from autophagy.testing import check

SETTINGS = [{}, {"centre": 1.0, "along": 0.05, "across": 5.0}, {"centre": -2.0, "along": 3.0, "across": 0.4}]
N = 40_000


@pytest.fixture(params=SETTINGS, ids=str)
def source(request):
    return build("source", {"use": "rosenbrock", **request.param})


def test_it_keeps_the_claims_of_a_source(source) -> None:
    assert check(source)


def test_samples_have_the_moments_that_are_known(source) -> None:
    mean, covariance = source.moments()
    x = source.draw(N, Seed(("moments",)))
    gap = x - mean
    for values, truth in ((x, mean), (gap[:, :, None] * gap[:, None, :], covariance)):
        error = values.std(0, ddof=1) / np.sqrt(N)
        assert (np.abs(values.mean(0) - truth) < 4 * error).all()


def test_both_halves_of_the_exponent_are_chi_squared(source) -> None:
    """2a (x₁ − μ)² and 2b (x₂ − x₁²)² are squares of independent standard normal numbers."""
    from scipy.stats import kstest

    first, second = source.draw(N, Seed(("density",))).T
    along = (first - source.centre) * np.sqrt(2 * source.along)
    across = (second - first**2) * np.sqrt(2 * source.across)
    assert kstest(along, "norm").pvalue > 1e-3
    assert kstest(across, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(along**2, across**2)[0, 1]) < 4 / np.sqrt(N)


@pytest.mark.parametrize("field", ["along", "across"])
def test_a_flat_ridge_is_refused(field) -> None:
    with pytest.raises(ConfigError, match=field):
        build("source", {"use": "rosenbrock", field: 0.0})
