"""Wasserstein-2 distances to the real distribution: between samples, or between Gaussians in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.known import KnownMoments
from autophagy.core.parts import GaussianSampler, Metric, Model, Read, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Whole
from autophagy.kernels.frechet import between
from autophagy.kernels.moments import moments
from autophagy.kernels.rows import flat, is_measurable, some
from autophagy.kernels.wasserstein import directions, exact_w2, projected, sliced_w2

from ._alike import check_alike


@register("wasserstein", version=2)  # 2: small axes beside large
@dataclass(frozen=True)
class Wasserstein(Metric):
    """W2, not its square, in the units of the samples.

    `samples` is the sliced distance to held-out real data (Bonneel et al. 2015):
    for a shift it is the length of that over √d. `exact` is the distance itself,
    by the best assignment of samples to as many real ones; its bias falls only
    as n^(−1/d), so compare equal n (Fournier and Guillin 2015).
    `gaussian` and `model` are the closed form between Gaussians (Dowson and
    Landau 1982): of the moments of the samples, or of those the model was fitted
    to; against the truth where the source knows it, else the moments of held-out
    real data. Sample covariances have divisor n − 1.

    Attributes:
        of: "samples", "exact", "gaussian" or "model".
        directions: how many the sliced distance is averaged over.
        seed: of these directions.
        limit: the sliced distance reads at most so many samples, and as many real ones.
        pairs: the exact distance reads as many of both as there are, at most so many; time grows as their cube.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "distance"
    better: ClassVar = {"w2": "lower", "sliced_w2": "lower", "exact_w2": "lower"}
    of: Literal["samples", "exact", "gaussian", "model"] = "samples"
    directions: Count = 200
    seed: Whole = 0
    limit: Count = 10_000
    pairs: Count = 1000

    @property
    def reads(self) -> tuple[Read, ...]:
        return ("sampler",) if self.of == "model" else ()

    def most_rows(self, n: int, m: int) -> int:
        return {"samples": min(max(n, m), self.limit), "exact": min(n, m, self.pairs)}.get(self.of, max(n, m))

    def objection(self, source: Source, model: Model) -> str | None:
        if self.of == "model" and not model.has_moments:
            return (
                f"metric 'wasserstein' with of = \"model\" needs a model whose moments are known, such as 'gaussian', "
                f'but \'{model.name}\' is not; say of = "gaussian" or "samples".'
            )
        return None

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.reference)
        if self.of == "samples":
            return {"sliced_w2": self._sliced(generation)}
        if self.of == "exact":
            return {"exact_w2": self._exact(generation)}
        if self.of == "gaussian":
            moments = _sample_moments(generation.samples)
        elif isinstance(generation.sampler, GaussianSampler):
            moments = generation.sampler.moments()
        else:
            raise DataError(
                "metric 'wasserstein' of = \"model\" needs a model that knows its own mean and covariance, "
                "such as 'gaussian'; this one does not: say of = \"gaussian\" for the moments of its samples."
            )
        return {"w2": float(np.sqrt(between(*moments, *_real_moments(generation))))}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        n, m = len(generation.samples), len(generation.reference)
        if self.of == "samples":
            sizes = {"n": min(n, self.limit), "n_reference": min(m, self.limit)}
            return {**sizes, "of": "samples", "directions": self.directions, "seed": self.seed}
        if self.of == "exact":
            return {"n": self._pairs(generation), "n_reference": self._pairs(generation), "of": "exact"}
        against = "truth" if isinstance(generation.source, KnownMoments) else "reference"
        return {"n": n, "n_reference": m, "of": self.of, "against": against}

    def _pairs(self, generation: Generation) -> int:
        return min(len(generation.samples), len(generation.reference), self.pairs)

    def _exact(self, generation: Generation) -> float:
        pools, n = (generation.samples, generation.reference), self._pairs(generation)
        rows, real = (some(flat(pool.samples), n) for pool in pools)
        return exact_w2(rows, real) if is_measurable(rows) and is_measurable(real) else float("nan")

    def _sliced(self, generation: Generation) -> float:
        rows = some(flat(generation.samples.samples), self.limit)
        if not is_measurable(rows):
            return float("nan")
        onto = directions(rows.shape[1], self.directions, Seed(("metrics", "wasserstein", self.seed)))
        real = generation.features.remembered(
            ("sliced", self.directions, self.seed, self.limit),
            (generation.reference,),
            lambda: projected(some(flat(generation.reference.samples), self.limit), onto),
        )
        return sliced_w2(projected(rows, onto), real)


def _real_moments(generation: Generation) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(generation.source, KnownMoments):
        return generation.source.moments()
    packed = generation.features.remembered(
        ("covariance",), (generation.reference,), lambda: np.vstack(_sample_moments(generation.reference))
    )
    return packed[0], packed[1:]


def _sample_moments(pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean `(d,)` and covariance `(d, d)`, divisor n − 1; NaN where undefined."""
    rows = flat(pool.samples)
    if len(rows) < 2 or not is_measurable(rows):
        return np.full(rows.shape[1], np.nan), np.full((rows.shape[1], rows.shape[1]), np.nan)
    found = moments(rows)
    return found.mean, found.covariance
