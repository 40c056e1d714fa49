"""Samples as plain rows of numbers."""

from __future__ import annotations

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.settings import shown


def flat(samples: np.ndarray, who: str) -> np.ndarray:
    """Returns `(n, d)`: uint8 images `(n, c, h, w)` as float32, 0–1; floating-point samples as they are."""
    width = int(np.prod(samples.shape[1:]))
    if samples.ndim == 4 and samples.dtype == np.uint8 and width:
        return samples.reshape(len(samples), width) / np.float32(255)
    if samples.ndim in (2, 4) and np.issubdtype(samples.dtype, np.floating) and width:
        return samples.reshape(len(samples), width)
    got = f"{samples.dtype} of shape {shown(samples.shape)}"
    raise DataError(f"{who} takes uint8 images (n, c, h, w) or vectors (n, d) of floats, but got {got}.")
