"""How many distinct samples there are in effect: the Vendi score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive, Whole
from autophagy.kernels.order import shuffled
from autophagy.kernels.vendi import vendi

from ._features import encoded, misfit
from ._ratios import match

INFINITY = "infinity"


@register("vendi", version=2)  # 2: equal rows in different sets
@dataclass(frozen=True)
class Vendi(Metric):
    """The exponential of the entropy of the eigenvalues of all cosines between features (Friedman and Dieng 2022).

    1 where all samples point one way, n where they are orthogonal. The score
    grows with the number of rows, so that samples and reference are scored on
    equally many: the fewer of both, or `size`. `vendi_match` is min(r, 1/r) of
    the ratio r of the two: 1 where nothing is lost or gained, and what is
    judged, since noise is no better than a collapse.

    Attributes:
        encoder: which features; only their directions count.
        order: q, below 1 for the rare kinds of samples, above for the common ones; or "infinity".
        size: rows that each score is worked out on (rarefaction), 0 for as many as both sides have.
        draws: random sets of that size that the scores are means of.
        seed: of these sets.
        limit: without `size`, at most so many rows of each side are read.
    """

    takes = ("vectors", "images", "text")
    axis: ClassVar = "diversity"
    better: ClassVar = {"vendi_match": "higher"}
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    order: Positive | Literal["infinity"] = 1.0
    size: Whole = 0
    draws: Count = 10
    seed: Whole = 0
    limit: Count = 10_000

    @property
    def fewest(self) -> int:
        return max(1, self.size)

    def most_rows(self, n: int, m: int) -> int:
        return 0 if self.size else min(n, m, self.limit)

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        fake, real = encoded(self.name, generation, self.encoder)
        n = self._rows(generation)
        what = ("vendi", part_key(self), n)
        own = self._score(fake, n)
        reference = generation.features.remembered(
            what, (generation.reference,), lambda: np.array([self._score(real, n)])
        )[0]
        ratio = own / float(reference)
        return {"vendi": own, "vendi_reference": float(reference), "vendi_match": match(ratio)}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": self._rows(generation),
            "n_reference": self._rows(generation),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "order": self.order,
            "draws": self.draws if self.size else 1,
        }

    def _rows(self, generation: Generation) -> int:
        both = min(len(generation.samples), len(generation.reference))
        return self.size or min(both, self.limit)

    def _score(self, rows: np.ndarray, n: int) -> float:
        """The mean score of sets of `n` rows, the same ones in whatever order the rows come."""
        if len(rows) < n or not n:
            return float("nan")
        if len(rows) == n:
            return vendi(rows, self._q)
        rng, order = Seed(("metrics", "vendi", self.seed)).numpy(), shuffled(rows)
        sets = (np.sort(rng.choice(len(rows), n, replace=False)) for _ in range(self.draws if self.size else 1))
        return float(np.mean([vendi(rows[order[chosen]], self._q) for chosen in sets]))

    @property
    def _q(self) -> float:
        return np.inf if self.order == INFINITY else float(self.order)
