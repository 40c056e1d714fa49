"""Sheets of thumbnails: a table whose cells hold a few small images side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from autophagy.core.pool import Pool

from .sprites import data_uri, tiles

VALUES = 3_000_000  # of all pixels of one section; images are shown smaller, and fewer of them, to keep to it
LARGEST, SMALLEST = 112, 56  # pixels a side: larger images are shrunk, but not below
ROWS = 11  # generations in a sheet
T = TypeVar("T")


@dataclass(frozen=True)
class Cell:
    """`pixels` are `(h, w, 2)` grey or `(h, w, 4)` colour, the last plane being opacity. None where there is nothing to
    see; `about` says why, and is empty where nothing could be there."""

    pixels: np.ndarray | None
    about: str

    @cached_property
    def uri(self) -> str:
        return "" if self.pixels is None else data_uri(self.pixels)


@dataclass(frozen=True)
class Sheet:
    """A table of cells.

    Attributes:
        title: of one sheet among several.
        heads: names of the columns.
        arms: for each column the arm whose look its head has, or None.
        rows: generation and cells of each row.
        about: what is in a cell, and what was left out.
    """

    title: str
    heads: tuple[str, ...]
    arms: tuple[int | None, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    about: str


def is_captioned(pool: Pool | None) -> bool:
    """Whether these are images that a text asked for."""
    if pool is None or pool.samples.ndim != 4 or pool.samples.dtype != np.uint8:
        return False
    return pool.condition is not None and pool.condition.dtype.kind == "U"


def captions(pool: Pool) -> list[str]:
    """The texts that a pool's images were asked for with, each once, in order."""
    return list(dict.fromkeys(map(str, pool.condition.tolist()))) if pool.condition is not None else []


def room(cells: int, shape: Sequence[int], counts: Sequence[int] = (4, 2, 1)) -> tuple[int, int]:
    """How many images of shape `(c, h, w)` of which side a cell can have; gives up pixels first, then images."""
    own = max(shape[1:])
    side = 1
    for count in counts:
        side = min(own, LARGEST, int((VALUES / max(cells * count * shape[0], 1)) ** 0.5))
        if side >= min(own, SMALLEST):
            return count, side
    return counts[-1], max(side, 1)


def block(pool: Pool, rows: Sequence[int], side: int, columns: int) -> np.ndarray:
    """`(h, w, 2)` or `(h, w, 4)`: some of a pool's images in rows of `columns`, nothing between them."""
    found = [_opaque(tile) for tile in tiles(pool.take(np.asarray(rows, np.int64)), len(rows), side)]
    h, w, planes = found[0].shape
    gap = max(1, w // 28)
    down = -(-len(found) // columns)
    whole = np.zeros((down * (h + gap) - gap, columns * (w + gap) - gap, planes), np.uint8)
    for k, tile in enumerate(found):
        top, left = k // columns * (h + gap), k % columns * (w + gap)
        whole[top : top + h, left : left + w] = tile
    return whole


def spaced(there: Sequence[T], most: int) -> list[T]:
    """At most so many of a list, evenly, with the first and the last."""
    if len(there) <= most:
        return list(there)
    return [there[round(k * (len(there) - 1) / max(most - 1, 1))] for k in range(most)]


def left_out(shown: Sequence[int], there: Sequence[int]) -> str:
    """What a table of some generations says of the others."""
    return f" {len(shown)} of {len(there)} generations are shown." if len(shown) < len(there) else ""


def quoted(texts: Sequence[str]) -> str:
    return ", ".join(f"“{text}”" for text in texts)


def _opaque(tile: np.ndarray) -> np.ndarray:
    planes = tile[..., None] if tile.ndim == 2 else tile
    return np.concatenate([planes, np.full((*planes.shape[:2], 1), 255, np.uint8)], axis=2)
