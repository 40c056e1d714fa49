"""The early maps behind the single-image FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Model, Source, SpatialEncoder
from autophagy.core.settings import Range

from ._images import check_images
from ._inception_weights import WEIGHTS

SMALLEST = {"pool1": 15, "conv4": 23}  # pixels of a side that leave two positions along it


@register("inception-maps")
@dataclass(frozen=True)
class InceptionMaps(SpatialEncoder):
    """An early layer of FID's Inception-v3, for the single-image FID (Shaham et al. 2019).

    `pool1` is after the first max-pooling, 64 features: SinGAN's published code.
    `conv4` is the last convolution before the second one, 192: SinGAN's paper.
    `encode` averages it over positions. Values are scaled by (x − 128) / 128, grey images become RGB. The weights are
    those of encoder `inception`: `autophagy weights inception` gets them, once. Needs torch.

    Attributes:
        layer: which.
        side: pixels that images are resized to (antialiased triangle filter); their own size if absent, as SinGAN.
    """

    takes = ("images",)
    layer: Literal["pool1", "conv4"] = "pool1"
    side: Annotated[int, Range(23, 2048)] | None = None

    def lacking(self) -> str | None:
        return WEIGHTS.missing()

    def objection(self, source: Source, model: Model) -> str | None:
        return WEIGHTS.missing()

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, 64 or 192)` float32 of uint8 images `(n, 1 or 3, h, w)`."""
        return np.asarray(self.maps(samples).mean((2, 3)))

    def maps(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, 64 or 192, h′, w′)` float32 of uint8 images. Raises DataError for others and too small ones."""
        check_images(samples, WEIGHTS.who)
        least = min(samples.shape[2:]) if self.side is None else self.side
        if least < SMALLEST[self.layer]:
            raise DataError(
                f"encoder 'inception-maps' with layer = \"{self.layer}\" needs images of at least "
                f"{SMALLEST[self.layer]} pixels a side, but got {least}; set side = 64 to enlarge them."
            )
        trouble = WEIGHTS.missing()
        if trouble:
            raise DataError(trouble)
        from ._inception import maps, network

        return maps(network(WEIGHTS.place()), samples, self.layer, self.side)
