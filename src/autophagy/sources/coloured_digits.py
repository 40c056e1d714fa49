"""Handwritten digits in colours, with captions: 30 groups of ten digits in three colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.catalog import build, register
from autophagy.core.parts import Split

from ._captions import DIGITS
from ._coloured import Coloured


@register("coloured-digits")
@dataclass(frozen=True)
class ColouredDigits(Coloured):
    """MNIST's digits as photographs (3, 32, 32), captioned "a photo of a red seven"; the test set is held out.

    Attributes:
        colours: of "red", "green", "blue", "yellow", "cyan", "purple"; each row has one of them.
    """

    def grey(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        mnist = build("source", "mnist")
        return mnist.load(split), np.array(DIGITS)[mnist.conditions(split)]
