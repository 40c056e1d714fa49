"""Garments in colours, with captions: what the digits' retraining set does not show."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Split

from ._coloured import Coloured
from .fashion_mnist import FashionMnist

# by Fashion-MNIST's class number; coat and shirt are left out, which people mistake for pullover and T-shirt
GARMENTS = {0: "t-shirt", 1: "trouser", 2: "pullover", 3: "dress", 5: "sandal", 7: "sneaker", 8: "bag", 9: "boot"}


@register("coloured-garments")
@dataclass(frozen=True)
class ColouredGarments(Coloured):
    """Eight classes of Fashion-MNIST as photographs (3, 32, 32), captioned "a photo of a blue sandal".

    Attributes:
        colours: of "red", "green", "blue", "yellow", "cyan", "purple"; each row has one of them.
        folder: of the four IDX files, as source `fashion-mnist` takes it.
    """

    folder: str | None = None

    def grey(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        fashion = self._fashion()
        labels = fashion.conditions(split)
        rows = np.flatnonzero(np.isin(labels, list(GARMENTS)))
        return fashion.load(split)[rows], np.array([GARMENTS[label] for label in labels[rows].tolist()])

    def content(self) -> str:
        return self._fashion().content()

    def stamp(self) -> Hashable:
        return self._fashion().stamp()

    def _fashion(self) -> FashionMnist:
        return FashionMnist(folder=self.folder)
