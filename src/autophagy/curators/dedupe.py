"""Drops samples that were drawn before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.parts import Curator, Encoder
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Range
from autophagy.kernels import near


@register("dedupe")
@dataclass(frozen=True)
class Dedupe(Curator):
    """Keeps the first of equal samples; with a tolerance, the first of those that are nearly equal.

    Going through the samples in order, one is dropped if its content equals an
    earlier kept sample's (conditions are not compared), or if its features lie
    within `tolerance` of one.

    Attributes:
        tolerance: Euclidean distance in feature space, in the encoder's units; 0 compares the bytes alone.
        against: also drop what equals a sample of the lineage's real set: what was memorised.
        encoder: the features that a tolerance is measured in; one that is fitted fits itself on the real set.
            Given with a tolerance and only with one.
    """

    tolerance: Annotated[float, Range(0)] = 0.0
    against: Literal["fresh", "fresh-and-real"] = "fresh"
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tolerance > 0 and self.encoder is None:
            raise ConfigError(f'tolerance = {self.tolerance:g} is a distance between features; add encoder = "pixels".')
        if self.tolerance == 0 and self.encoder is not None:
            raise ConfigError(f"encoder '{self.encoder.name}' does nothing without a tolerance above 0; set one.")

    def curate(self, fresh: Pool, *, real: Pool, founder: Pool, seed: Seed) -> Pool:
        known = real.samples if self.against == "fresh-and-real" else real.samples[:0]
        left = fresh.take(_first_of_equals(fresh.samples, known))
        if self.encoder is None or not len(left):
            return left
        encoder = self.encoder.prepared(real)
        x = encoder.encode(left.samples).astype(np.float64)  # (n, d)
        taboo = encoder.encode(known).astype(np.float64) if len(known) else x[:0]  # (m, d)
        return left.take(_first_of_neighbours(x, taboo, self.tolerance))


def _first_of_equals(samples: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`(n,)` whether a sample equals none before it and none of `known`."""
    seen = set(_digests(known))
    is_first = np.zeros(len(samples), bool)
    for i, digest in enumerate(_digests(samples)):
        is_first[i] = digest not in seen
        seen.add(digest)
    return is_first


def _digests(samples: np.ndarray) -> Iterable[bytes]:
    """A short name of each sample's content; 0 and −0 are equal."""
    floating = np.issubdtype(samples.dtype, np.floating)
    return (hashlib.blake2b((s + 0.0 if floating else s).tobytes(), digest_size=16).digest() for s in samples)


def _first_of_neighbours(x: np.ndarray, taboo: np.ndarray, tolerance: float) -> np.ndarray:
    """`(k,)` rows, rising, that lie further than `tolerance` from `taboo` and from every row kept before."""
    kept = np.zeros(0, np.int64)
    for start in range(0, len(x), near.BLOCK):
        rows = np.arange(start, min(start + near.BLOCK, len(x)))
        rows = rows[~near.is_near_any(x[rows], taboo, tolerance)]
        rows = rows[~near.is_near_any(x[rows], x[kept], tolerance)]
        kept = np.concatenate([kept, rows[_greedy(near.is_near(x[rows], x[rows], tolerance))]])
    return kept


def _greedy(near: np.ndarray) -> np.ndarray:
    """`(b,)` which rows to keep of a `(b, b)` table of neighbours, each row dropping its later ones."""
    stays = np.ones(len(near), bool)
    for i in range(len(near)):
        if stays[i]:
            stays[i + 1 :] &= ~near[i, i + 1 :]
    return stays
