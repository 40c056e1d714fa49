"""Symbols lost and diversity left, for categorical data: genetic drift of a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.known import KnownDistribution
from autophagy.core.parts import Metric
from autophagy.kernels.counts import entropy

from ._ratios import match


@register("symbols", version=2)  # 2: gini_ratio, gini_match
@dataclass(frozen=True)
class Symbols(Metric):
    """Gini diversity 1 − Σp² (the chance that two draws differ), entropy in nats, symbols lost, total variation.

    A symbol is lost if the source can give it and no sample is it; where the
    source does not know its distribution, if it is in the real data and in no
    sample. Total variation ½Σ|p − q| is to the source's own distribution where
    it is known, else to held-out real data; `gini_ratio` is the share of the
    Gini diversity of that same distribution, and `gini_match` is min(r, 1/r) of
    it: more diverse than the truth is no better than less.
    """

    takes = ("symbols",)
    axis: ClassVar = "diversity"
    better: ClassVar = {"gini_match": "higher", "lost": "lower", "total_variation": "lower"}

    def measure(self, generation: Generation) -> Mapping[str, float]:
        drawn = generation.samples.samples
        if not len(drawn):
            return dict.fromkeys([*self.better, "gini", "gini_ratio", "entropy"], float("nan"))
        possible, law = _real_law(generation)
        size = max(int(drawn.max()) + 1, len(law))
        counts = np.bincount(drawn, minlength=size)
        shares = counts / len(drawn)
        gini, real_gini = (1.0 - float(p @ p) for p in (shares, law))
        ratio = gini / real_gini if real_gini > 0 else float("nan")
        return {
            "gini": gini,
            "gini_ratio": ratio,
            "gini_match": match(ratio),
            "entropy": entropy(counts),
            "lost": float(np.count_nonzero(counts[possible] == 0)),
            "total_variation": float(np.abs(shares - np.pad(law, (0, size - len(law)))).sum() / 2),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        known = isinstance(generation.source, KnownDistribution)
        return {**super().identity(generation), "against": "truth" if known else "reference"}


def _real_law(generation: Generation) -> tuple[np.ndarray, np.ndarray]:
    """Returns the symbols `(s,)` that real data can hold, and the probability `(k,)` of each of 0 … k − 1."""
    if isinstance(generation.source, KnownDistribution):
        law = generation.source.distribution()
        return np.flatnonzero(law), law
    real, reference = generation.real.samples, generation.reference.samples
    size = int(max(real.max(initial=0), reference.max(initial=0))) + 1
    counts = np.bincount(reference, minlength=size)
    return np.union1d(real, reference), counts / counts.sum()
