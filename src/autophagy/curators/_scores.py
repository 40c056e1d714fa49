"""How far samples are from real ones: the scores that `quality` ranks by. Features are float64 here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autophagy.kernels import neighbours

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


def mahalanobis(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`(n,)` √((x − μ)ᵀ Σ⁻¹ (x − μ)) with the target's mean and covariance (divisor m − 1).

    Directions in which the target does not vary at all add nothing to a sample
    that lies where the target does, and infinity to one that does not.
    """
    unit = 2.0 ** (np.frexp(np.abs(target).max(initial=0))[1] - 1)  # a power of two, so that no last bit changes
    x, target = x / unit, target / unit  # squares of numbers above 1e154 would be infinite
    mean = target.mean(0)
    gap = target - mean  # (m, d)
    values, vectors = np.linalg.eigh(gap.T @ gap / (len(target) - 1))
    floor = max(gap.shape) * np.finfo(np.float64).eps
    varies = values > values.max() * floor
    along = (x - mean) @ vectors  # (n, d)
    far = np.sqrt((along[:, varies] ** 2 / values[varies]).sum(1))
    reach = np.sqrt(floor * max(values.max(), (mean**2).max(initial=0)))  # what rounding may leave of a zero
    outside = np.linalg.norm(along[:, ~varies], axis=1) > reach
    return np.where(outside, np.inf, far)


def centre(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`(n,)` Euclidean distances to the target's mean."""
    return np.asarray(np.linalg.norm(x - target.mean(0), axis=1))


def nearest(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`(n,)` Euclidean distances to the nearest row of the target."""
    return np.asarray(np.sqrt(neighbours.nearest(x, target)))
