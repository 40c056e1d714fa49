"""Improved precision and recall: whether samples look real, and whether reality is still being drawn."""

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


@register("precision-recall")
@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """Shares of samples within a real point's k-th neighbour, and the reverse (Kynkäänniemi et al. 2019).

    A ball includes its border (≤): where a set repeats itself more than k times
    its radii are zero, and only exact copies are inside. `zero_radii` and
    `reference_zero_radii` count such points.

    Attributes:
        encoder: which features.
        k: the neighbour that a ball reaches to; 5 as in Alemohammad et al. 2023, the paper itself has 3.
        limit: at most so many samples, and as many real ones, are read.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "quality"
    better: ClassVar = {"precision": "higher", "recall": "higher", "zero_radii": "lower"}
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
        return {
            "precision": found.precision,
            "recall": found.recall,
            "zero_radii": found.zero_radii,
            "reference_zero_radii": found.reference_zero_radii,
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": min(len(generation.samples), self.limit),
            "n_reference": min(len(generation.reference), self.limit),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "k": self.k,
            "comparison": "<=",
        }
