"""What draws must have in common to be shown alike, on the same axes or at the same size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autophagy.analysis import words
from autophagy.core.pool import Pool

from .draws import Drawn
from .passages import is_text
from .sprites import is_images


@dataclass(frozen=True)
class Form:
    """`size` is the height and width of images, or the dimension of vectors; empty for all others."""

    kind: Literal["images", "vectors", "symbols", "texts", "other"]
    size: tuple[int, ...] = ()

    @property
    def is_drawn(self) -> bool:
        """Whether a gallery can show it; texts have a section of their own."""
        return self.kind in ("images", "vectors", "symbols")

    @property
    def title(self) -> str:
        if self.kind == "images":
            return f"Images, {' × '.join(map(str, self.size))} pixels"
        if self.kind == "vectors":
            return f"Vectors of {words.count(self.size[0])} coordinate{'' if self.size == (1,) else 's'}"
        return self.kind.capitalize()


def form(pool: Pool) -> Form:
    kind, dimensions = pool.samples.dtype.kind, pool.samples.ndim
    if is_images(pool):
        return Form("images", pool.samples.shape[2:])
    if kind == "f" and dimensions == 2:
        return Form("vectors", pool.samples.shape[1:])
    if kind in "iu" and dimensions == 1:
        return Form("symbols")
    return Form("texts" if is_text(pool) else "other")


def forms(drawn: Drawn) -> list[Form | None]:
    """For each row that of its first pool, for a model never changes it; None where nothing is stored."""
    firsts = (next((pool for pool in row if pool is not None), None) for row in drawn.pools)
    return [None if first is None else form(first) for first in firsts]
