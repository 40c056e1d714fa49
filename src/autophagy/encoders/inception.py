"""The features behind FID."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Encoder, Model, Source

from ._images import check_images
from ._inception_weights import WEIGHTS


@register("inception")
@dataclass(frozen=True)
class Inception(Encoder):
    """The 2,048 numbers after the last pooling of FID's Inception-v3 (Heusel et al. 2017), as torch-fidelity has them.

    Images are resized to 299 × 299 as TensorFlow 1 did it and scaled by
    (x − 128) / 128, as in the original; pytorch-fid does both otherwise. Grey ones
    become RGB. There is one set of weights, known by its hash, so it is part of this
    encoder's version and no setting. They do not come with the package:
    `autophagy weights inception` gets them, once. Needs torch.
    """

    takes = ("images",)

    def lacking(self) -> str | None:
        return WEIGHTS.missing()

    def objection(self, source: Source, model: Model) -> str | None:
        return WEIGHTS.missing()

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, 2048)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        check_images(samples, WEIGHTS.who)
        trouble = WEIGHTS.missing()
        if trouble:
            raise DataError(trouble)
        from ._inception import features, network

        return features(network(WEIGHTS.place()), samples)
