"""Closed forms that a simulated ensemble must give: means over thousands of replicates, by z-scores, seeds fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import digamma

from autophagy import FRESH, REAL, Experiment, Mixture, drawn, register
from autophagy.core.parts import Loop
from autophagy.simulate.course import Course
from autophagy.simulate.ensemble import Ensemble
from autophagy.simulate.families import CategoricalFit
from autophagy.simulate.walk import walk
from autophagy.theory import closed_forms

BOUND = 4.0
REPLICATES = 6000
PLANE = {"use": "normal", "dim": 2, "mean": [1.0, -2.0], "covariance": [[2.0, 0.6], [0.6, 0.5]]}
LINE = {"use": "normal", "dim": 1}


@register("all-at-once")
@dataclass(frozen=True)
class AllAtOnce(Loop):
    """Fixed, fresh, t − 1 and t − 2, in parts."""

    def mixture(self, generation: int) -> Mixture:
        older = (drawn(generation - 2).some(6),) if generation > 1 else ()
        return Mixture((REAL.some(8), FRESH.some(5), drawn(generation - 1).some(9), *older))


def experiment(loop: Any, *, generations: int = 4, n: int = 12, **arm: Any) -> Experiment:
    base: Mapping[str, Any] = {"source": PLANE, "model": "gaussian", "real": n, "samples": n, "gallery": 0}
    return Experiment.of({"generations": generations, "arms": {"arm": {**base, "loop": loop, **arm}}})


def ensemble(loop: Any, *, replicates: int = REPLICATES, **settings: Any) -> Ensemble:
    return experiment(loop, **settings).simulate(replicates=replicates)


def agree(values: np.ndarray, truth: Any) -> None:
    """`values` are `(generations, replicates)`; each row's mean must be the truth within 4 standard errors."""
    error = values.std(1, ddof=1) / np.sqrt(values.shape[1])
    z = (values.mean(1) - np.asarray(truth)) / error
    assert np.abs(z).max() < BOUND, f"z = {np.round(z, 2).tolist()}"


