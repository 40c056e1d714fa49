"""Authenticity: the share of samples that are not noisy copies of one training row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.kernels.memorisation import is_authentic

from ._memory import MemoryMetric


@register("authenticity", version=2)  # 2: what it remembers is of one reference
@dataclass(frozen=True)
class Authenticity(MemoryMetric):
    """The share of samples farther from their nearest training row than that row is from any other (Alaa et al. 2022).

    It has no fixed baseline: fresh real data often gives about 0.8, so `control`
    is the same of held-out real data (`control`), and `excess` the difference,
    0 for new data and below it for copies.

    Attributes:
        encoder: which features.
        against: "real" is the lineage's real set, "previous" the generation before, whose founder has none: NaN.
        limit: at most so many samples, and as many held-out rows, are read; the whole training set is.
    """

    axis: ClassVar = "diversity"
    better: ClassVar = {"excess": "higher"}

    def measure(self, generation: Generation) -> Mapping[str, float]:
        sides = self.sides(generation, fewest=2)
        if sides is None:
            return dict.fromkeys(("authenticity", "control", "excess"), float("nan"))
        what = ("authentic", part_key(self.encoder), self.limit)
        usual = generation.features.remembered(what, sides.pools, lambda: _share(sides.held_out, sides.train))
        share, control = float(_share(sides.samples, sides.train)[0]), float(usual[0])
        return {"authenticity": share, "control": control, "excess": share - control}


def _share(rows: np.ndarray, train: np.ndarray) -> np.ndarray:
    return np.array([is_authentic(rows, train).mean()])
