"""A fixed real set is joined by what earlier generations made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autophagy.core.catalog import register
from autophagy.core.mixture import REAL, Draw, Mixture, drawn
from autophagy.core.parts import Loop
from autophagy.core.settings import Count


@register("synthetic-augmentation")
@dataclass(frozen=True)
class SyntheticAugmentation(Loop):
    """MAD's synthetic augmentation loop (Casco-Rodriguez, Alemohammad et al. 2023).

    Attributes:
        keep: the earlier generations that join: "previous", "all", or the number of the last ones.
        real: samples of the fixed real set, drawn anew each time; the whole set if absent.
        size: samples of each earlier generation; all of them if absent.
        arm: eat another arm's output instead of one's own.
    """

    keep: Literal["previous", "all"] | Count = "previous"
    real: Count | None = None
    size: Count | None = None
    arm: str | None = None

    def mixture(self, generation: int) -> Mixture:
        memory = {"previous": 1, "all": generation}.get(str(self.keep)) or int(self.keep)
        real = REAL.whole() if self.real is None else REAL.some(self.real)
        return Mixture((real, *(self._eaten(g) for g in range(max(0, generation - memory), generation))))

    def _eaten(self, generation: int) -> Draw:
        pool = drawn(generation, self.arm)
        return pool.whole() if self.size is None else pool.some(self.size)
