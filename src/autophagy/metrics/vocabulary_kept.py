"""Words of generation 0 that later generations still use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric, Read
from autophagy.text.units import Unit

from ._texts import rows_of


@register("vocabulary-kept")
@dataclass(frozen=True)
class VocabularyKept(Metric):
    """Counts of words, or of tokens where samples are rows of them, against what generation 0 drew.

    `kept` is the share of generation 0's words that occur, `lost` how many do not, `new` how many occur that generation
    0 had not. All depend on how much is drawn: a founder's second set of as many texts lacks rare words of its first
    too. So generation 0, which keeps all of its own, is no level that a healthy loop could hold, no trend is judged,
    and arms of equal amounts should be held against each other. `lexical` has the words of real texts.

    Attributes:
        unit: "word" is what stands between white space, case and punctuation included; or "character".
    """

    takes = ("text",)
    axis: ClassVar = "diversity"
    unit: Unit = "word"

    @property
    def reads(self) -> tuple[Read, ...]:
        return ("founder_samples",)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        if generation.founder_samples is None:
            raise DataError(f"metric '{self.name}' needs what generation 0 drew, but there is none; leave it out.")
        own, first = rows_of((generation.samples, generation.founder_samples), self.unit)
        now, before = np.unique(own.ids), np.unique(first.ids)
        kept = len(np.intersect1d(now, before, assume_unique=True))
        return {
            "kept": kept / len(before) if len(before) else float("nan"),
            "lost": float(len(before) - kept),
            "new": float(len(now) - kept),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        founders = generation.founder_samples
        is_rows = generation.samples.samples.ndim == 2
        return {
            "n": len(generation.samples),
            "n_founder": len(founders) if founders is not None else 0,
            "unit": "token" if is_rows else self.unit,
        }