LOOPS = {
    "replace": "fully-synthetic",
    "replace with fewer": {"use": "fully-synthetic", "size": 7},
    "augmentation": "synthetic-augmentation",
    "augmentation-all": {"use": "synthetic-augmentation", "keep": "all"},
    "augmentation by parts": {"use": "synthetic-augmentation", "real": 5, "size": 6},
    "fresh": {"use": "fresh-data", "real": 5},
    "fresh-memory": {"use": "fresh-data", "real": 5, "synthetic": 7, "memory": 2},
    "share": {"use": "fixed-share", "synthetic": 0.25},
    "accumulate": "accumulate",
    "subsample": {"use": "accumulate-subsample", "size": 12},
    "real-only": "real-only",
    "all at once, then synthetic, then healed": [
        {"use": "all-at-once", "generations": 2},
        {"use": "fully-synthetic", "generations": 1},
        {"use": "synthetic-augmentation", "real": 4},
    ],
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
@pytest.mark.parametrize("family", ["gaussian", "categorical"])
def test_block_recursion_and_conservation(loop: Any, family: str) -> None:
    """Oracles 1 and 4, also for symbols: what is kept is as forecast, and the mean wanders by what is lost."""
    source = PLANE if family == "gaussian" else {"use": "categorical", "probabilities": [0.5, 0.3, 0.15, 0.05]}
    arm = ensemble(loop, model=family, source=source).arms["arm"]
    assert arm.forecast.is_exact
    kept = np.array(arm.forecast.kept_variance)
    agree(arm.readings[str(arm.foretold)], kept)
    if family == "gaussian":
        agree(arm.readings["mean_error"], 1 - kept)
        agree(arm.readings["mean_error"] + arm.readings["variance_ratio"], np.ones(len(kept)))


@pytest.mark.parametrize("bias", [1.0, 0.8])
def test_unbiased_fully_synthetic_with_bias(bias: float) -> None:
    """Oracle 2: the mean's wander, the logarithm of the variance, and W2², in one dimension."""
    n, fits = 10, 5
    model = {"use": "gaussian", "unbiased": True}
    found = ensemble("fully-synthetic", n=n, bias=bias, model=model, source=LINE).arms["arm"].readings
    t = np.arange(1, fits + 1)
    agree(found["mean_error"], [(1 + sum(bias**s for s in range(1, k))) / n for k in t])
    agree(found["log_variance"], t * (digamma((n - 1) / 2) - np.log((n - 1) / 2)) + (t - 1) * np.log(bias))
    agree(found["w2_squared"], [closed_forms.fully_synthetic_wasserstein(n, int(k) - 1, bias=bias) for k in t])


def test_the_determinant_falls_as_a_product_of_wisharts() -> None:
    """Oracle 2, maximum likelihood, three dimensions: E ln det Σ_t adds ψ of each degree of freedom at every fit."""
    n, d, fits = 9, 3, 5
    found = ensemble("fully-synthetic", n=n, source={"use": "normal", "dim": d}).arms["arm"].readings
    one = sum(digamma((n - 1 - i) / 2) for i in range(d)) / d + np.log(2 / n)
    agree(found["log_variance"], one * np.arange(1, fits + 1))


def test_two_thousand_generations_do_not_underflow() -> None:
    """Three points a generation: the variance ends at e^−1960, far below the smallest number there is."""
    found = ensemble("fully-synthetic", n=3, generations=2000, source=LINE, replicates=1500).arms["arm"].readings
    checked = [0, 500, 1000, 2000]
    agree(
        found["log_variance"][checked],
        [closed_forms.fully_synthetic_log_variance(3, generation) for generation in checked],
    )
    assert (found["variance_ratio"][-1] == 0).all()
    assert np.isfinite(found["w2"]).all()


def test_accumulating_matches_its_closed_form() -> None:
    """Oracle 3: E[Σ_t] = Σ0 Π (1 − 1/(n k²))."""
    found = ensemble("accumulate", n=6).arms["arm"].readings["variance_ratio"]
    agree(found, np.cumprod(1 - 1 / (6 * np.arange(1, 6) ** 2)))


def test_drift_fixes_on_a_symbol_with_its_first_probability() -> None:
    """Oracle 5: P(finally fixed at i) = p0_i; and a symbol once lost never returns."""
    p0 = np.array([0.6, 0.3, 0.1])
    course = Course.of(
        experiment(
            "fully-synthetic",
            n=3,
            generations=25,
            model="categorical",
            source={"use": "categorical", "probabilities": p0.tolist()},
        ).plan()
    )
    fits = [done.fit for done in walk(course, 20_000)]
    chances = np.array([fit.p for fit in fits if isinstance(fit, CategoricalFit)])  # (generations, R, k)
    is_lost = chances == 0
    assert (is_lost[1:] >= is_lost[:-1]).all()
    is_fixed = chances[-1].max(1) == 1
    assert is_fixed.mean() > 0.999
    agree(chances[-1, is_fixed].T, p0)


def test_kernel_density_gains_its_bandwidth() -> None:
    """Oracle 6: E[v_{t+1}] = (1 − 1/n)(E[v_t] + h²), v the training set's."""
    n, h = 10, 0.5
    found = ensemble("fully-synthetic", n=n, model={"use": "kde", "bandwidth": h}, source=LINE).arms["arm"]
    agree(found.readings["variance_ratio"], [closed_forms.kde_variance(n, g, h) for g in range(5)])


@pytest.mark.parametrize("bias", [1.0, 0.7])
def test_regression_forgets_its_weights_at_the_rate_of_its_noise(bias: float) -> None:
    """Each fit adds σ̂² p/(n − p − 1) to E‖ŵ − w0‖², and the unbiased σ̂² falls by λ (Dohmatob et al. 2024)."""
    n, p = 14, 2
    found = ensemble(
        "fully-synthetic",
        n=n,
        bias=bias,
        model={"use": "linear-regression", "unbiased": True},
        source={"use": "normal", "dim": 3, "covariance": [[1, 0, 0.5], [0, 1, -1], [0.5, -1, 2.25]]},
    )
    readings = found.arms["arm"].readings
    agree(readings["noise_ratio"], [bias**g for g in range(5)])
    agree(readings["weight_error"], [p / (n - p - 1) * sum(bias**s for s in range(g + 1)) for g in range(5)])


def test_a_shrinking_bias_is_as_forecast() -> None:
    found = ensemble({"use": "fresh-data", "real": 6}, bias=0.7).arms["arm"]
    agree(found.readings["variance_ratio"], found.forecast.kept_variance)


def test_eating_from_another_arm_is_as_forecast() -> None:
    base = {"source": LINE, "model": "gaussian", "real": 10, "gallery": 0}
    arms = {
        "other": {"loop": "fully-synthetic"},
        "arm": {"loop": {"use": "synthetic-augmentation", "arm": "other"}},
    }
    found = Experiment.of({"generations": 3, "base": base, "arms": arms}).simulate(replicates=REPLICATES).arms["arm"]
    assert found.forecast.is_exact
    agree(found.readings["variance_ratio"], found.forecast.kept_variance)
