"""Keeps the samples that look most like real ones: quality bought with diversity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.parts import Curator, Encoder
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Positive, Share

from . import _scores

SCORES: dict[str, _scores.Score] = {
    "nearest-real": _scores.nearest,
    "centre": _scores.centre,
    "mahalanobis": _scores.mahalanobis,
}


@register("quality", version=2)  # 2: the nearest row is exactly the nearest
@dataclass(frozen=True)
class Quality(Curator):
    """Keeps a share of the fresh samples, those nearest by a score; or all that lie within a radius.

    Scores, on features x and with μ and Σ (divisor n − 1) of the set they are held against:
    `nearest-real` is the least Euclidean distance to a row of the real set;
    `centre` is ‖x − μ‖; `mahalanobis` is √((x − μ)ᵀ Σ⁻¹ (x − μ)). Ties go to the
    earlier sample, the order is kept, and a sample that is not finite is always dropped.
    What an encoder does not see is not culled: noise lies near the centre of `lenet`'s features.

    Attributes:
        score: what is near.
        share: how much to keep, rounded to whole samples and at least one; half if neither this nor `radius` is set.
        radius: keep every sample whose score is at most this, be it none.
        against: hold the samples against the lineage's real set, or against themselves.
        encoder: the features to score; one that is fitted fits itself on the real set.
    """

    takes = ("vectors", "images")
    selects = True
    score: Literal["nearest-real", "centre", "mahalanobis"] = "nearest-real"
    share: Share | None = None
    radius: Positive | None = None
    against: Literal["real", "fresh"] = "real"
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.share is not None and self.radius is not None:
            raise ConfigError(f"share = {self.share} and radius = {self.radius} are two rules; keep one of them.")
        if self.score == "nearest-real" and self.against == "fresh":
            raise ConfigError('against = "fresh" has no nearest real sample; take score = "centre" or "mahalanobis".')

    def most(self, n: int) -> int:
        return n if self.radius is not None or n == 0 else max(1, round((self.share or 0.5) * n))

    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        """Raises DataError if there is too little to be held against."""
        if not len(fresh):
            return fresh
        encoder = self.encoder.prepared(real)
        x = encoder.encode(fresh.samples).astype(np.float64)  # (n, d)
        target = x if self.against == "fresh" else encoder.encode(real.samples).astype(np.float64)  # (m, d)
        far = self._scored(x, target)
        if self.radius is not None:
            return fresh.take(far <= self.radius)
        nearest = np.argsort(far, kind="stable")[: self.most(len(fresh))]
        return fresh.take(np.sort(nearest[~np.isnan(far[nearest])]))

    def _scored(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        """`(n,)` scores; NaN for samples that are not finite, which stay out of the means too."""
        finite = np.isfinite(x).all(1)
        target = target[np.isfinite(target).all(1)]  # (m, d)
        needed = x.shape[1] + 1 if self.score == "mahalanobis" else 1
        if len(target) < needed:
            raise DataError(
                f"curator 'quality' with score = \"{self.score}\" needs at least {needed} {self.against} samples "
                f"for {x.shape[1]} features, but got {len(target)}; give more, or fewer features by "
                'encoder = { use = "pca", components = 20 }.'
            )
        far = np.full(len(x), np.nan)
        far[finite] = SCORES[self.score](x[finite], target)
        return far
