"""Improved precision and recall: whether samples look real, and whether reality is still being drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from autophagy.core.catalog import register
from autophagy.core.generation import Generation

from ._manifold import ManifoldMetric


@register("precision-recall")
@dataclass(frozen=True)
class PrecisionRecall(ManifoldMetric):
    """Shares of samples within a real point's k-th neighbour, and the reverse (Kynkäänniemi et al. 2019).

    A ball includes its border (≤): where a set repeats itself more than k times
    its radii are zero, and only exact copies are inside. `zero_radii` and
    `reference_zero_radii` count such points.

    Attributes:
        encoder: which features.
        k: the neighbour that a ball reaches to; 5 as in Alemohammad et al. 2023, the paper itself has 3.
        limit: at most so many samples, and as many real ones, are read.
    """

    axis: ClassVar = "quality"
    axes: ClassVar = {"recall": "diversity"}
    better: ClassVar = {"precision": "higher", "recall": "higher", "zero_radii": "lower"}
    comparison = "<="

    def measure(self, generation: Generation) -> Mapping[str, float]:
        found = self.manifold(generation)
        return {
            "precision": found.precision,
            "recall": found.recall,
            "zero_radii": found.zero_radii,
            "reference_zero_radii": found.reference_zero_radii,
        }
