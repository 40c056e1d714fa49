"""The Rosenbrock density in the plane: a bent ridge with one long tail, drawn exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.known import KnownMoments
from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed
from autophagy.core.settings import Range

Centre = Annotated[float, Range(-1e20, 1e20)]  # squares of larger ones overflow
Steepness = Annotated[float, Range(1e-20, 1e20)]


@register("rosenbrock")
@dataclass(frozen=True)
class Rosenbrock(Stream, KnownMoments):
    """p(x) ∝ exp(−a (x₁ − μ)² − b (x₂ − x₁²)²), of Rosenbrock's function (Pagani, Wiegand and Nadarajah 2022).

    Exact: x₁ is normal with mean μ and variance 1/2a, and x₂, given x₁, normal with mean x₁² and variance 1/2b. Model
    Autophagy Disorder names the density and no parameters; μ = 0, a = 1/2, b = 1 are what one of its authors uses
    elsewhere. The usual narrow ridge is μ = 1, a = 0.05, b = 5.

    Attributes:
        centre: μ.
        along: a; the smaller, the longer the ridge.
        across: b; the larger, the narrower.
    """

    space = "vectors"
    centre: Centre = 0.0
    along: Steepness = 0.5
    across: Steepness = 1.0

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        noise = seed.numpy().standard_normal((n, 2))
        first = self.centre + noise[:, 0] / np.sqrt(2 * self.along)
        return np.stack([first, first**2 + noise[:, 1] / np.sqrt(2 * self.across)], 1)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        # x₁ = μ + s·z: x₁² has mean μ² + s², variance 4μ²s² + 2s⁴ and covariance 2μs² with x₁
        mu, variance = self.centre, 1 / (2 * self.along)
        shared = 2 * mu * variance
        second = 2 * mu * shared + 2 * variance**2 + 1 / (2 * self.across)
        return np.array([mu, mu**2 + variance]), np.array([[variance, shared], [shared, second]])
