"""Memorisation: how near samples come to the real data that the founder was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric
from autophagy.core.pool import Pool
from autophagy.core.settings import Count
from autophagy.kernels.neighbours import nearest
from autophagy.kernels.rows import flat, is_measurable, some

from ._alike import check_alike

CLOSE = 0.05  # the share of fresh real data that is nearer to the training set than the threshold, by definition


@register("nearest-real")
@dataclass(frozen=True)
class NearestReal(Metric):
    """Distance from each sample to the nearest training sample, beside that of held-out real data.

    `median` and `control_median` are distances √Σ(x − y)² (images as integers
    0–255), `ratio` the first over the second: 1 for new data, towards 0 for
    memorised data. `closer` is the share of samples nearer than the control's
    5 % quantile (0.05 for new data), `copies` the number of exact copies. Every
    training sample is looked at; a sample's distance depends on how many there are.

    Attributes:
        limit: at most so many samples, and as many of the control, are read.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "diversity"
    better: ClassVar = {"ratio": "higher", "closer": "lower", "copies": "lower"}
    limit: Count = 2000

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.real)
        found = self._distances(generation.samples, generation.real)
        control = generation.features.remembered(
            ("nearest", self.limit),
            (generation.control, generation.real),
            lambda: self._distances(generation.control, generation.real),
        )
        middle, usual = _median(found), _median(control)
        return {
            "median": middle,
            "control_median": usual,
            "ratio": middle / usual if usual > 0 else float("nan"),
            "closer": _share_below(found, control),
            "copies": float("nan") if np.isnan(middle) else float(np.count_nonzero(found == 0)),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        sizes = {"samples": generation.samples, "control": generation.control}
        n, n_control = (min(len(pool), self.limit) for pool in sizes.values())
        return {"n": n, "n_real": len(generation.real), "n_control": n_control}

    def _distances(self, samples: Pool, real: Pool) -> np.ndarray:
        """Returns `(n,)`, or NaNs if a number is not finite or there is nothing to be near to."""
        rows, others = some(flat(samples.samples), self.limit), flat(real.samples)
        if not len(others) or not (is_measurable(rows) and is_measurable(others)):
            return np.full(len(rows), np.nan)
        found: np.ndarray = np.sqrt(nearest(rows, others))
        return found


def _median(distances: np.ndarray) -> float:
    return float(np.median(distances)) if len(distances) else float("nan")


def _share_below(found: np.ndarray, control: np.ndarray) -> float:
    if not len(found) or not len(control) or np.isnan(found).any() or np.isnan(control).any():
        return float("nan")
    return float((found < np.quantile(control, CLOSE)).mean())
