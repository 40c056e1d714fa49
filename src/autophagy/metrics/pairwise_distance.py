"""How far samples are from one another: small where a set repeats itself, large where it turns to noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import ClassVar, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric, Model, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import Count
from autophagy.kernels.pairwise import nothing, spread
from autophagy.kernels.rows import flat, is_measurable, some

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
CURVE = {f"q{percent:02}": percent / 100 for percent in range(1, 100)}  # enough to draw a distribution from a record


@register("pairwise-distance", version=2)  # 2: quantiles between ranks that lie apart
@dataclass(frozen=True)
class PairwiseDistance(Metric):
    """Frobenius distances √Σ(x − y)² over unordered pairs of samples, images as integers 0–255.

    Mean and minimum, and quantiles to 0.05 %. Neither way is better: too near is lost diversity, too far is noise.

    Attributes:
        within: pairs of all samples, or only those of one class or caption (one prompt), all of these together.
        curve: also q01, q02 … q99, from which a report draws the whole distribution: 1 % of pairs between two of them.
        limit: at most so many samples are read, always the same rows.
    """

    takes = ("vectors", "images")
    alone: ClassVar = True
    axis: ClassVar = "diversity"
    within: Literal["all", "condition"] = "all"
    curve: bool = False
    limit: Count = 1000

    def objection(self, source: Source, model: Model) -> str | None:
        if self.within == "condition" and (source.conditions("train") is None or not model.conditional):
            return (
                f"metric '{self.name}' with within = \"condition\" needs classes or captions, but source "
                f"'{source.name}' or model '{model.name}' has none; leave within out."
            )
        return None

    def measure(self, generation: Generation) -> Mapping[str, float]:
        """Raises DataError where within = "condition" and samples have no class or caption."""
        shares = (QUANTILES | CURVE) if self.curve else QUANTILES
        rows = flat(generation.samples.samples)
        groups = [rows[group] for group in self._groups(generation.samples)]
        if not all(map(is_measurable, groups)):
            return dict.fromkeys(["mean", "min", *shares], float("nan"))
        found = reduce(add, map(spread, groups), nothing())
        return {"mean": found.mean, "min": found.least, **{name: found.quantile(at) for name, at in shares.items()}}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        n = min(len(generation.samples), self.limit)
        return {"n": n} if self.within == "all" else {"n": n, "within": self.within}

    def _groups(self, pool: Pool) -> Iterator[np.ndarray]:
        """The rows that are paired with one another."""
        rows = some(np.arange(len(pool)), self.limit)
        if self.within == "all":
            yield rows
            return
        if pool.condition is None:
            raise DataError(
                f"metric '{self.name}' with within = \"condition\" needs classes or captions, but got none."
            )
        names = pool.condition[rows]
        yield from (rows[names == name] for name in np.unique(names))
