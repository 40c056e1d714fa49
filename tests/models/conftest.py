from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace

Fit = Callable[..., Sampler]


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    """`fit(model, samples, condition=None, seed=0, start=None)`."""
    workspace = Workspace(folder=lambda: tmp_path)

    def run(model: Model, samples, condition=None, seed=0, start=None) -> Sampler:
        pool = Pool.born(np.asarray(samples), Origin("real", REAL_DATA), condition=condition)
        return model.fit(pool, start=start, seed=Seed(("fit", seed)), workspace=workspace)

    return run


@pytest.fixture
def draw():
    """`draw(sampler, n, condition=None, bias=1.0, seed=0)`."""

    def run(sampler: Sampler, n: int, condition=None, bias: float = 1.0, seed=0) -> np.ndarray:
        return sampler.sample(n, condition=condition, bias=bias, seed=Seed(("sample", seed)))

    return run


@pytest.fixture
def chain(fit, draw):
    """`chain(model, samples, generations, bias=1.0, seed=0)`: every sampler of a fully synthetic loop, by hand."""

    def run(model: Model, samples, generations: int, bias: float = 1.0, seed=0) -> list[Sampler]:
        samplers = [fit(model, samples, seed=(seed, 0))]
        for g in range(1, generations):
            eaten = draw(samplers[-1], len(samples), bias=bias, seed=(seed, g))
            samplers.append(fit(model, eaten, seed=(seed, g)))
        return samplers

    return run


@pytest.fixture
def z_score():
    """`z_score(values, truth)`: how many standard errors the mean of independent replicates is off."""

    def score(values, truth: float) -> float:
        values = np.asarray(values, float)
        return float((values.mean() - truth) / (values.std(ddof=1) / np.sqrt(len(values))))

    return score
