"""What is on a small photograph, and in which colour: digits and garments, by a small network of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autophagy.core.abilities import Captions
from autophagy.core.catalog import register
from autophagy.core.parts import Classifier

from ._blocks import in_blocks
from ._images import check_images, square_rgb

WHO = "encoder 'coloured-things'"
BLOCK = 16  # so that what a block needs stays in the cache


@register("coloured-things")
@dataclass(frozen=True)
class ColouredThings(Classifier, Captions):
    """The 96 numbers before the outputs of a network trained on sources `coloured-digits` and `coloured-garments`.

    It answers two questions of an image: which of 18 things is on it (ten digits and eight garments), and in which of
    six colours. As a classifier its classes are the things, in the order of `words`. RGB images of another size are
    resized to 32 × 32, the whole frame to the whole frame; grey ones have no colour and are read all the same. The
    weights come with the package: `docs/coloured-things.md` says how they were made.
    """

    takes = ("images",)
    classes = tuple(range(18))

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, 96)` float32 of uint8 images `(n, 1 or 3, h, w)`. Raises DataError for anything else."""
        from ._coloured_things import FEATURES, SIDE, network

        check_images(samples, WHO)
        net = network()
        return in_blocks(samples, BLOCK, FEATURES, lambda images: net.features(square_rgb(images, SIDE) / 255))

    def words(self) -> Mapping[str, tuple[str, ...]]:
        from ._coloured_things import words

        return words()

    def answers(self, features: np.ndarray) -> Mapping[str, np.ndarray]:
        return {question: self._answer(question, features) for question in self.words()}

    def decide(self, features: np.ndarray) -> np.ndarray:
        return self._answer("thing", features)

    def _answer(self, question: str, features: np.ndarray) -> np.ndarray:
        from ._coloured_things import network

        net, n = network(), len(self.words()[question])
        logits = in_blocks(features, BLOCK, n, lambda rows: net.logits(question, rows))
        return np.asarray(logits.argmax(1), np.int64)
