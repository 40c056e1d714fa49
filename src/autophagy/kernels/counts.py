"""Diversity of counts."""

from __future__ import annotations

import numpy as np


def entropy(counts: np.ndarray) -> float:
    """Returns −Σ p ln p in nats of `(k,)` counts; NaN if there are none."""
    total = counts.sum()
    if not total:
        return float("nan")
    shares = counts[counts > 0] / total
    return max(0.0, float(-(shares * np.log(shares)).sum()))
