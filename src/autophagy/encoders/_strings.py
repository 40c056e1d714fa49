"""Texts as encoders take them."""

from __future__ import annotations

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.settings import shown


def check_texts(samples: np.ndarray, who: str) -> None:
    """Raises DataError unless these are `(n,)` strings."""
    if samples.ndim != 1 or samples.dtype.kind != "U":
        got = f"{samples.dtype} of shape {shown(samples.shape)}"
        raise DataError(f"{who} takes texts (n,), but got {got}; encode strings with it.")
