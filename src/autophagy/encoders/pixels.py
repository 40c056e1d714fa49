"""The samples themselves as features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Encoder

from ._flat import flat


@register("pixels")
@dataclass(frozen=True)
class Pixels(Encoder):
    """Images as rows of float32 in 0–1, channel by channel; vectors as they are.

    Vectors keep their precision: in float32 a collapsed Gaussian far from the
    origin would have no variance left to measure.
    """

    takes = ("vectors", "images")

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)`, float32 for images and the samples' own type for vectors. Raises DataError for others."""
        return flat(samples, "encoder 'pixels'")
