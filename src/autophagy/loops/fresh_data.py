"""New real data arrives every generation and is mixed with the last output."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import FRESH, Draw, Mixture, drawn
from autophagy.core.parts import Loop
from autophagy.core.settings import Count


@register("fresh-data")
@dataclass(frozen=True)
class FreshData(Loop):
    """MAD's fresh data loop (Casco-Rodriguez, Alemohammad et al. 2023).

    Attributes:
        real: n_r, new real samples each generation, never seen before by this lineage; as many as the fixed real set
            has, if absent.
        synthetic: n_s, samples of each remembered generation; all of them if absent.
        memory: how many earlier generations are remembered.
        arm: eat another arm's output instead of one's own.
    """

    real: Count | None = None
    synthetic: Count | None = None
    memory: Count = 1
    arm: str | None = None

    def mixture(self, generation: int) -> Mixture:
        remembered = range(max(0, generation - self.memory), generation)
        fresh = FRESH.as_real() if self.real is None else FRESH.some(self.real)
        return Mixture((fresh, *(self._eaten(g) for g in remembered)))

    def _eaten(self, generation: int) -> Draw:
        pool = drawn(generation, self.arm)
        return pool.whole() if self.synthetic is None else pool.some(self.synthetic)
