"""Modes lost: which of a mixture's known centres are still being drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.known import KnownModes
from autophagy.core.parts import Metric, Model, Source
from autophagy.core.settings import Fraction, Positive
from autophagy.kernels.counts import entropy
from autophagy.kernels.rows import blocks, flat, is_measurable

STRIP = 4096  # samples that are held against every mode at a time


@register("modes")
@dataclass(frozen=True)
class Modes(Metric):
    """A sample belongs to the nearest mode, if it lies within `radius` spreads of it (Srivastava et al. 2017).

    `covered` and `lost` count modes, `high_quality` is the share of samples that
    belong to one, `entropy` is that of the modes they belong to, in nats (at
    most the logarithm of their number).

    Attributes:
        radius: in units of the source's spread.
        share: a mode is covered by at least this share of the samples, and at least one.
    """

    takes = ("vectors",)
    axis: ClassVar = "diversity"
    better: ClassVar = {"covered": "higher", "lost": "lower", "high_quality": "higher", "entropy": "higher"}
    radius: Positive = 3.0
    share: Fraction = 0.0

    def objection(self, source: Source, model: Model) -> str | None:
        return None if isinstance(source, KnownModes) else _unknown(source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        source, n = generation.source, len(generation.samples)
        if not isinstance(source, KnownModes):
            raise DataError(_unknown(source))
        rows = flat(generation.samples.samples)
        if not n or not is_measurable(rows):
            return dict.fromkeys(self.better, float("nan"))
        centres = source.modes()
        counts = _members(rows, centres, self.radius * source.spread())
        fewest = max(1, np.ceil(self.share * n - 1e-9))  # 7 rows are 0.07 of 100, in rounded numbers too
        covered = int(np.count_nonzero(counts >= fewest))
        return {
            "covered": float(covered),
            "lost": float(len(centres) - covered),
            "high_quality": float(counts.sum()) / n,
            "entropy": entropy(counts),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {"n": len(generation.samples), "radius": self.radius, "share": self.share}


def _members(rows: np.ndarray, centres: np.ndarray, radius: float) -> np.ndarray:
    """Returns `(k,)` ints: how many rows lie within `radius` of each centre and nearer to it than to any other."""
    counts = np.zeros(len(centres), np.int64)
    for part in blocks(len(rows), STRIP):
        squares = sum((rows[part, axis, None] - centres[:, axis]) ** 2 for axis in range(rows.shape[1]))
        at = np.argmin(squares, axis=1)
        near = np.take_along_axis(squares, at[:, None], 1)[:, 0] <= radius**2
        counts += np.bincount(at[near], minlength=len(centres))
    return counts


def _unknown(source: Source) -> str:
    return (
        f"metric 'modes' needs a source whose modes are known, such as 'gaussian-grid', but '{source.name}' "
        "does not say its own; leave the metric out."
    )
