"""Closed forms that the engine itself must give: the very loops, plans and turns that run the large models.

Every test runs thousands of lineages through `Experiment.run` in memory and
compares means over lineages with theory by z-scores: |z| < 4, seeds fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import beta

from autophagy import FRESH, REAL, Experiment, Mixture, Run, drawn, register
from autophagy.core.parts import GaussianSampler, Loop
from autophagy.theory import closed_forms

BOUND = 4.0


@register("four-way")
@dataclass(frozen=True)
class FourWay(Loop):
    """Fixed, fresh, t − 1 and t − 2 at once."""

    def mixture(self, generation: int) -> Mixture:
        older = (drawn(generation - 2).some(6),) if generation > 1 else ()
        return Mixture((REAL.some(8), FRESH.some(5), drawn(generation - 1).some(9), *older))


@register("both")
@dataclass(frozen=True)
class Both(Loop):
    """The last generation of this arm and of the one called "other"."""

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation - 1).whole(), drawn(generation - 1, "other").whole()))


def lineages(loop: Any, *, seeds: int = 2000, generations: int = 4, n: int = 12, **arm: Any) -> Run:
    """Runs one arm of a 2-D Gaussian (unless told otherwise) under many seeds."""
    base: Mapping[str, Any] = {
        "source": {"use": "normal", "dim": 2, "mean": [1.0, -2.0], "covariance": [[2.0, 0.6], [0.6, 0.5]]},
        "model": "gaussian",
        "real": n,
        "samples": n,
        "gallery": 0,
        "loop": loop,
    }
    settings = {"seeds": list(range(seeds)), "generations": generations, "keep_models": "all"}
    return Experiment.of({**settings, "arms": {"arm": {**base, **arm}}}).run()


def moments(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Fitted means `(seeds, generations, d)` and covariances `(seeds, generations, d, d)`."""
    experiment = run.plan.experiment
    found = [
        [_fitted(run, seed, generation).moments() for generation in range(experiment.generations + 1)]
        for seed in experiment.seeds
    ]
    return np.array([[m for m, _ in row] for row in found]), np.array([[c for _, c in row] for row in found])


def _fitted(run: Run, seed: int, generation: int) -> GaussianSampler:
    sampler = run.sampler("arm", seed, generation)
    assert isinstance(sampler, GaussianSampler)
    return sampler


def agree(values: np.ndarray, truth: np.ndarray | float) -> None:
    """`values` are `(seeds, …)`; their mean must be the truth within 4 standard errors, entry by entry."""
    error = values.std(0, ddof=1) / np.sqrt(len(values))
    z = (values.mean(0) - truth) / error
    assert np.abs(z).max() < BOUND, f"z = {np.round(z, 2).tolist()}"


def truth(run: Run) -> tuple[np.ndarray, np.ndarray]:
    source = run.plan.experiment.arms["arm"].source
    mean, covariance = source.moments()  # type: ignore[attr-defined]
    return mean, covariance


def forecast(run: Run) -> np.ndarray:
    from autophagy.experiment.forecasts import forecasts

    found = forecasts(run.plan)["arm"]
    assert found.is_exact, found.reason
    return np.array(found.kept_variance)


