"""Normal vectors without end: real data whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.known import KnownMoments
from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed
from autophagy.sources._covariance import Dimension, Matrix, check_covariance, root


@register("normal")
@dataclass(frozen=True)
class Normal(Stream, KnownMoments):
    """N(mean, covariance) in any dimension; standard normal unless told otherwise.

    Attributes:
        dim: the number of dimensions d.
        mean: d numbers, or empty for zeros.
        covariance: d rows of d numbers (symmetric, positive semi-definite), or empty for the identity.
    """

    space = "vectors"
    dim: Dimension = 2
    mean: tuple[float, ...] = ()
    covariance: Matrix = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mean and len(self.mean) != self.dim:
            raise ConfigError(f"mean must have dim = {self.dim} numbers, but has {len(self.mean)}.")
        if self.covariance:
            check_covariance(self.covariance, self.dim)

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        mean, of_covariance = _mean_and_root(self)
        noise = seed.numpy().standard_normal((n, self.dim))
        samples: np.ndarray = mean + noise @ of_covariance.T
        return samples

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        mean = np.array(self.mean) if self.mean else np.zeros(self.dim)
        return mean, np.array(self.covariance) if self.covariance else np.eye(self.dim)


@lru_cache(maxsize=2)  # a source is drawn from once for every lineage
def _mean_and_root(source: Normal) -> tuple[np.ndarray, np.ndarray]:
    mean, covariance = source.moments()
    return mean, root(covariance)
