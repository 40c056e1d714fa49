"""Density and coverage: precision and recall that outliers and duplicates mislead less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from autophagy.core.catalog import register
from autophagy.core.generation import Generation

from ._manifold import ManifoldMetric


@register("density-coverage")
@dataclass(frozen=True)
class DensityCoverage(ManifoldMetric):
    """How many real balls hold a sample, over k, and the share of real balls that hold one (Naeem et al. 2020).

    A ball reaches to a real point's k-th neighbour and excludes its border (<).
    Density is 1 on average for real data and has no upper bound.

    Attributes:
        encoder: which features.
        k: the neighbour that a ball reaches to.
        limit: at most so many samples, and as many real ones, are read.
    """

    axis: ClassVar = "diversity"
    axes: ClassVar = {"density": "quality"}
    better: ClassVar = {"density": "higher", "coverage": "higher"}
    comparison = "<"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        found = self.manifold(generation)
        return {"density": found.density, "coverage": found.coverage}
