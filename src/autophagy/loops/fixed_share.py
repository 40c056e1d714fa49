"""A training set of fixed size, of which a fixed share is the last generation's output."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.mixture import REAL, Mixture, drawn
from autophagy.core.parts import Loop
from autophagy.core.settings import Count, Fraction


@register("fixed-share", version=3)  # 2: the real part is what the synthetic one leaves; 3: shares by group are of all
@dataclass(frozen=True)
class FixedShare(Loop):
    """Nepotistic training: N samples in all, share p of them synthetic (Bohacek and Farid 2023).

    Attributes:
        synthetic: p, the share taken from the generation before, 0–1.
        total: N; if absent, a share p of the generation before is taken, and of the real set what such a share leaves,
            which is N in all when both have N samples.
        by_group: keep the proportions of classes or captions in both parts, to whole samples by largest remainder.
        arm: eat another arm's output instead of one's own.
    """

    synthetic: Fraction = 0.5
    total: Count | None = None
    by_group: bool = False
    arm: str | None = None

    def mixture(self, generation: int) -> Mixture:
        last, p, by_group = drawn(generation - 1, self.arm), self.synthetic, self.by_group
        if self.total is None:
            draws = REAL.rest(p, stratified=by_group), last.share(p, stratified=by_group)
        else:
            synthetic = round(p * self.total)
            draws = REAL.some(self.total - synthetic, stratified=by_group), last.some(synthetic, stratified=by_group)
        return Mixture(tuple(draw for draw, share in zip(draws, (1 - p, p), strict=True) if share > 0))
