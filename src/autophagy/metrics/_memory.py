"""What metrics of memorisation share: the data a model was trained on, which samples may be copies of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from autophagy.core.catalog import default
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Read, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import Count
from autophagy.kernels.rows import is_measurable, some

from ._alike import check_alike
from ._features import misfit


@dataclass(frozen=True)
class Sides:
    """Features of samples, of held-out real data, and of what the samples may have been copied from."""

    samples: np.ndarray  # (n, d)
    held_out: np.ndarray  # (m, d)
    train: np.ndarray  # (t, d)
    pools: tuple[Pool, Pool, Pool]  # held-out, trained on, and what a fitted encoder was fitted on


@dataclass(frozen=True)
class MemoryMetric(Metric):
    """Abstract: holds samples against the founder's training set, or the generation before, beside held-out real data.

    Held-out data is no control of what a generation copies from the one before:
    it is farther from it the more the loop has drifted. Compare arms by it.
    """

    takes = ("vectors", "images", "text")
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    against: Literal["real", "previous"] = "real"
    limit: Count = 2000

    @property
    def reads(self) -> tuple[Read, ...]:
        return ("previous",) if self.against == "previous" else ()

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        trained_on = self._trained_on(generation)
        return {
            "n": min(len(generation.samples), self.limit),
            "n_control": min(len(generation.control), self.limit),
            "n_train": 0 if trained_on is None else len(trained_on),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "against": self.against,
        }

    def sides(self, generation: Generation, *, fewest: int) -> Sides | None:
        """Returns None where fewer than `fewest` rows could be copied (the founder has none), or not all is finite."""
        trained_on, control = self._trained_on(generation), generation.control
        if trained_on is None:
            return None
        check_alike(self.name, generation.samples, trained_on)
        check_alike(self.name, generation.samples, control)
        rows = [generation.encode(self.encoder, pool) for pool in (generation.samples, control, trained_on)]
        if not (len(rows[0]) and len(rows[1]) and len(rows[2]) >= fewest and all(map(is_measurable, rows))):
            return None
        return Sides(
            some(rows[0], self.limit), some(rows[1], self.limit), rows[2], (control, trained_on, generation.reference)
        )

    def _trained_on(self, generation: Generation) -> Pool | None:
        return generation.real if self.against == "real" else generation.previous
