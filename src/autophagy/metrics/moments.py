"""How far the first two moments have drifted from those of the real data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.known import KnownMoments
from autophagy.core.parts import Metric
from autophagy.kernels.rows import blocks, flat, is_measurable

from ._alike import check_alike
from ._ratios import match

STRIP = 1024  # rows that are in memory as float64 at a time


@register("moments", version=2)  # 2: variance_match
@dataclass(frozen=True)
class Moments(Metric):
    """Distance of the means, total variance, and the share of the real data's total variance that is left.

    In the units of the samples (0–255 for images); variances are traces of
    covariances with divisor n. Compared with the truth where the source knows
    it, else with held-out real data. `variance_match` is min(r, 1/r) of the
    ratio r: 1 where nothing is lost or gained, and what is judged, since a
    variance that explodes is no better than one that is lost.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "diversity"
    better: ClassVar = {"mean_shift": "lower", "variance_match": "higher"}

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.reference)
        mean, variance = _moments(flat(generation.samples.samples))
        real_mean, real_variance = _real_moments(generation)
        ratio = variance / real_variance if real_variance > 0 else float("nan")
        return {
            "mean_shift": float(np.linalg.norm(mean - real_mean)),
            "variance_ratio": ratio,
            "variance_match": match(ratio),
            "variance": variance,
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        known = isinstance(generation.source, KnownMoments)
        return {**super().identity(generation), "against": "truth" if known else "reference"}


def _real_moments(generation: Generation) -> tuple[np.ndarray, float]:
    if isinstance(generation.source, KnownMoments):
        mean, covariance = generation.source.moments()
        return mean, float(np.trace(covariance))
    packed = generation.features.remembered(
        ("moments",),
        (generation.reference,),
        lambda: np.append(*_moments(flat(generation.reference.samples))),
    )
    return packed[:-1], float(packed[-1])


def _moments(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns the mean `(d,)` and the total variance, divisor n; NaN where undefined."""
    if not len(rows) or not is_measurable(rows):
        return np.full(rows.shape[1], np.nan), float("nan")
    mean = rows.mean(0, dtype=np.float64)
    total = 0.0
    for part in blocks(len(rows), STRIP):
        gap = rows[part] - mean
        total += float(np.vdot(gap, gap))
    return mean, total / len(rows)
