"""Each generation trains only on what the one before it made."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import Mixture, drawn
from autophagy.core.parts import Loop
from autophagy.core.settings import Count


@register("fully-synthetic")
@dataclass(frozen=True)
class FullySynthetic(Loop):
    """MAD's fully synthetic loop (Casco-Rodriguez, Alemohammad et al. 2023); elsewhere "replace" or "discard".

    Attributes:
        size: samples of the generation before; all of them if absent.
        arm: eat another arm's output instead of one's own.
    """

    size: Count | None = None
    arm: str | None = None

    def mixture(self, generation: int) -> Mixture:
        pool = drawn(generation - 1, self.arm)
        return Mixture((pool.whole() if self.size is None else pool.some(self.size),))
