"""The photographs to train on: digits and garments in six colours, and which pairings are kept back."""

from __future__ import annotations

from functools import cache

import numpy as np

from autophagy.core.catalog import build
from autophagy.core.parts import Split
from autophagy.sources._captions import DIGITS
from autophagy.sources._coloured import HUES, caption
from autophagy.sources.coloured_garments import GARMENTS

THINGS = (*DIGITS, *GARMENTS.values())
RARE = ("yellow", "cyan", "purple")  # the colours of which each thing lacks one
HELD_OUT = frozenset(caption(RARE[i % len(RARE)], thing) for i, thing in enumerate(THINGS))
WORDS = ("a", "photo", "of", *HUES, *THINGS)


@cache
def photographs(split: Split, garments: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns `(n, 3, 32, 32)` uint8 and captions `(n,)` of both sources in all colours."""
    colours = list(HUES)
    digits = build("source", {"use": "coloured-digits", "colours": colours})
    clothes = build("source", {"use": "coloured-garments", "colours": colours, "folder": garments})
    images = np.concatenate([digits.load(split), clothes.load(split)])
    return images, np.concatenate([digits.conditions(split), clothes.conditions(split)])


def trained_on(captions: np.ndarray) -> np.ndarray:
    """`(n,)` whether the autoencoder and the denoiser may see a caption's images."""
    return ~np.isin(captions, list(HELD_OUT))
