"""Loops one after the other: healing, relapse, late rescue."""

from __future__ import annotations

from dataclasses import dataclass

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.mixture import Mixture
from autophagy.core.parts import Loop
from autophagy.core.settings import Count


@register("phases")
@dataclass(frozen=True)
class Phases(Loop):
    """Written in TOML as a list of loops, each with `generations`; the last goes on for ever.

    Attributes:
        loops: the loops, in order.
        generations: how many generations each but the last stays in force.
    """

    loops: tuple[Loop, ...]
    generations: tuple[Count, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.loops or len(self.generations) != len(self.loops) - 1:
            raise ConfigError(
                f"phases need a number of generations for every loop but the last: "
                f"{len(self.loops)} loops, {len(self.generations)} numbers."
            )

    def mixture(self, generation: int) -> Mixture:
        last = 0
        for loop, length in zip(self.loops, self.generations, strict=False):
            last += length
            if generation <= last:
                return loop.mixture(generation)
        return self.loops[-1].mixture(generation)

    def founder(self) -> Mixture:
        return self.loops[0].founder()
