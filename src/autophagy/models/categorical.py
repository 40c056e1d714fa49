"""Frequencies of symbols: the model whose rare words vanish, as genes do by drift."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Begin, Density, LinearFamily, Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Range
from autophagy.core.workspace import Workspace

from ._em import picked
from ._inputs import arrays, checked

FILE = "categorical.safetensors"


@register("categorical")
@dataclass(frozen=True)
class Categorical(Model):
    """Relative frequencies; draws independent symbols. Its fully synthetic loop is Wright–Fisher drift.

    λ is a temperature: symbols are drawn in proportion to p^(1/λ).

    Attributes:
        smoothing: added to the count of every symbol (Laplace's rule is 1).
        alphabet: the symbols are 0 … alphabet − 1, so that smoothing can bring one back that was lost; if absent,
            they are those of the training set.
    """

    takes = ("symbols",)
    smoothing: Annotated[float, Range(0)] = 0.0
    alphabet: Count | None = None

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        seen, counts = np.unique(np.asarray(checked(train, self.name), np.int64), return_counts=True)  # (s,), (s,)
        symbols = seen if self.alphabet is None else np.arange(self.alphabet)  # (k,)
        outside = seen[(seen < symbols[0]) | (seen > symbols[-1])]
        if len(outside):
            raise DataError(
                f"model 'categorical' with alphabet = {self.alphabet} got the symbol {outside[0]}; "
                f"the symbols must be 0 to {symbols[-1]}."
            )
        mass = np.full(len(symbols), self.smoothing)
        mass[np.searchsorted(symbols, seen)] += counts
        return FittedCategorical(symbols, mass / mass.sum())

    def load(self, folder: Path) -> Sampler:
        return FittedCategorical(*arrays(folder / FILE, "symbols", "probabilities"))

    def linear_family(self) -> LinearFamily | None:
        """Of Gini's 1 − Σp², which moves as a variance does."""
        return None if self.smoothing else LinearFamily(takes_bias=False)


@dataclass(frozen=True)
class FittedCategorical(Density):
    symbols: np.ndarray  # (k,) int64, rising
    probabilities: np.ndarray  # (k,)

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        p = self.probabilities
        heights = p if bias == 1 else (p / p.max()) ** (1 / bias)  # the commonest stays 1 where others underflow
        return np.asarray(self.symbols[picked(heights, seed.numpy().random(n))])

    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        """Log probabilities; −∞ for a symbol that is not known."""
        place = np.minimum(np.searchsorted(self.symbols, samples), len(self.symbols) - 1)
        p = np.where(self.symbols[place] == samples, self.probabilities[place], 0.0)
        with np.errstate(divide="ignore"):
            return np.log(p)

    def save(self, folder: Path) -> None:
        save_file({"symbols": self.symbols, "probabilities": self.probabilities}, folder / FILE)
