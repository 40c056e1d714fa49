"""A full-covariance Gaussian: the smallest model that collapses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.abilities import NeedsSamples
from autophagy.core.catalog import register
from autophagy.core.errors import DataError, Diverged
from autophagy.core.parts import Begin, Density, GaussianSampler, LinearFamily, Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace

from ._em import Mixture, log_joint, square_roots
from ._inputs import arrays, vectors

FILE = "gaussian.safetensors"


@register("gaussian")
@dataclass(frozen=True)
class Gaussian(Model, NeedsSamples):
    """Sample mean and covariance; draws from N(μ, λΣ). Casco-Rodriguez, Alemohammad et al. 2023.

    Attributes:
        unbiased: divide the covariance by N − 1 instead of N (maximum likelihood).
    """

    takes = ("vectors",)
    has_moments = True
    unbiased: bool = False

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        x = vectors(train, self.name)  # (n, d)
        if len(x) < self.fewest(x.shape[1]):
            raise DataError(f"model 'gaussian' needs at least 2 samples for an unbiased covariance, but got {len(x)}.")
        with np.errstate(over="ignore", invalid="ignore"):  # what these would warn of is raised below
            mean = x.mean(0)  # (d,)
            gap = x - mean  # (n, d)
            covariance = gap.T @ gap / (len(x) - int(self.unbiased))  # (d, d)
        if not np.isfinite(covariance).all():
            raise Diverged("model 'gaussian' found a covariance that is not finite; the samples are too far apart.")
        return FittedGaussian(mean, covariance)

    def fewest(self, columns: int) -> int:
        return 2 if self.unbiased else 1

    def load(self, folder: Path) -> Sampler:
        return FittedGaussian(*arrays(folder / FILE, "mean", "covariance"))

    def linear_family(self) -> LinearFamily:
        return LinearFamily(is_unbiased=self.unbiased)


@dataclass(frozen=True)
class FittedGaussian(GaussianSampler, Density):
    """N(μ, Σ); Σ may be singular."""

    mean: np.ndarray  # (d,)
    covariance: np.ndarray  # (d, d)

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        root = square_roots(bias * self.covariance)  # (d, d), symmetric
        return np.asarray(self.mean + seed.numpy().standard_normal((n, len(self.mean))) @ root)

    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        one = Mixture(np.ones(1), self.mean[None], self.covariance[None])
        return np.asarray(log_joint(np.asarray(samples, np.float64), one, ridge=1e-12)[0])

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        return self.mean, self.covariance

    def save(self, folder: Path) -> None:
        save_file({"mean": self.mean, "covariance": self.covariance}, folder / FILE)
