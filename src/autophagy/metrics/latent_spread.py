"""How far apart samples still lie in the founder's latent space: the curse of recursion, seen in a VAE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.parts import Encodes, Metric, Model, Read, Source
from autophagy.core.settings import Count

from ._alike import check_alike


@register("latent-spread")
@dataclass(frozen=True)
class LatentSpread(Metric):
    """Standard deviation of the codes that generation 0's encoder gives samples (Shumailov et al. 2023, VAE).

    `spread` is the paper's: over all coordinates of all codes at once, divisor n. It takes an axis that is off its
    centre for spread; `axis_spread` does not: the mean over axes of the standard deviation over samples. `centre` is
    the mean of all coordinates. A code is the mean that the encoder gives, without its noise.

    Attributes:
        limit: the first so many samples are read; 100 in the paper.
    """

    takes = ("images",)
    axis: ClassVar = "diversity"
    alone: ClassVar = True
    better: ClassVar = {"spread": "higher", "axis_spread": "higher"}
    limit: Count = 100

    @property
    def reads(self) -> tuple[Read, ...]:
        return ("founder",)

    def objection(self, source: Source, model: Model) -> str | None:
        if model.encodes:
            return None
        return (
            f"metric '{self.name}' needs a model that encodes images, such as 'vae', but '{model.name}' does not; "
            "leave the metric out."
        )

    def measure(self, generation: Generation) -> Mapping[str, float]:
        samples, founder = generation.samples.samples[: self.limit], generation.founder
        if founder is None or not len(samples):  # real data held against real data has no founder
            return dict.fromkeys(("spread", "axis_spread", "centre"), float("nan"))
        if not isinstance(founder, Encodes):
            raise DataError(
                f"metric '{self.name}' needs a founder that encodes images, such as a 'vae', but got a "
                f"{type(founder).__name__}; leave the metric out."
            )
        check_alike(self.name, generation.samples, generation.real)
        codes = np.asarray(founder.encode_means(samples), np.float64)  # (n, latent)
        return {
            "spread": float(codes.std()),
            "axis_spread": float(codes.std(0).mean()),
            "centre": float(codes.mean()),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {"n": min(len(generation.samples), self.limit)}
