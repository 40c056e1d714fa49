"""The Fréchet distance between Gaussians fitted to features: FID, on any encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.settings import Whole
from autophagy.kernels.frechet import factor, frechet, jackknife
from autophagy.kernels.rows import is_measurable

from ._features import encoded, misfit


@register("frechet")
@dataclass(frozen=True)
class Frechet(Metric):
    """‖μ − μ_r‖² + tr(S + S_r − 2(S S_r)^½) of features: a squared distance, as FID is (Heusel et al. 2017).

    `distance` has a bias of order 1/n: never compare arms of different n by it.
    `debiased` and `se` take it away and say how sure that is, by leaving out
    random blocks of samples and reference together.

    Attributes:
        encoder: which features.
        blocks: of the jackknife, each costing as much as the distance itself; below 2 for none.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "distance"
    better: ClassVar = {"distance": "lower", "debiased": "lower"}
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    blocks: Whole = 10

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        fake, real = encoded(self.name, generation, self.encoder)
        plain = frechet(fake, real, self._factor(generation, real))
        if self.blocks < 2:
            return {"distance": plain}
        debiased, error = jackknife(fake, real, plain, (self._parts(fake), self._parts(real)))
        return {"distance": plain, "debiased": debiased, "se": error}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        sizes = super().identity(generation)
        return {**sizes, "encoder": self.encoder.name, "encoder_key": part_key(self.encoder), "blocks": self.blocks}

    def _factor(self, generation: Generation, real: np.ndarray) -> np.ndarray | None:
        if len(real) < 2 or not is_measurable(real):
            return None
        what = ("factor", part_key(self.encoder))
        return generation.features.remembered(what, (generation.reference,), lambda: factor(real))

    def _parts(self, rows: np.ndarray) -> np.ndarray:
        """`(n,)` blocks as good as random, by a hash of each row, so that the order of rows does not matter."""
        hashes = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in np.ascontiguousarray(rows)]
        parts = np.empty(len(rows), int)
        parts[np.argsort(hashes, kind="stable")] = np.arange(len(rows)) % self.blocks
        return parts
