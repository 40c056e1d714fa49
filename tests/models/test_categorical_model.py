from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chisquare

from autophagy.core.errors import DataError
from autophagy.core.parts import LinearFamily
from autophagy.models.categorical import Categorical

P0 = np.array([0.5, 0.3, 0.15, 0.05])


def real(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(4, n, p=P0)


def gini(sampler) -> float:
    return 1 - float((sampler.probabilities**2).sum())


def test_a_fit_is_the_relative_frequencies(fit) -> None:
    sampler = fit(Categorical(), np.array([7, -2, 7, 7]))
    assert sampler.symbols.tolist() == [-2, 7]
    assert sampler.probabilities.tolist() == [0.25, 0.75]


def test_draws_are_multinomial(fit, draw) -> None:
    sampler = fit(Categorical(), real(1000, 0))
    counts = np.bincount(draw(sampler, 20_000), minlength=4)
    assert chisquare(counts, 20_000 * sampler.probabilities).pvalue > 1e-4


@pytest.mark.parametrize("bias", [0.5, 0.01, 1e-6])
def test_bias_is_a_temperature(bias, fit, draw) -> None:
    drawn = draw(fit(Categorical(), np.repeat([0, 1, 2], [2, 3, 5])), 20_000, bias=bias)
    logs = np.log([2, 3, 5]) / bias
    expected = np.exp(logs - logs.max())
    assert np.bincount(drawn, minlength=3) / 20_000 == pytest.approx(expected / expected.sum(), abs=0.015)


def test_log_prob_of_unknown_symbols_is_minus_infinity(fit) -> None:
    found = fit(Categorical(), np.array([1, 1, 4])).log_prob(np.array([4, 1, 0, 3, 9]))
    assert found == pytest.approx([np.log(1 / 3), np.log(2 / 3), -np.inf, -np.inf, -np.inf])


def test_smoothing_adds_to_every_count(fit) -> None:
    x = np.array([0, 0, 2])
    assert fit(Categorical(smoothing=1), x).probabilities == pytest.approx([3 / 5, 2 / 5])
    assert fit(Categorical(smoothing=1, alphabet=4), x).probabilities == pytest.approx([3 / 7, 1 / 7, 2 / 7, 1 / 7])


@pytest.mark.parametrize("symbol", [-1, 4])
def test_a_symbol_outside_the_alphabet_is_refused(symbol, fit) -> None:
    with pytest.raises(DataError, match=f"got the symbol {symbol}"):
        fit(Categorical(alphabet=4), np.array([0, symbol]))


def test_the_forecast_covers_plain_frequencies_only() -> None:
    assert Categorical().linear_family() == LinearFamily(takes_bias=False)
    assert Categorical(smoothing=0.5).linear_family() is None


def test_fully_synthetic_diversity_drifts_as_on_paper(chain, z_score) -> None:
    """Oracle 5: E[1−Σp²]_t = (1−1/n)^t (1−Σp0²)."""
    n = 10
    runs = np.array([[gini(s) for s in chain(Categorical(), real(n, r), 5, seed=r)] for r in range(1500)])
    for t in range(1, 6):
        assert abs(z_score(runs[:, t - 1], (1 - 1 / n) ** t * (1 - (P0**2).sum()))) < 4


def test_a_lost_symbol_never_returns_and_fixation_has_the_first_probabilities(chain, z_score) -> None:
    """Oracle 5: P(finally fixed at i) = p0_i."""
    fixed = []
    for r in range(700):
        samplers = chain(Categorical(), real(4, r), 45, seed=r)
        alphabets = [set(s.symbols.tolist()) for s in samplers]
        assert all(later <= earlier for earlier, later in pairwise(alphabets))
        assert len(alphabets[-1]) == 1
        fixed.append(alphabets[-1].pop())
    for i, p in enumerate(P0):
        assert abs(z_score(np.array(fixed) == i, p)) < 4


def test_smoothing_over_an_alphabet_brings_symbols_back(chain) -> None:
    last = chain(Categorical(smoothing=0.5, alphabet=4), np.zeros(20, np.int64), 30)[-1]
    assert (last.probabilities > 0).all()
