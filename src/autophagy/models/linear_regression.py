"""Linear regression that labels its own training data: features stay true, labels are the last model's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.abilities import NeedsSamples
from autophagy.core.catalog import register
from autophagy.core.errors import DataError, Diverged
from autophagy.core.known import KnownMoments
from autophagy.core.parts import Begin, Density, GaussianSampler, Model, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Range
from autophagy.core.workspace import Workspace

from ._inputs import arrays, vectors

FILE = "linear-regression.safetensors"


@register("linear-regression")
@dataclass(frozen=True)
class LinearRegression(Model, NeedsSamples):
    """Least squares of a vector's last coordinate y on the others, x ~ N(0, I). Dohmatob et al. 2024.

    A draw has new features from N(0, I), which are known and never learnt, and the label y = xᵀŵ + √λ σ̂ ε: the
    model's own prediction and its own estimate of the noise. There is no intercept. Real data of this kind are a
    source `normal` whose covariance is [[I, w], [wᵀ, |w|² + σ²]].

    Attributes:
        ridge: penalty on |w|² beside the mean squared error; 0 for ordinary least squares.
        unbiased: divide the residual sum of squares by N minus the number of features instead of N.
    """

    takes = ("vectors",)
    has_moments = True
    ridge: Annotated[float, Range(0)] = 0.0
    unbiased: bool = False

    def objection(self, source: Source, model: Model) -> str | None:
        if not isinstance(source, KnownMoments):
            return None
        mean, covariance = source.moments()
        features = covariance[:-1, :-1]
        if len(mean) > 1 and np.allclose(mean, 0) and np.allclose(features, np.eye(len(features))):
            return None
        return (
            "model 'linear-regression' draws features from N(0, I) and has no intercept, but the vectors of source "
            f"'{source.name}' are not of that kind: all but the last coordinate must have mean 0, variance 1 and "
            "no correlation, and the last mean 0."
        )

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        rows = vectors(train, self.name)  # (n, p + 1)
        features, labels = rows[:, :-1], rows[:, -1]
        n, p = features.shape
        if p < 1:
            raise DataError("model 'linear-regression' needs at least one feature beside the label, but got none.")
        if n < self.fewest(p + 1):
            raise DataError(
                f"model 'linear-regression' needs at least {self.fewest(p + 1)} samples for {p} features, but got {n}."
            )
        root = np.sqrt(n * self.ridge) * np.eye(p)
        weights = np.linalg.lstsq(np.vstack((features, root)), np.append(labels, np.zeros(p)), rcond=None)[0]
        with np.errstate(over="ignore", invalid="ignore"):  # what these would warn of is raised below
            gap = labels - features @ weights  # (n,)
            noise = np.sqrt(gap @ gap / (n - p * int(self.unbiased)))
        if not np.isfinite(noise) or not np.isfinite(weights).all():
            raise Diverged("model 'linear-regression' found no finite weights; the samples are too far apart.")
        return FittedRegression(weights, np.array([noise]))

    def fewest(self, columns: int) -> int:
        if self.unbiased:
            return columns
        return 1 if self.ridge else columns - 1

    def load(self, folder: Path) -> Sampler:
        return FittedRegression(*arrays(folder / FILE, "weights", "noise"))


@dataclass(frozen=True)
class FittedRegression(GaussianSampler, Density):
    weights: np.ndarray  # (p,)
    noise: np.ndarray  # (1,), a standard deviation

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        rows = seed.numpy().standard_normal((n, len(self.weights) + 1))  # (n, p + 1)
        rows[:, -1] *= np.sqrt(bias) * self.noise
        rows[:, -1] += rows[:, :-1] @ self.weights
        return rows

    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        rows = np.asarray(samples, np.float64)
        noise = np.maximum(self.noise, np.finfo(float).tiny)
        gap = (rows[:, -1] - rows[:, :-1] @ self.weights) / noise  # (n,)
        squares = np.square(rows[:, :-1]).sum(1) + gap**2
        return np.asarray(-0.5 * (squares + rows.shape[1] * np.log(2 * np.pi)) - np.log(noise))

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        p = len(self.weights)
        root = np.eye(p + 1)
        root[p] = np.append(self.weights, self.noise)
        return np.zeros(p + 1), root @ root.T

    def save(self, folder: Path) -> None:
        save_file({"weights": self.weights, "noise": self.noise}, folder / FILE)
