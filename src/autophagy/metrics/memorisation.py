"""Memorisation: whether samples lie nearer to the training set than held-out real data do, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Whole
from autophagy.kernels.memorisation import centres, data_copying, nearest_and_own, share_nearer, which_cell
from autophagy.kernels.rows import some

from ._memory import MemoryMetric

NAMES = ("c_t", "c_t_z", "auc", "ratio", "cells_counted")
CLUSTERED = 10_000  # rows of the training set that cells are made from


@register("memorisation", version=3)  # 2: what it remembers is of one reference; 3: C_T within cells
@dataclass(frozen=True)
class Memorisation(MemoryMetric):
    """Three-sample test of data-copying (Meehan, Chaudhuri and Dasgupta 2020), and the distances under it.

    `c_t` is C_T: Mann and Whitney's z of the distances to the nearest training
    row of the same cell, samples against held-out real data (`control`),
    averaged over cells; far below 0 for copies, about 0 for new data, above
    where samples keep away. Cells with fewer than `per_cell` samples are left
    out. `c_t_z` is C_T over its standard error for new data: beyond ±2 is news.
    `auc` is the chance that a sample is nearer than held-out data, 0.5 for new
    data; `ratio` that of the median distances, 1 for new data; both of
    distances to the whole training set. All depend on its size.

    Attributes:
        encoder: which features.
        against: "real" is the lineage's real set, "previous" the generation before, whose founder has none: NaN.
        limit: at most so many samples, and as many held-out rows, are read; the whole training set is.
        cells: of k-means on the training set; the paper leaves their number open.
        per_cell: samples that a cell needs, 20 in the paper.
        seed: of the cells.
    """

    axis: ClassVar = "diversity"
    better: ClassVar = {"auc": "lower", "ratio": "higher", "c_t_z": "higher"}
    cells: Count = 10
    per_cell: Count = 20
    seed: Whole = 0

    def measure(self, generation: Generation) -> Mapping[str, float]:
        sides = self.sides(generation, fewest=1)
        if sides is None:
            return dict.fromkeys(NAMES, float("nan"))
        what, remembered = (part_key(self.encoder), self.limit, self.cells, self.seed), generation.features.remembered
        middles = remembered(("middles", *what), sides.pools[1:], lambda: self._middles(sides.train))
        of_train = remembered(("cells", *what), sides.pools[1:], lambda: which_cell(sides.train, middles))
        cells = which_cell(sides.held_out, middles), which_cell(sides.samples, middles)
        usual, usual_own = remembered(
            ("near", *what), sides.pools, lambda: nearest_and_own(sides.held_out, cells[0], sides.train, of_train)
        )
        found, found_own = nearest_and_own(sides.samples, cells[1], sides.train, of_train)
        copying = data_copying(usual_own, found_own, *cells, self.per_cell)
        middle = float(np.median(np.sqrt(usual)))
        return {
            "c_t": copying.score,
            "c_t_z": copying.score / copying.error,
            "auc": share_nearer(usual, found),
            "ratio": float(np.median(np.sqrt(found))) / middle if middle > 0 else float("nan"),
            "cells_counted": float(copying.cells),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {**super().identity(generation), "cells": self.cells, "per_cell": self.per_cell, "seed": self.seed}

    def _middles(self, train: np.ndarray) -> np.ndarray:
        return centres(some(train, CLUSTERED), self.cells, Seed(("metrics", "memorisation", self.seed)))
