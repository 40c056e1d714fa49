"""Features and classes of handwritten digits, by a small network trained on MNIST."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Classifier

from ._blocks import in_blocks
from ._images import check_images, small_grey

WHO = "encoder 'lenet'"
BLOCK = 32  # so that what a block needs stays in the cache


@register("lenet")
@dataclass(frozen=True)
class LeNet(Classifier):
    """The 84 numbers before the output of a LeNet-5, after their leaky ReLU (LeCun et al. 1998).

    Colour images are made grey and other sizes are resized to 28 × 28, the
    whole frame to the whole frame; strokes are taken to be light on dark. The
    weights come with the package: `docs/lenet.md` says how they were made.
    """

    takes = ("images",)
    classes = tuple(range(10))

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, 84)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        from ._lenet import FEATURES, SIDE, network

        check_images(samples, WHO)
        net = network()
        return in_blocks(samples, BLOCK, FEATURES, lambda images: net.features(small_grey(images, SIDE)))

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Returns `(n, 10)` float32, rows that add up to 1, from features `(n, 84)`."""
        logits = self._logits(features)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(shares / shares.sum(1, keepdims=True))

    def decide(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self._logits(features).argmax(1), np.int64)

    def _logits(self, features: np.ndarray) -> np.ndarray:
        from ._lenet import network

        return in_blocks(features, BLOCK, len(self.classes), network().logits)
