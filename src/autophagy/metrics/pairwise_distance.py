"""How far samples are from one another: small where a set repeats itself, large where it turns to noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric
from autophagy.core.settings import Count
from autophagy.kernels.pairwise import spread
from autophagy.kernels.rows import flat, is_measurable, some

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


@register("pairwise-distance")
@dataclass(frozen=True)
class PairwiseDistance(Metric):
    """Frobenius distances √Σ(x − y)² over all unordered pairs of samples, images as integers 0–255.

    Mean and minimum, and quantiles to 0.05 %. Neither way is better: too near is lost diversity, too far is noise.

    Attributes:
        limit: at most so many samples are read, always the same rows.
    """

    takes = ("vectors", "images")
    alone: ClassVar = True
    axis: ClassVar = "diversity"
    limit: Count = 1000

    def measure(self, generation: Generation) -> Mapping[str, float]:
        rows = some(flat(generation.samples.samples), self.limit)
        if len(rows) < 2 or not is_measurable(rows):
            return dict.fromkeys(["mean", "min", *QUANTILES], float("nan"))
        found = spread(rows)
        quantiles = {name: found.quantile(share) for name, share in QUANTILES.items()}
        return {"mean": found.mean, "min": found.least, **quantiles}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {"n": min(len(generation.samples), self.limit)}
