"""Nothing is thrown away: real data and everything drawn so far."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import REAL, Mixture, drawn
from autophagy.core.parts import Loop


@register("accumulate")
@dataclass(frozen=True)
class Accumulate(Loop):
    """Everything so far, real data included. Gerstgrasser et al. 2024."""

    def mixture(self, generation: int) -> Mixture:
        return Mixture((REAL.whole(), *(drawn(g).whole() for g in range(generation))))
