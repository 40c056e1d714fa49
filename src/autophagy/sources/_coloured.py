"""Grey pictures of one thing each, made into colour photographs with a caption: "a photo of a red seven".

A thing is painted in a colour that is never twice the same (hue, saturation and brightness vary) before a dark
background that varies too, so that a set has the spread of colours that a loop can lose. Which row has which colour
and shade follows from the row's number alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autophagy.core.errors import ConfigError, listed, nearest
from autophagy.core.parts import Collection, Split
from autophagy.core.seeds import Seed

SIDE = 32  # pixels; the pictures of 28 × 28 lie in the middle
# hues in degrees, far enough apart to be told by their names
HUES = {"red": 0.0, "green": 120.0, "blue": 228.0, "yellow": 55.0, "cyan": 180.0, "purple": 288.0}
GROUPS = ("red", "green", "blue")  # the colours of a retraining set; the others are for other prompts
HUE_SPREAD = 8.0  # degrees to either side
BLOCK = 4096  # rows painted at once


@dataclass(frozen=True)
class Coloured(Collection):
    """Abstract: images (3, 32, 32) of coloured things, with captions that name colour and thing.

    Attributes:
        colours: of "red", "green", "blue", "yellow", "cyan", "purple"; each row has one of them.
    """

    space = "images"
    colours: tuple[str, ...] = GROUPS

    def __post_init__(self) -> None:
        super().__post_init__()
        for colour in self.colours:
            if colour not in HUES:
                hint = nearest(colour, HUES)
                raise ConfigError(f"colours must be of {listed(HUES)}, but one is '{colour}'.{hint}")
        if not self.colours or len(set(self.colours)) < len(self.colours):
            raise ConfigError("colours must name at least one colour, and none twice.")

    @abstractmethod
    def grey(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pictures `(n, 1, 28, 28)` uint8 and what is on each, `(n,)` names."""

    def size(self, split: Split) -> int:
        return len(self.conditions(split))

    def conditions(self, split: Split) -> np.ndarray:
        return captions(self, split, self.stamp())

    def load(self, split: Split) -> np.ndarray:
        """All images, 3 kB each; painted once per process."""
        return _painted(self, split, self.stamp())

    def stamp(self) -> Hashable:
        """Changes when a file behind it does; good within one process only."""
        return None


@lru_cache(maxsize=8)
def captions(source: Coloured, split: Split, stamp: Hashable) -> np.ndarray:
    """`(n,)` what stands under every image."""
    _, things = source.grey(split)
    names, thing = np.unique(things, return_inverse=True)
    table = np.array([[caption(colour, name) for name in names] for colour in source.colours])  # (colours, things)
    found: np.ndarray = table[_colour_of(source, split, len(things)), thing]
    found.setflags(write=False)
    return found


def caption(colour: str, thing: str) -> str:
    return f"a photo of a {colour} {thing}"


@lru_cache(maxsize=2)
def _painted(source: Coloured, split: Split, stamp: Hashable) -> np.ndarray:
    grey, _ = source.grey(split)
    hues = np.array([HUES[colour] for colour in source.colours])[_colour_of(source, split, len(grey))]  # (n,)
    rng = Seed(("sources", "coloured", "shade", split)).numpy()
    chance = rng.random((len(grey), 8), np.float32)
    images = np.empty((len(grey), 3, SIDE, SIDE), np.uint8)
    for first in range(0, len(grey), BLOCK):
        rows = slice(first, first + BLOCK)
        images[rows] = paint(grey[rows, 0], hues[rows], chance[rows])
    images.setflags(write=False)
    return images


def _colour_of(source: Coloured, split: Split, n: int) -> np.ndarray:
    """`(n,)` which of the source's colours a row has."""
    chance: np.ndarray = Seed(("sources", "coloured", "colour", split)).numpy().integers(0, 2**32, n)
    found: np.ndarray = chance % len(source.colours)
    return found


def paint(grey: np.ndarray, hues: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Returns `(n, 3, 32, 32)` uint8 photographs of grey pictures `(n, 28, 28)`.

    `hues` `(n,)` are in degrees; `chance` `(n, 8)` in [0, 1) chooses hue, saturation and brightness around it, and
    the brightness, tint and slope of the background.
    """
    margin = (SIDE - grey.shape[1]) // 2
    mask = np.pad(grey, ((0, 0), (margin, margin), (margin, margin))).astype(np.float32)[:, None] / 255
    hue = hues + (2 * chance[:, 0] - 1) * HUE_SPREAD
    thing = _rgb(hue, 0.75 + 0.25 * chance[:, 1], 0.7 + 0.3 * chance[:, 2])  # (n, 3)
    ground = 0.05 + 0.2 * chance[:, 3:4] + 0.08 * (chance[:, 4:7] - 0.5)  # (n, 3)
    slope = 1 + 0.8 * (chance[:, 7] - 0.5)[:, None] * np.linspace(
        -1, 1, SIDE, dtype=np.float32
    )  # (n, 32), from the top
    background = ground[:, :, None, None] * slope[:, None, :, None]
    mixed = background + mask * (thing[:, :, None, None] - background)
    found: np.ndarray = np.rint(255 * mixed.clip(0, 1)).astype(np.uint8)
    return found


def _rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """`(n, 3)` RGB in 0–1 of HSV; hues in degrees."""
    corner = (np.array([5, 3, 1]) + hue[:, None] / 60) % 6  # (n, 3)
    fall = np.minimum(corner, 4 - corner).clip(0, 1)
    return np.asarray(value[:, None] * (1 - saturation[:, None] * fall), np.float32)
