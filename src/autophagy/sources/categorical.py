"""Symbols without end, drawn from a known distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.known import KnownDistribution
from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed
from autophagy.core.settings import Fraction, Range


@register("categorical")
@dataclass(frozen=True)
class Categorical(Stream, KnownDistribution):
    """Independent symbols 0, 1, … k − 1: a vocabulary's unigrams, or alleles under drift.

    Attributes:
        probabilities: k numbers that sum to 1, or empty to use the law below.
        symbols: k, where no probabilities are given.
        law: "uniform", or "zipf": the r-th symbol is as likely as r to the power −exponent.
        exponent: of Zipf's law, 0–100.
    """

    space = "symbols"
    probabilities: tuple[Fraction, ...] = ()
    symbols: Annotated[int, Range(1, 10_000_000)] = 10
    law: Literal["uniform", "zipf"] = "uniform"
    exponent: Annotated[float, Range(0, 100)] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        total = sum(self.probabilities)
        if self.probabilities and abs(total - 1) > 1e-6:
            raise ConfigError(f"probabilities must sum to 1, but sum to {total:.6g}.")

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        chances = self.distribution()
        return seed.numpy().choice(len(chances), n, p=chances).astype(np.int64, copy=False)

    def distribution(self) -> np.ndarray:
        """Returns `(k,)` probabilities, summing to 1."""
        if self.probabilities:
            weights = np.array(self.probabilities)
        elif self.law == "zipf":
            weights = np.arange(1, self.symbols + 1, dtype=np.float64) ** -self.exponent
        else:
            weights = np.ones(self.symbols)
        chances: np.ndarray = weights / weights.sum()
        return chances