LOOPS = {
    "replace": "fully-synthetic",
    "augmentation": "synthetic-augmentation",
    "augmentation-all": {"use": "synthetic-augmentation", "keep": "all"},
    "fresh": {"use": "fresh-data", "real": 5},
    "fresh-memory": {"use": "fresh-data", "real": 5, "synthetic": 7, "memory": 2},
    "share": {"use": "fixed-share", "synthetic": 0.25},
    "share-of-total": {"use": "fixed-share", "synthetic": 0.5, "total": 10},
    "accumulate": "accumulate",
    "subsample": {"use": "accumulate-subsample", "size": 12},
    "real-only": "real-only",
    "four-way, then synthetic, then healed": [
        {"use": "four-way", "generations": 2},
        {"use": "fully-synthetic", "generations": 2},
        {"use": "synthetic-augmentation", "real": 4},
    ],
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
def test_block_recursion_and_conservation(loop: Any) -> None:
    """Oracles 1 and 4: variance lost by the fit is variance of its mean, and both are as forecast, in every loop."""
    run = lineages(loop)
    mean0, sigma0 = truth(run)
    means, covariances = moments(run)
    kept = forecast(run)[:, None, None]  # (generations, 1, 1)
    gap = means - mean0
    wander = gap[..., :, None] * gap[..., None, :]  # (seeds, generations, d, d)
    agree(covariances, kept * sigma0)
    agree(wander, (1 - kept) * sigma0)
    agree(covariances + wander, np.broadcast_to(sigma0, kept.shape[:1] + sigma0.shape))


def test_fully_synthetic_matches_its_closed_form() -> None:
    """Oracle 2, maximum likelihood: E[Σ_t] = (1 − 1/n)^t Σ0."""
    run = lineages("fully-synthetic", n=10)
    expected = (1 - 1 / 10) ** np.arange(1, 6)
    np.testing.assert_allclose(forecast(run), expected, rtol=1e-12)
    agree(np.log(np.linalg.det(moments(run)[1])), _log_det_replace(10, 5, truth(run)[1]))


def _log_det_replace(n: int, fits: int, sigma0: np.ndarray) -> np.ndarray:
    """E[ln det Σ_t] under replacement: each fit adds the expected log-determinant of a Wishart's share."""
    one = sum(digamma((n - 1 - i) / 2) for i in range(2)) + 2 * np.log(2 / n)
    return np.log(np.linalg.det(sigma0)) + one * np.arange(1, fits + 1)


@pytest.mark.parametrize("bias", [1.0, 0.8])
def test_unbiased_fully_synthetic_with_bias(bias: float) -> None:
    """Oracle 2, unbiased with λ: the mean's wander, the logarithm of the variance and W2², in one dimension."""
    n, fits = 10, 5
    run = lineages(
        "fully-synthetic",
        n=n,
        seeds=4000,
        generations=fits - 1,
        bias=bias,
        model={"use": "gaussian", "unbiased": True},
        source={"use": "normal", "dim": 1},
    )
    means, variances = (a.reshape(4000, fits) for a in moments(run))
    t = np.arange(1, fits + 1)
    agree(means**2, np.array([(1 + sum(bias**s for s in range(1, k))) / n for k in t]))
    agree(np.log(variances), t * (digamma((n - 1) / 2) - np.log((n - 1) / 2)) + (t - 1) * np.log(bias))
    agree(
        means**2 + (np.sqrt(variances) - 1) ** 2,
        np.array([closed_forms.fully_synthetic_wasserstein(n, int(k) - 1, bias=bias) for k in t]),
    )


@pytest.mark.parametrize("bias", [1.0, 0.9])
def test_unbiased_fully_synthetic_in_two_dimensions(bias: float) -> None:
    """Oracle 2, unbiased with λ: E[Σ_t] = λ^(t − 1) Σ0, the mean's wander, and the log determinant's."""
    n, fits, seeds = 30, 4, 2000
    model = {"use": "gaussian", "unbiased": True}
    run = lineages("fully-synthetic", n=n, seeds=seeds, generations=fits - 1, bias=bias, model=model)
    (mean0, sigma0), (means, covariances) = truth(run), moments(run)
    t = np.arange(1, fits + 1)
    agree(covariances, bias ** (t - 1)[:, None, None] * sigma0)
    wander = np.array([1 + sum(bias**s for s in range(1, k)) for k in t])
    agree(np.square(means - mean0).sum(2), np.trace(sigma0) / n * wander)
    one = sum(digamma((n - 1 - i) / 2) for i in range(2)) + 2 * np.log(2 / (n - 1))
    lost = np.log(np.linalg.det(covariances)) - np.log(np.linalg.det(sigma0))
    agree(lost, t * one + 2 * (t - 1) * np.log(bias))


def test_accumulating_matches_its_closed_form() -> None:
    """Oracle 3: E[Σ_t] = Σ0 Π (1 − 1/(n k²))."""
    run = lineages("accumulate", n=6)
    np.testing.assert_allclose(forecast(run), np.cumprod(1 - 1 / (6 * np.arange(1, 6) ** 2)), rtol=1e-12)
    agree(moments(run)[1], forecast(run)[:, None, None] * truth(run)[1])


def test_drift_of_frequencies() -> None:
    """Oracle 5: Gini of a categorical loop shrinks by 1 − 1/n a generation, and a lost symbol never returns."""
    p0, n = np.array([0.5, 0.3, 0.15, 0.05]), 12
    run = lineages(
        "fully-synthetic",
        n=n,
        seeds=2000,
        model="categorical",
        source={"use": "categorical", "probabilities": p0.tolist()},
    )
    counts = np.array(
        [[np.bincount(run.samples("arm", s, g).samples, minlength=4) for g in range(5)] for s in range(2000)]
    )  # (seeds, generations, symbols)
    gini = 1 - ((counts / n) ** 2).sum(-1)
    agree(gini, (1 - 1 / n) ** np.arange(2, 7) * (1 - (p0**2).sum()))
    np.testing.assert_allclose(forecast(run), (1 - 1 / n) ** np.arange(1, 6), rtol=1e-12)
    is_gone = counts == 0
    assert (is_gone[:, 1:] >= is_gone[:, :-1]).all()
    agree(is_gone[:, 0].astype(float), np.array(_absent_after_two_draws(p0, n)))


def _absent_after_two_draws(p0: np.ndarray, n: int) -> list[float]:
    """P(a symbol is in none of n draws from the frequencies of n draws)."""
    from scipy.stats import binom

    k = np.arange(n + 1)
    return [float((binom.pmf(k, n, p) * (1 - k / n) ** n).sum()) for p in p0]


def test_drift_fixes_on_a_symbol_with_its_first_probability() -> None:
    """Oracle 5: P(finally fixed at i) = p0_i."""
    p0 = np.array([0.6, 0.3, 0.1])
    run = lineages(
        "fully-synthetic",
        n=3,
        seeds=1500,
        generations=20,
        model="categorical",
        source={"use": "categorical", "probabilities": p0.tolist()},
    )
    last = np.array([np.bincount(run.samples("arm", s, 20).samples, minlength=3) for s in range(1500)])
    fixed = last.max(1) == 3
    assert fixed.mean() > 0.99
    agree((last == 3)[fixed].astype(float), p0)


def test_kernel_density_gains_its_bandwidth() -> None:
    """Oracle 6: E[v_{t+1}] = (1 − 1/n)(E[v_t] + h²)."""
    n, h = 10, 0.5
    run = lineages("fully-synthetic", n=n, model={"use": "kde", "bandwidth": h}, source={"use": "normal", "dim": 1})
    variances = np.array([[run.samples("arm", s, g).samples.var() for g in range(5)] for s in range(2000)])
    expected = [(1 - 1 / n) * 1.0]
    for _ in range(5):
        expected.append((1 - 1 / n) * (expected[-1] + h**2))
    np.testing.assert_allclose(forecast(run), expected[:5], rtol=1e-12)  # of the training set, before the kernel
    agree(variances, np.array(expected[1:]))


def test_culling_to_a_radius_shrinks_the_covariance() -> None:
    """Oracle 7: Mahalanobis radius c multiplies Σ by P(d/2 + 1, c²/2)/P(d/2, c²/2)."""
    run = lineages(
        "fully-synthetic",
        n=4000,
        seeds=40,
        generations=0,
        curators=[{"use": "quality", "score": "mahalanobis", "radius": 1.5}],
    )
    fitted = moments(run)[1][:, 0]  # (seeds, d, d) what was drawn from
    kept = np.array([np.cov(run.samples("arm", s, 0).samples.T) for s in range(40)])
    share = closed_forms.culling_factor(1.5, 2)
    agree(np.trace(kept, axis1=1, axis2=2) / np.trace(fitted, axis1=1, axis2=2), share)


def test_every_generation_is_culled_to_its_own_radius() -> None:
    """Oracle 7 over generations, exact: squared distances in a sample are (n − 1)²/n times Beta(d/2, (n − d − 1)/2)."""
    n, d, radius, seeds, generations = 40, 2, 1.5, 1000, 4
    culled = {"use": "quality", "score": "mahalanobis", "radius": radius, "against": "fresh"}
    run = lineages("fully-synthetic", n=n, seeds=seeds, generations=generations, curators=[culled])
    shares, seconds = np.empty((2, seeds, generations + 1))
    for turn in run.plan.turns:
        drawn, kept = (run.store.pool(key).samples for key in (turn.draw, turn.kept))
        gap = kept - drawn.mean(0)
        squares = np.einsum("ni,ij,nj->n", gap, np.linalg.inv(np.cov(drawn.T)), gap)
        assert squares.max() <= radius**2 * (1 + 1e-9)
        shares[turn.seed, turn.number] = len(kept) / n
        seconds[turn.seed, turn.number] = squares.sum() / n
        if turn.number < generations:  # and the next one is fitted to just these
            mean, covariance = _fitted(run, turn.seed, turn.number + 1).moments()
            np.testing.assert_allclose(mean, kept.mean(0), rtol=1e-9)
            np.testing.assert_allclose(covariance, np.cov(kept.T, ddof=0), rtol=1e-9)
    law, scale = beta(d / 2, (n - d - 1) / 2), (n - 1) ** 2 / n
    share = law.cdf(radius**2 / scale)
    agree(shares, share)
    second = scale * law.mean() * beta(d / 2 + 1, (n - d - 1) / 2).cdf(radius**2 / scale)
    agree(seconds, second)
    assert second / share / d == pytest.approx(closed_forms.culling_factor(radius, d), rel=3 / n)


def test_a_shrinking_bias_is_forecast_exactly() -> None:
    """λ = 0.7 in a loop with real data: the recursion keeps track of variance that draws give away."""
    run = lineages({"use": "fresh-data", "real": 6}, bias=0.7)
    agree(moments(run)[1], forecast(run)[:, None, None] * truth(run)[1])


def test_eating_from_another_arm_is_forecast_exactly() -> None:
    settings = {
        "seeds": list(range(2000)),
        "generations": 3,
        "keep_models": "all",
        "base": {"source": {"use": "normal", "dim": 1}, "model": "gaussian", "real": 10, "gallery": 0},
        "arms": {
            "other": {"loop": "fully-synthetic"},
            "arm": {"loop": {"use": "synthetic-augmentation", "arm": "other"}},
        },
    }
    run = Experiment.of(settings).run()
    agree(moments(run)[1].reshape(2000, 4), forecast(run))


def test_mixing_its_own_and_another_arms_output_is_forecast_exactly() -> None:
    """Arms share random numbers; one that eats from another must not, or its two halves would agree by chance."""
    settings = {
        "seeds": list(range(2000)),
        "generations": 3,
        "keep_models": "all",
        "base": {"source": {"use": "normal", "dim": 1}, "model": "gaussian", "real": 10, "gallery": 0},
        "arms": {"other": {"loop": "synthetic-augmentation"}, "arm": {"loop": "both"}},
    }
    run = Experiment.of(settings).run()
    agree(moments(run)[1].reshape(2000, 4), forecast(run))
