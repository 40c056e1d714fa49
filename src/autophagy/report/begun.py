"""Generation 0 beside the real images that its samples were begun from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.analysis import words
from autophagy.core.pool import Pool

from .sheets import LARGEST, Cell, block, spaced
from .shelf import Shelf
from .sprites import is_images

REAL = "probe begun"  # the pool in a record that holds the first real samples
MOST = 12  # pairs
SHEETS = 4  # founders that differ


@dataclass(frozen=True)
class Pairs:
    """Pairs of images side by side, of arms with the same generation 0; `captions` is as long, or empty."""

    arms: tuple[str, ...]
    cells: tuple[Cell, ...]
    captions: tuple[str, ...]
    about: str


def pairs(shelf: Shelf) -> list[Pairs]:
    """One for each generation 0 that was begun from real images, the first few of those that differ."""
    sharing: dict[tuple[str, str], list[str]] = {}
    for arm in shelf.story.arms:
        keys = shelf.key(arm.name, 0, _drawn(shelf, arm.name)), shelf.key(arm.name, 0, REAL)
        if all(keys):
            sharing.setdefault(keys, []).append(arm.name)
    found = [_pairs(shelf, arms) for arms in list(sharing.values())[:SHEETS]]
    return [each for each in found if each is not None]


def _drawn(shelf: Shelf, arm: str) -> str:
    """What was begun is what was drawn, before any curator."""
    return "drawn" if shelf.is_there(arm, 0, "drawn") else "samples"


def _pairs(shelf: Shelf, arms: list[str]) -> Pairs | None:
    real, made = shelf.pool(arms[0], 0, REAL), shelf.pool(arms[0], 0, _drawn(shelf, arms[0]))
    if real is None or made is None or made.begun is None or not is_images(real) or not is_images(made):
        return None
    first = {row: k for k, row in reversed(list(enumerate(made.begun.tolist())))}  # the first sample begun from each
    there = [(i, first[row]) for i, row in enumerate(real.row.tolist()) if row in first]
    rows = spaced(there, MOST)
    if not rows:
        return None
    cells = tuple(_cell(real, made, i, k) for i, k in rows)
    texts = made.condition if made.condition is not None and made.condition.dtype.kind == "U" else None
    about = (
        f"Left the real image, right the sample that was begun from it: {len(rows)} of {words.count(len(made))} in "
        f"generation 0 of the lineage with seed {shelf.story.first_seed}."
    )
    return Pairs(tuple(arms), cells, () if texts is None else tuple(str(texts[k]) for _, k in rows), about)


def _cell(real: Pool, made: Pool, i: int, k: int) -> Cell:
    about = f"real image {int(real.row[i])} and the sample begun from it"
    left, right = (block(pool, [at], LARGEST, 1) for pool, at in ((real, i), (made, k)))
    return Cell(beside(left, right), about)


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """`(h, w, planes)` images of one size, next to each other with a gap between them."""
    gap = np.zeros((left.shape[0], max(1, left.shape[1] // 16), left.shape[2]), np.uint8)
    return np.concatenate([left, gap, right], axis=1)
