"""The control: real data only, every time."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import FRESH, REAL, Mixture
from autophagy.core.parts import Loop
from autophagy.core.settings import Count


@register("real-only")
@dataclass(frozen=True)
class RealOnly(Loop):
    """Retraining without any synthetic sample; as a later phase, healing.

    Attributes:
        fresh: new real samples each generation instead of the fixed set.
    """

    fresh: Count | None = None

    def mixture(self, generation: int) -> Mixture:
        return Mixture((REAL.whole() if self.fresh is None else FRESH.some(self.fresh),))
