"""Many narrow Gaussians on a square grid: modes that can be counted as they are lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.known import KnownModes, KnownMoments
from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed
from autophagy.core.settings import Positive, Range


@register("gaussian-grid")
@dataclass(frozen=True)
class GaussianGrid(Stream, KnownMoments, KnownModes):
    """Equal round Gaussians on a grid around the origin of the plane: 25 modes (Alemohammad et al. 2023).

    The defaults are the 2-D grid by which lost modes are usually counted (Srivastava et al. 2017):
    centres at −4, −2, 0, 2, 4 on each axis, variance 0.0025.

    Attributes:
        side: modes along each axis; there are side² in all.
        spacing: distance between neighbouring centres.
        deviation: the standard deviation of each mode along each axis.
    """

    space = "vectors"
    side: Annotated[int, Range(1, 100)] = 5
    spacing: Annotated[float, Range(0, 1e100, above=True)] = 2.0
    deviation: Positive = 0.05

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        rng = seed.numpy()
        samples: np.ndarray = self.modes()[rng.integers(self.side**2, size=n)]  # (n, 2)
        return samples + self.deviation * rng.standard_normal((n, 2))

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        between = self.spacing**2 * (self.side**2 - 1) / 12  # of side equally likely, equally spaced places
        return np.zeros(2), np.eye(2) * (between + self.deviation**2)

    def modes(self) -> np.ndarray:
        axis = (np.arange(self.side) - (self.side - 1) / 2) * self.spacing
        return np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)  # (side², 2)

    def spread(self) -> float:
        return self.deviation
