"""A few Gaussian clouds without end, by default the two of the curse of recursion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.known import KnownModes, KnownMoments
from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed
from autophagy.core.settings import Positive, Range
from autophagy.sources._covariance import Matrix, check_covariance, root

Coordinate = Annotated[float, Range(-1e100, 1e100)]  # squares of larger ones overflow


@register("gaussian-mixture")
@dataclass(frozen=True)
class GaussianMixture(Stream, KnownMoments, KnownModes):
    """Σ wᵢ N(mᵢ, Cᵢ) in any dimension; two round clouds in the plane unless told otherwise (Shumailov et al. 2023).

    Attributes:
        means: k rows of d numbers, one row per cloud.
        covariances: k matrices of d × d numbers (symmetric, positive semi-definite), or empty for identities.
        weights: k numbers above 0, of which only the ratios matter, or empty for equal shares.
    """

    space = "vectors"
    means: tuple[tuple[Coordinate, ...], ...] = ((-2.0, 0.0), (2.0, 0.0))
    covariances: tuple[Matrix, ...] = ()
    weights: tuple[Positive, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        lengths = sorted({len(mean) for mean in self.means})
        if len(lengths) != 1 or lengths[0] < 1:
            got = f"rows of {' and '.join(map(str, lengths))} numbers" if lengths else "empty"
            raise ConfigError(f"means must be rows of the same number of coordinates, but is {got}.")
        for name, given in (("covariances", self.covariances), ("weights", self.weights)):
            if given and len(given) != len(self.means):
                raise ConfigError(f"{name} must have one entry for each of {len(self.means)} means, not {len(given)}.")
        for i, covariance in enumerate(self.covariances):
            check_covariance(covariance, lengths[0], f"covariances[{i}]")

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        rng = seed.numpy()
        cloud = rng.choice(len(self.means), n, p=self._shares())  # (n,)
        samples: np.ndarray = self.modes()[cloud]  # (n, d)
        noise = rng.standard_normal(samples.shape)
        for i, covariance in enumerate(self._matrices()):
            samples[cloud == i] += noise[cloud == i] @ root(covariance).T
        return samples

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        shares, means = self._shares(), self.modes()
        mean = shares @ means  # (d,)
        gap = means - mean  # (k, d)
        return mean, np.tensordot(shares, self._matrices(), 1) + (gap.T * shares) @ gap

    def modes(self) -> np.ndarray:
        return np.array(self.means)

    def spread(self) -> float:
        return float(np.sqrt(np.linalg.eigvalsh(self._matrices()).max()))

    def _matrices(self) -> np.ndarray:
        """`(k, d, d)`"""
        k, d = len(self.means), len(self.means[0])
        return np.array(self.covariances) if self.covariances else np.broadcast_to(np.eye(d), (k, d, d))

    def _shares(self) -> np.ndarray:
        """`(k,)`, summing to 1."""
        weights = np.array(self.weights) if self.weights else np.ones(len(self.means))
        relative = weights / weights.max()  # so that the sum of huge weights stays finite
        shares: np.ndarray = relative / relative.sum()
        return shares
