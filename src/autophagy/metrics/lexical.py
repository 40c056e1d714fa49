"""Words: how many there are, how evenly they are used, which are gone, and what is said over and over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric
from autophagy.core.settings import Count, Range
from autophagy.kernels.counts import entropy
from autophagy.kernels.grams import grams, rarefied, repeated, zipf_slope
from autophagy.text.units import Unit

from ._texts import mean_and_error, rows_of

ORDERS = (1, 2, 3)


@register("lexical")
@dataclass(frozen=True)
class Lexical(Metric):
    """Counts of words, or of tokens where samples are rows of them.

    `distinct_1`, `_2`, `_3` are the shares of n-grams that are different ones, in all samples together (Li et al.
    2016, who divide by words instead of n-grams). They fall as texts grow: compare equal amounts only, or take
    `distinct_1_at`, …: the kinds to be expected among `grams` n-grams drawn from them without replacement, as a
    share (rarefaction, Hurlbert 1971), NaN where there are fewer.

    `types` is the vocabulary of all samples, `types_lost` what the real training set has and they lack, `types_new`
    the reverse; fresh data lose many of the first set's words and no vocabulary, so only `types` has a good direction.
    All three depend on how many words are drawn: the floor is real data of as many samples. `entropy` is of words, in
    nats. `zipf_slope` is by least squares of ln frequency on ln rank (Zipf 1949; −1 in his law), over `ranks`.

    `repetition` is the mean over samples of 1 − different n-grams / n-grams, n = `repeats`: seq-rep-4 of Welleck et al.
    2020. `length` is the mean in words. `x_se` are standard errors over samples.

    Attributes:
        unit: "word" is what stands between white space, case and punctuation included; or "character".
        grams: how many the rarefied shares are of.
        ranks: first and last of the slope's; the last that there is where there are fewer.
        repeats: n of `repetition`.
    """

    takes = ("text",)
    axis: ClassVar = "diversity"
    axes: ClassVar = {"repetition": "quality", "length": "quality"}
    better: ClassVar = {"types": "higher"}
    unit: Unit = "word"
    grams: Count = 1000
    ranks: tuple[Count, Count] = (1, 1000)
    repeats: Annotated[int, Range(1, 100)] = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ranks[0] >= self.ranks[1]:
            raise ConfigError(f"ranks must be the first and the last, but are {list(self.ranks)}.")

    def measure(self, generation: Generation) -> Mapping[str, float]:
        own, real = rows_of((generation.samples, generation.real), self.unit)
        size = int(max(own.ids.max(initial=-1), real.ids.max(initial=-1))) + 1
        counts, of_real = (np.bincount(rows.ids, minlength=size) for rows in (own, real))
        found = {
            "types": float((counts > 0).sum()),
            "types_lost": float(((of_real > 0) & (counts == 0)).sum()),
            "types_new": float(((of_real == 0) & (counts > 0)).sum()),
            "entropy": entropy(counts),
            "zipf_slope": zipf_slope(counts, *self.ranks),
        }
        for n in ORDERS:
            kinds = np.bincount(grams(own.ids, own.lengths, n)[0])
            total = int(kinds.sum())
            found[f"distinct_{n}"] = len(kinds) / total if total else float("nan")
            found[f"distinct_{n}_at"] = rarefied(kinds, self.grams) / self.grams
        again = repeated(*grams(own.ids, own.lengths, self.repeats), len(own.lengths))
        for name, values in (("repetition", again), ("length", own.lengths.astype(np.float64))):
            found[name], found[f"{name}_se"] = mean_and_error(values)
        return found

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        is_rows = generation.samples.samples.ndim == 2
        return {
            "n": len(generation.samples),
            "n_real": len(generation.real),
            "unit": "token" if is_rows else self.unit,
            "grams": self.grams,
            "ranks": f"{self.ranks[0]}-{self.ranks[1]}",
            "repeats": self.repeats,
        }
