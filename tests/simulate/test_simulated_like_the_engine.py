"""Simulated lineages against lineages that draw their points: `Experiment.run` in memory, two-sample tests.

Every statistic of every loop is a Kolmogorov–Smirnov test; a loop fails if its
smallest p, times the number of its tests, is below 0.001 (Bonferroni). Some
statistics hold two generations at once, so that the way they hang together is tested too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from autophagy import Experiment, Run
from autophagy.core.parts import GaussianSampler
from autophagy.models.categorical import FittedCategorical
from autophagy.models.kde import FittedKde
from autophagy.simulate.course import Course
from autophagy.simulate.families import CategoricalFit, GaussianFit, KdeFit, RegressionFit
from autophagy.simulate.laws import Normal
from autophagy.simulate.walk import Finished, walk

SEEDS, REPLICATES, GENERATIONS, N = 300, 4000, 3, 8
LEVEL = 0.001
PLANE = {"use": "normal", "dim": 2, "mean": [1.0, -2.0], "covariance": [[2.0, 0.6], [0.6, 0.5]]}
LABELLED = {"use": "normal", "dim": 3, "covariance": [[1, 0, 0.5], [0, 1, -1], [0.5, -1, 2.25]]}
SYMBOLS = {"use": "categorical", "probabilities": [0.5, 0.3, 0.15, 0.05]}
Moments = tuple[np.ndarray, np.ndarray]  # (generations, lineages, d) and (generations, lineages, d, d)

LOOPS: Mapping[str, Any] = {
    "fully-synthetic": "fully-synthetic",
    "augmentation": "synthetic-augmentation",
    "augmentation-all": {"use": "synthetic-augmentation", "keep": "all"},
    "fresh-data": {"use": "fresh-data", "real": 5, "synthetic": 6},
    "fixed-share": {"use": "fixed-share", "synthetic": 0.25},
    "accumulate": "accumulate",
    "accumulate-subsample": {"use": "accumulate-subsample", "size": N},
    "phases": [{"use": "fully-synthetic", "generations": 1}, {"use": "synthetic-augmentation", "real": 4}],
}


def experiment(loop: Any, **arm: Any) -> Experiment:
    base = {"source": PLANE, "model": "gaussian", "real": N, "samples": N, "gallery": 0, "loop": loop}
    settings = {"seeds": list(range(SEEDS)), "generations": GENERATIONS, "keep_models": "all"}
    return Experiment.of({**settings, "arms": {"arm": {**base, **arm}}})


def samplers(run: Run) -> list[list[Any]]:
    """By generation and seed."""
    return [[run.sampler("arm", seed, g) for seed in range(SEEDS)] for g in range(GENERATIONS + 1)]


def simulated(experiment: Experiment) -> list[Finished]:
    return list(walk(Course.of(experiment.plan()), REPLICATES))


def assert_alike(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> None:
    found = {name: float(ks_2samp(ours[name], theirs[name]).pvalue) for name in theirs}
    worst = min(found, key=found.__getitem__)
    assert found[worst] * len(found) > LEVEL, f"{worst}: p = {found[worst]:.2g} of {len(found)} tests"


def drawn_moments(run: Run) -> Moments:
    pairs = [[s.moments() for s in row if isinstance(s, GaussianSampler)] for row in samplers(run)]
    return np.array([[m for m, _ in row] for row in pairs]), np.array([[c for _, c in row] for row in pairs])


def simulated_moments(steps: list[Finished]) -> Moments:
    laws = [step.fit.normal if isinstance(step.fit, GaussianFit) else step.fit.law(1.0) for step in steps]
    normals = [law for law in laws if isinstance(law, Normal)]
    return np.array([n.mean for n in normals]), np.array([n.root @ n.root.swapaxes(1, 2) for n in normals])


def statistics(moments: Moments) -> dict[str, np.ndarray]:
    """`(lineages,)` each."""
    means, covariances = moments
    found = {}
    for g in (0, 1, GENERATIONS):
        found[f"mean {g}"] = means[g, :, -1]
        found[f"variance {g}"] = covariances[g, :, -1, -1]
        found[f"covariance {g}"] = covariances[g, :, 0, -1]
        found[f"total {g}"] = np.trace(covariances[g], axis1=1, axis2=2)
    found["step"] = np.linalg.norm(means[GENERATIONS] - means[1], axis=1)
    found["ratio"] = covariances[GENERATIONS, :, -1, -1] / covariances[1, :, -1, -1]
    found["covariance seen from the founder"] = np.einsum("ri,rij,rj->r", means[0], covariances[GENERATIONS], means[0])
    return found


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
def test_gaussians_are_distributed_alike(loop: Any) -> None:
    found = experiment(loop, bias=0.9, model={"use": "gaussian", "unbiased": True})
    ours, theirs = simulated_moments(simulated(found)), drawn_moments(found.run())
    assert_alike(statistics(ours), statistics(theirs))


def test_a_test_like_these_tells_another_loop_apart() -> None:
    """Accumulating is not augmenting with all but for the subsets: a course that forgot them would be found out."""
    kept = experiment({"use": "accumulate-subsample", "size": N})
    ours = simulated_moments(simulated(experiment({"use": "accumulate-subsample", "size": 2 * N})))
    with pytest.raises(AssertionError, match="p = "):
        assert_alike(statistics(ours), statistics(drawn_moments(kept.run())))


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_regressions_are_distributed_alike(ridge: float) -> None:
    model = {"use": "linear-regression", "ridge": ridge, "unbiased": True}
    found = experiment({"use": "fresh-data", "real": 5, "synthetic": 6}, model=model, source=LABELLED, bias=0.8)
    steps = simulated(found)
    assert all(isinstance(step.fit, RegressionFit) for step in steps)
    assert_alike(statistics(simulated_moments(steps)), statistics(drawn_moments(found.run())))


@pytest.mark.parametrize("bandwidth", [0.5, "scott"])
def test_kernel_densities_are_distributed_alike(bandwidth: float | str) -> None:
    found = experiment("synthetic-augmentation", model={"use": "kde", "bandwidth": bandwidth}, bias=0.5)
    theirs = [[s.points for s in row if isinstance(s, FittedKde)] for row in samplers(found.run())]
    ours = [step.fit.points.x for step in simulated(found) if isinstance(step.fit, KdeFit)]
    assert_alike(statistics(_of_points(ours)), statistics(_of_points([np.array(row) for row in theirs])))


def _of_points(generations: list[np.ndarray]) -> Moments:
    """Moments of training sets `(lineages, n, d)`."""
    gaps = [x - x.mean(1, keepdims=True) for x in generations]
    return np.array([x.mean(1) for x in generations]), np.array([g.swapaxes(1, 2) @ g / g.shape[1] for g in gaps])


@pytest.mark.parametrize("loop", ["fixed-share", "accumulate-subsample", "phases"])
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_symbols_are_distributed_alike(loop: str, smoothing: float) -> None:
    """Of every symbol's probability: numbers with few values, on which the test is cautious."""
    model = {"use": "categorical", "smoothing": smoothing, "alphabet": 4}
    found = experiment(LOOPS[loop], model=model, source=SYMBOLS, bias=0.8)
    fitted = [[s.probabilities for s in row if isinstance(s, FittedCategorical)] for row in samplers(found.run())]
    ours = np.array([step.fit.p for step in simulated(found) if isinstance(step.fit, CategoricalFit)])
    assert_alike(_of_symbols(ours), _of_symbols(np.array(fitted)))


def _of_symbols(p: np.ndarray) -> dict[str, np.ndarray]:
    """`p` is `(generations, lineages, k)`."""
    rounded = p.round(9)  # so that equal shares are equal, however they were added up
    found = {f"symbol {k} at {g}": rounded[g, :, k] for g in range(GENERATIONS + 1) for k in range(p.shape[2])}
    return {**found, "step": np.abs(rounded[-1] - rounded[1]).sum(1).round(9)}
