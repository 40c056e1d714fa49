"""Whether two pools can be compared at all."""

from __future__ import annotations

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.pool import Pool


def check_alike(who: str, samples: Pool, other: Pool) -> None:
    """Raises DataError unless both pools hold the same kind of thing: grey or RGB, 0–255 or real numbers."""
    mine, theirs = samples.samples, other.samples
    if mine.shape[1:] != theirs.shape[1:] or (mine.dtype == np.uint8) != (theirs.dtype == np.uint8):
        raise DataError(
            f"metric '{who}' compares like with like, but the samples are {mine.dtype} of shape {mine.shape[1:]} "
            f"and the real data {theirs.dtype} of shape {theirs.shape[1:]}."
        )
