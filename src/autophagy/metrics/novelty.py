"""Novelty: how long a stretch of each text was copied, word for word, from the real training set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric
from autophagy.kernels.copies import longest_copied
from autophagy.text.prompts import without_prompts
from autophagy.text.units import Unit

from ._texts import mean_and_error, rows_of


@register("novelty", version=3)  # 2: fresh texts are searched too; 3: a prompt that a sample holds is not its own
@dataclass(frozen=True)
class Novelty(Metric):
    """The longest span of each sample that stands in one real training text of its generation, in words.

    These are the lineage's fixed real set and what fresh real texts the generation was trained on. Prompts are of the
    fixed set: where samples hold theirs, only what comes after is searched for.

    `mean` (with its standard error over samples), `median` and `max` over samples, and `share`, the mean of span over
    length of a sample; `whole` is the share of samples that are copied from end to end. `control` is the mean of
    held-out real texts, and `excess` the samples' mean less that: above 0 is more copying than real language repeats by
    chance, if samples and held-out texts are about as long. McCoy et al. 2023 count copied n-grams of every length; the
    longest says where those end. Exact, by a suffix array of all these texts.

    Attributes:
        unit: "word" or "character"; tokens where samples are rows of them.
    """

    takes = ("text",)
    axis: ClassVar = "diversity"
    better: ClassVar = {"excess": "lower"}
    unit: Unit = "word"

    def measure(self, generation: Generation) -> Mapping[str, float]:
        pools = (generation.real, *generation.fresh(), without_prompts(generation.samples), generation.control)
        *real, own, control = rows_of(pools, self.unit)
        spans = longest_copied(
            np.concatenate([rows.ids for rows in (*real, own, control)]),
            np.concatenate([rows.lengths for rows in (*real, own, control)]),
            sum(len(rows.lengths) for rows in real),
        ).astype(np.float64)
        mine, usual = spans[: len(own.lengths)], spans[len(own.lengths) :]
        shares = np.divide(mine, own.lengths, out=np.full(len(mine), np.nan), where=own.lengths > 0)
        mean, error = mean_and_error(mine)
        chance = mean_and_error(usual)[0]
        return {
            "mean": mean,
            "mean_se": error,
            "median": float(np.median(mine)) if len(mine) else float("nan"),
            "max": float(mine.max()) if len(mine) else float("nan"),
            "share": mean_and_error(shares)[0],
            "whole": mean_and_error(np.where(np.isnan(shares), np.nan, shares == 1.0))[0],
            "control": chance,
            "excess": mean - chance,
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": len(generation.samples),
            "n_real": len(generation.real),
            "n_control": len(generation.control),
            "unit": "token" if generation.samples.samples.ndim == 2 else self.unit,
        }
