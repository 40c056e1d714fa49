"""A training set of fixed size, of which a fixed share is the last generation's output."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import REAL, Draw, Mixture, PoolName, drawn
from autophagy.core.parts import Loop
from autophagy.core.settings import Count, Fraction


@register("fixed-share")
@dataclass(frozen=True)
class FixedShare(Loop):
    """Nepotistic training: N samples in all, share p of them synthetic (Bohacek and Farid 2023).

    Attributes:
        synthetic: p, the share taken from the generation before, 0–1.
        total: N; if absent, a share p of the generation before and 1 − p of the real set are taken,
            which is N in all when both have N samples.
        by_group: keep the proportions of classes or captions in both halves.
        arm: eat another arm's output instead of one's own.
    """

    synthetic: Fraction = 0.5
    total: Count | None = None
    by_group: bool = False
    arm: str | None = None

    def mixture(self, generation: int) -> Mixture:
        parts = ((REAL, 1 - self.synthetic), (drawn(generation - 1, self.arm), self.synthetic))
        return Mixture(tuple(self._draw(pool, share) for pool, share in parts if share > 0))

    def _draw(self, pool: PoolName, share: float) -> Draw:
        if self.total is None:
            return pool.share(share, stratified=self.by_group)
        synthetic = round(self.synthetic * self.total)
        size = self.total - synthetic if pool is REAL else synthetic
        return pool.some(size, stratified=self.by_group)
