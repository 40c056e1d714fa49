"""MAUVE: how much of the samples' distribution and of real texts' lies over one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive, Range, Share, Whole
from autophagy.kernels.divergence_curve import frontier_integral, mauve, quantised
from autophagy.kernels.order import shuffled
from autophagy.kernels.rows import is_measurable, some

from ._features import encoded, misfit


@register("mauve", version=2)  # 2: equal rows in different stretches
@dataclass(frozen=True)
class Mauve(Metric):
    """The area under the divergence curve of samples and held-out texts over clusters (Pillutla et al. 2021).

    `mauve` is 1 where both fall into clusters alike and near 0 where no cluster has both; `frontier_integral` (Liu et
    al. 2021) is 0 where they are alike, at most 1. The authors' program measures with features of GPT-2 large and
    clusters by faiss; here features are the encoder's and clusters by Lloyd's k-means from `starts` beginnings, so that
    values are to be compared among themselves, at equal numbers of texts: also of equal distributions, `mauve` is below
    1, the more so the more clusters there are. The floor says how far.

    Attributes:
        encoder: which features.
        clusters: how many; if absent a tenth of the samples or of the reference, whichever are fewer, at least 2.
        smoothing: added to the count of each cluster; 0.5 is MAUVE* of Pillutla et al. 2023.
        scale: c, which spreads the values.
        points: of the curve, beside its ends.
        variance: share of it that the principal axes kept must hold.
        starts: of k-means, the best of which counts.
        limit: at most so many samples are read, and as many held-out texts.
        seed: of the starts.
    """

    takes = ("text",)
    axis: ClassVar = "distance"
    better: ClassVar = {"mauve": "higher", "frontier_integral": "lower"}
    encoder: Encoder = field(default_factory=default("encoder", "hashed-ngrams"))
    clusters: Annotated[int, Range(2)] | None = None
    smoothing: Annotated[float, Range(0)] = 0.0
    scale: Positive = 5.0
    points: Annotated[int, Range(2, 10_000)] = 25
    variance: Share = 0.9
    starts: Count = 5
    limit: Count = 10_000
    seed: Whole = 0

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        fake, real = (some(rows[shuffled(rows)], self.limit) for rows in encoded(self.name, generation, self.encoder))
        if not (len(fake) and len(real) and is_measurable(fake) and is_measurable(real)):
            return dict.fromkeys(["mauve", "frontier_integral"], float("nan"))
        seeds = [Seed(("metrics", "mauve", self.seed, start)) for start in range(self.starts)]
        counts = quantised(fake, real, self._clusters(len(fake), len(real)), variance=self.variance, seeds=seeds)
        p, q = ((found + self.smoothing) / (found + self.smoothing).sum() for found in counts)
        return {"mauve": mauve(p, q, self.points, self.scale), "frontier_integral": frontier_integral(p, q)}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        n, m = (min(len(pool), self.limit) for pool in (generation.samples, generation.reference))
        return {
            "n": n,
            "n_reference": m,
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "clusters": self._clusters(n, m),
            "smoothing": self.smoothing,
            "scale": self.scale,
        }

    def _clusters(self, n: int, m: int) -> int:
        return self.clusters or max(2, round(min(n, m) / 10))
