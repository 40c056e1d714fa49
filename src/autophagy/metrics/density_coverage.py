"""Density and coverage: precision and recall that outliers and duplicates mislead less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.settings import Count

from ._features import manifold, misfit


@register("density-coverage")
@dataclass(frozen=True)
class DensityCoverage(Metric):
    """How many real balls hold a sample, over k, and the share of real balls that hold one (Naeem et al. 2020).

    A ball reaches to a real point's k-th neighbour and excludes its border (<).
    Density is 1 on average for real data and has no upper bound.

    Attributes:
        encoder: which features.
        k: the neighbour that a ball reaches to.
        limit: at most so many samples, and as many real ones, are read.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "diversity"
    better: ClassVar = {"density": "higher", "coverage": "higher"}
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    k: Count = 5
    limit: Count = 10_000

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    @property
    def fewest(self) -> int:
        return self.k + 1  # a sample and its k neighbours

    def measure(self, generation: Generation) -> Mapping[str, float]:
        found = manifold(self.name, generation, self.encoder, self.k, self.limit)
        return {"density": found.density, "coverage": found.coverage}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": min(len(generation.samples), self.limit),
            "n_reference": min(len(generation.reference), self.limit),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "k": self.k,
            "comparison": "<",
        }
