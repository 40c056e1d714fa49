"""Learned features that need no hub: VGG16's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Encoder, Model, Source
from autophagy.core.settings import Range

from ._images import check_images
from ._vgg16_weights import WEIGHTS


@register("vgg16")
@dataclass(frozen=True)
class Vgg16(Encoder):
    """A convolution's maps after their ReLU, each averaged over its positions (Simonyan and Zisserman 2015).

    The whole frame is resized to side × side by an antialiased triangle filter
    and normalised with ImageNet's mean and standard deviation; grey images
    become RGB. There is one set of weights, known by its hash, so it is part of
    this encoder's version and no setting. They do not come with the package:
    `autophagy weights vgg16` gets them, once. Needs torch.

    Attributes:
        layer: the last of its stage; they have 64, 128, 256, 512 and 512 features.
        side: pixels.
    """

    takes = ("images",)
    layer: Literal["relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"] = "relu4_3"
    side: Annotated[int, Range(16, 1024)] = 64

    def lacking(self) -> str | None:
        return WEIGHTS.missing()

    def objection(self, source: Source, model: Model) -> str | None:
        return WEIGHTS.missing()

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, d)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        check_images(samples, WEIGHTS.who)
        trouble = WEIGHTS.missing()
        if trouble:
            raise DataError(trouble)
        from ._vgg16 import features, network

        return features(network(WEIGHTS.place()), samples, int(self.layer[4]) - 1, self.side)
