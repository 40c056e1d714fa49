"""The Fréchet distance between Gaussians fitted to features: FID, on any encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.settings import Whole
from autophagy.kernels.frechet import Fitted, fitted, frechet
from autophagy.kernels.frechet_error import extrapolated, jackknife
from autophagy.kernels.frechet_influence import has_influence, influence_error
from autophagy.kernels.order import shuffled
from autophagy.kernels.rows import is_measurable

from ._features import encoded, misfit
from ._matched import Match, matched, unmatched


@register("frechet", version=4)  # 2: `se` by influence; 3: equal rows in different blocks; 4: small axes beside large
@dataclass(frozen=True)
class Frechet(Metric):
    """‖μ − μ_r‖² + tr(S + S_r − 2(S S_r)^½) of features: a squared distance, as FID is (Heusel et al. 2017).

    `distance` has a bias of order 1/n: never compare arms of different n by it.
    `debiased` takes it away by leaving out random blocks of samples and
    reference together. `se` is the standard error of both over fresh draws of
    samples and reference, to first order: from the influence of every row, or
    from the same blocks, far less steadily, where samples or reference are no
    more than there are features or the reference has lost dimensions; the
    record's identity says which. `infinite` is FID∞ (Chong and Forsyth 2020):
    free of the bias that comes from the samples, not of the reference's.

    Attributes:
        encoder: which features.
        blocks: of the jackknife, each costing as much as the distance itself; below 2 for none.
        sizes: how many sets of a fifth of the samples up to all of them are extrapolated from; below 2 for none.
        matched: "group" reads of every class or caption equally many samples and reference rows, the first ones.
    """

    takes = ("vectors", "images", "text")
    axis: ClassVar = "distance"
    better: ClassVar = {"distance": "lower", "debiased": "lower", "infinite": "lower"}
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    blocks: Whole = 10
    sizes: Whole = 0
    matched: Literal["none", "group"] = "none"

    def objection(self, source: Source, model: Model) -> str | None:
        alone = unmatched(self.name, source, model) if self.matched == "group" else None
        return alone or misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        fake, real = self._encoded(generation)
        known = self._fitted(generation, real)
        values = {"distance": frechet(fake, real, known)}
        own, other = shuffled(fake), self._order(generation, real)
        if self.blocks >= 2:
            parts = self._parts(own), self._parts(other)
            values["debiased"], values["se"] = jackknife(fake, real, values["distance"], parts)
        if self._error_by(generation) == "influence":
            values["se"] = influence_error(fake[own], real[other], known)
        if self.sizes >= 2:
            sizes = np.linspace(len(fake) / 5, len(fake), self.sizes).astype(int).tolist()
            values["infinite"] = extrapolated(fake[own], real, sizes, known)
        return values

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        match = self._match(generation)
        matching = {} if match is None else {"n": len(match.samples), "n_reference": len(match.reference)}
        return {
            **super().identity(generation),
            **matching,
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "blocks": self.blocks,
            "se_by": self._error_by(generation),
            **({} if match is None else {"matched": self.matched, **match.told()}),
        }

    def _match(self, generation: Generation) -> Match | None:
        return matched(generation.samples, generation.reference) if self.matched == "group" else None

    def _encoded(self, generation: Generation) -> tuple[np.ndarray, np.ndarray]:
        """The features `(n, d)` and `(m, d)` that are compared."""
        fake, real = encoded(self.name, generation, self.encoder)
        match = self._match(generation)
        return (fake, real) if match is None else (fake[match.samples], real[match.reference])

    def _error_by(self, generation: Generation) -> str:
        fake, real = self._encoded(generation)
        known = self._fitted(generation, real)
        if known is not None and has_influence(len(fake), known):
            return "influence"
        return "jackknife" if self.blocks >= 2 else "nothing"

    def _fitted(self, generation: Generation, real: np.ndarray) -> Fitted | None:
        if len(real) < 2 or not is_measurable(real):
            return None

        def packed() -> np.ndarray:
            found = fitted(real)
            return np.vstack([found.mean, found.factor])

        rows = self._of_reference("fitted", generation, packed)
        return Fitted(rows[0], rows[1:])

    def _order(self, generation: Generation, real: np.ndarray) -> np.ndarray:
        return self._of_reference("order", generation, lambda: shuffled(real))

    def _of_reference(self, what: str, generation: Generation, make: Callable[[], np.ndarray]) -> np.ndarray:
        """What depends on the reference's features alone, worked out once for all generations."""
        match = self._match(generation)
        chosen = "" if match is None else hashlib.sha256(match.reference.tobytes()).hexdigest()
        return generation.features.remembered((what, part_key(self.encoder), chosen), (generation.reference,), make)

    def _parts(self, order: np.ndarray) -> np.ndarray:
        """`(n,)` random blocks, the same ones in whatever order the rows come."""
        parts = np.empty(len(order), int)
        parts[order] = np.arange(len(order)) % self.blocks
        return parts
