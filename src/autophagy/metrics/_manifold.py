"""What metrics of k-th neighbours share: one pass over samples and reference serves them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import default
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.settings import Count
from autophagy.kernels.balls import Balls, balls
from autophagy.kernels.neighbours import radii
from autophagy.kernels.rows import is_measurable, some

from ._features import encoded, misfit


@dataclass(frozen=True)
class Manifold:
    """What k-th neighbours say of samples and reference; all NaN where a side has k rows or fewer."""

    precision: float
    recall: float
    density: float
    coverage: float
    zero_radii: float
    reference_zero_radii: float


@dataclass(frozen=True)
class ManifoldMetric(Metric):
    """Abstract: a metric of balls around samples and reference that reach to the k-th neighbour."""

    takes = ("vectors", "images", "text")
    comparison: ClassVar[str]  # of a distance with a radius
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    k: Count = 5
    limit: Count = 10_000

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    @property
    def fewest(self) -> int:
        return self.k + 1  # a sample and its k neighbours

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": min(len(generation.samples), self.limit),
            "n_reference": min(len(generation.reference), self.limit),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "k": self.k,
            "comparison": self.comparison,
        }

    def manifold(self, generation: Generation) -> Manifold:
        """Works out precision, recall, density and coverage together, whichever metric asks first."""
        fake, real = (some(rows, self.limit) for rows in encoded(self.name, generation, self.encoder))
        if min(len(fake), len(real)) <= self.k or not (is_measurable(fake) and is_measurable(real)):
            return Manifold(*[float("nan")] * 6)
        what, remembered = (part_key(self.encoder), self.k, self.limit), generation.features.remembered
        pools = (generation.reference, generation.samples)

        def numbers() -> np.ndarray:
            fake_radii = radii(fake, self.k)
            real_radii = remembered(("radii", *what), pools[:1], lambda: radii(real, self.k))
            return _summary(balls(fake, real, fake_radii, real_radii), fake_radii, real_radii, self.k)

        return Manifold(*remembered(("manifold", *what), pools, numbers).tolist())


def _summary(found: Balls, fake_radii: np.ndarray, real_radii: np.ndarray, k: int) -> np.ndarray:
    shares = [found.precise.mean(), found.recalled.mean(), found.density.mean() / k, found.covered.mean()]
    return np.array([*shares, np.count_nonzero(fake_radii == 0), np.count_nonzero(real_radii == 0)], np.float64)
