"""How noisy samples are: some loops end in a blur, others in grain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric
from autophagy.core.settings import shown
from autophagy.kernels.grain import noise_levels


@register("noise")
@dataclass(frozen=True)
class Noise(Metric):
    """Standard deviation σ of an image's noise in grey levels 0–255, estimated from the image alone.

    Each image's σ is the median size of its second differences along both axes
    over 6 · 0.6745 (Immerkær's mask, 1996; Donoho's median, 1994), all channels
    together. `mean`, its standard error over samples `mean_se`, `sd` and `median`
    are over images. `laplacian` is the mean of Immerkær's own estimate, the mean
    size in place of the median: more than `mean` where texture is taken for noise.
    Neither way is better; the floor of real images says what is usual. Grain finer
    than two pixels counts, blotches do not, and noise cut off at 0 or 255 reads low.
    """

    takes = ("images",)
    alone: ClassVar = True
    axis: ClassVar = "quality"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        """Raises DataError for anything but uint8 images; NaN for those of fewer than 3 × 3 pixels."""
        images = generation.samples.samples
        if images.ndim != 4 or images.dtype != np.uint8:
            raise DataError(
                f"metric 'noise' takes uint8 images (n, c, height, width), but got {images.dtype} of shape "
                f"{shown(images.shape)}; measure images with it."
            )
        robust, plain = noise_levels(images)
        n, nothing = len(images), float("nan")
        spread = float(robust.std(ddof=1)) if n > 1 else nothing
        return {
            "mean": float(robust.mean()) if n else nothing,
            "mean_se": spread / n**0.5 if n else nothing,
            "sd": spread,
            "median": float(np.median(robust)) if n else nothing,
            "laplacian": float(plain.mean()) if n else nothing,
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {"n": len(generation.samples)}
