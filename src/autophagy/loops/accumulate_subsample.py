"""A fixed number of samples, at random from everything so far."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import REAL, Mixture, drawn
from autophagy.core.parts import Loop
from autophagy.core.settings import Count


@register("accumulate-subsample")
@dataclass(frozen=True)
class AccumulateSubsample(Loop):
    """Kazdan et al. 2024: as `accumulate`, at the cost of a single generation.

    Attributes:
        size: samples of the training set, drawn from real data and every generation alike; as many as there are real
            ones if absent.
    """

    size: Count | None = None

    def mixture(self, generation: int) -> Mixture:
        everything = (REAL.whole(), *(drawn(g).whole() for g in range(generation)))
        return Mixture(everything, budget=self.size, as_real=self.size is None)
