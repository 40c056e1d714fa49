"""The single-image FID of samples and their real counterparts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import build, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source, SpatialEncoder
from autophagy.core.settings import Count
from autophagy.kernels.pairs import NONE, counterparts
from autophagy.kernels.rows import some
from autophagy.kernels.sifid import single_image_fids

from ._alike import check_alike
from ._features import misfit


@register("single-image-fid", version=3)  # 2: held-out images are paired in their order; 3: small axes beside large
@dataclass(frozen=True)
class SingleImageFid(Metric):
    """Fréchet distance between a sample and its real counterpart, of features at every position of a network's maps.

    Shaham et al. 2019, as nepotistic training uses it. A counterpart is the image
    of the lineage's real set that a sample was begun from, else the one whose
    caption, by its turn, it was drawn for. `mean`, its standard error over
    samples `mean_se`, `sd` and `median` over the `pairs` that there are.

    Attributes:
        encoder: whose maps are compared; "inception-maps" is the papers' choice where its weights are at hand.
        limit: at most so many pairs are read.
    """

    takes = ("images",)
    axis: ClassVar = "quality"
    better: ClassVar = {"mean": "lower", "median": "lower"}
    encoder: Encoder = field(default_factory=lambda: build("encoder", {"use": "alexnet", "layer": "relu1"}))
    limit: Count = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        SpatialEncoder.of(self.encoder, f"metric '{self.name}'")

    def objection(self, source: Source, model: Model) -> str | None:
        if not model.conditional or source.conditions("train") is None:
            return (
                f"metric '{self.name}' compares a sample with the real image whose caption or class it was drawn for, "
                f"but source '{source.name}' or model '{model.name}' has none; take metric 'frechet'."
            )
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.real)
        places = counterparts(generation.samples, generation.real)
        paired = some(np.flatnonzero(places != NONE), self.limit)
        maps = SpatialEncoder.of(self.encoder, self.name).maps
        found = single_image_fids(maps, generation.samples.samples[paired], generation.real.samples[places[paired]])
        spread = float(found.std(ddof=1)) if len(found) > 1 else float("nan")
        return {
            "mean": float(found.mean()) if len(found) else float("nan"),
            "mean_se": spread / len(found) ** 0.5 if len(found) else float("nan"),
            "sd": spread,
            "median": float(np.median(found)) if len(found) else float("nan"),
            "pairs": float(len(found)),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": min(len(generation.samples), self.limit),
            "n_real": len(generation.real),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
        }
