"""Takes away samples farther from their real counterparts than the founder's were: the control for bad images."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autophagy.core.catalog import build, register
from autophagy.core.errors import DataError
from autophagy.core.parts import Curator, Encoder, Model, Source, SpatialEncoder
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.kernels.pairs import NONE, counterparts
from autophagy.kernels.sifid import single_image_fids

WHO = "curator 'quality-sifid'"


@register("quality-sifid")
@dataclass(frozen=True)
class QualitySifid(Curator):
    """Drops samples whose single-image FID to their real counterpart exceeds a bar (Bohacek and Farid 2023).

    The bar is the mean of that distance between what generation 0 drew and its
    counterparts in the lineage's fixed real set. A sample's counterpart is the
    real image it was begun from, else the one whose caption, by its turn, it was
    drawn for. With `refill = "repeat"` samples that pass take the place of those
    that do not, as in the paper. `docs/controls.md` has every choice.

    Attributes:
        encoder: whose maps are compared; "inception-maps" is the papers' choice where its weights are at hand.
    """

    takes = ("images",)
    selects = True
    encoder: Encoder = field(default_factory=lambda: build("encoder", {"use": "alexnet", "layer": "relu1"}))

    def __post_init__(self) -> None:
        super().__post_init__()
        SpatialEncoder.of(self.encoder, WHO)

    def objection(self, source: Source, model: Model) -> str | None:
        if model.conditional and source.conditions("train") is not None:
            return None
        return (
            f"{WHO} compares a sample with the real image whose caption or class it was drawn for, but source "
            f"'{source.name}' or model '{model.name}' has none; take curator 'quality', which needs no counterparts."
        )

    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        """Raises DataError where a sample has no counterpart."""
        if not len(fresh):
            return fresh
        bar = self._distances(founder, real).mean()
        return fresh.take(self._distances(fresh, real) <= bar)

    def _distances(self, samples: Pool, real: Pool) -> np.ndarray:
        places = counterparts(samples, real)
        if lost := int((places == NONE).sum()):
            raise DataError(
                f"{WHO}: {lost} of {len(places)} samples have no real counterpart: no real image that they were begun "
                "from, and none of their caption or class; begin generation 0 from real images by seeding = 0.7, or "
                "use a model and a source with captions."
            )
        maps = SpatialEncoder.of(self.encoder, WHO).maps
        found = single_image_fids(maps, samples.samples, real.samples[places])
        if np.isnan(found).any():
            raise DataError(
                f"{WHO}: images of {' × '.join(map(str, samples.samples.shape[2:]))} pixels leave encoder "
                f"'{self.encoder.name}' fewer than two positions; give it a larger side."
            )
        return found
