"""MAUVE: the area under the divergence curve of two distributions (Pillutla et al. 2021), and its parts.

For mixtures r = w p + (1 − w) q the curve runs through (e^(−c KL(q, r)), e^(−c KL(p, r))), from (0, 1)
to (1, 0). The area is 1 for equal distributions and near 0 for those that share nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autophagy.core.seeds import Seed

from .memorisation import centres, which_cell

EDGE = 1e-6  # mixture weights go from here to 1 − this, as in the authors' program


def divergence_curve(p: np.ndarray, q: np.ndarray, points: int = 25, scale: float = 5.0) -> np.ndarray:
    """Returns `(points + 2, 2)`, both ends included, of two distributions `(k,)` that sum to 1; `scale` is c."""
    weights = np.linspace(EDGE, 1 - EDGE, points)[:, None]
    mixtures = weights * p + (1 - weights) * q  # (points, k)
    curve = np.exp(-scale * np.stack([_divergence(q, mixtures), _divergence(p, mixtures)], 1))
    return np.concatenate([[[0.0, 1.0]], curve[::-1], [[1.0, 0.0]]])


def mauve(p: np.ndarray, q: np.ndarray, points: int = 25, scale: float = 5.0) -> float:
    """Returns the area under the curve by the trapezium rule, the mean of both ways to lay the axes."""
    x, y = divergence_curve(p, q, points, scale).T
    return min(1.0, 0.5 * (_area(x, y) + _area(y, x)))


def frontier_integral(p: np.ndarray, q: np.ndarray) -> float:
    """Returns 2 ∫ w KL(p, r) + (1 − w) KL(q, r) dw over the mixtures (Liu et al. 2021), in 0–1: 0 for equal ones."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where((p > 0) & (q > 0), p * q * (np.log(p) - np.log(q)) / (p - q), 0.0)
    inner = np.where(np.abs(p - q) <= 1e-8, (p + q) / 2, inner)  # its limit there
    return float(2 * ((p + q) / 4 - inner / 2).sum())


def quantised(
    fake: np.ndarray, real: np.ndarray, clusters: int, *, variance: float, seeds: Sequence[Seed]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns how many of `fake` `(n, d)` and of `real` `(m, d)` are in each cluster of both, `(≤ clusters,)` twice.

    Rows get unit length, and as many principal axes of both are kept as hold that share of the variance, as the authors
    do. k-means is begun once for each of `seeds`, and the run with the least distances counts.
    """
    both = _axes(_units(np.concatenate([fake, real])), variance)
    best, cells = np.inf, np.zeros(len(both), np.int64)
    for seed in seeds:
        middles = centres(both, clusters, seed)
        found = which_cell(both, middles)
        spread = float(np.square(both - middles[found]).sum())
        if spread < best:
            best, cells = spread, found
    size = int(cells.max(initial=0)) + 1
    return np.bincount(cells[: len(fake)], minlength=size), np.bincount(cells[len(fake) :], minlength=size)


def _divergence(p: np.ndarray, mixtures: np.ndarray) -> np.ndarray:
    """KL(p, r) in nats of each row r `(points, k)`; infinite where r lacks what p has."""
    has = p > 0
    with np.errstate(divide="ignore"):
        return np.asarray((p[has] * (np.log(p[has]) - np.log(mixtures[:, has]))).sum(1))


def _area(x: np.ndarray, y: np.ndarray) -> float:
    order = np.lexsort((-y, x))  # at equal x downwards, so that the curve of equal sets encloses the whole square
    return float(np.trapezoid(y[order], x[order]))


def _units(rows: np.ndarray) -> np.ndarray:
    found = rows.astype(np.float64)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.where(lengths > 0, lengths, 1.0))


def _axes(rows: np.ndarray, variance: float) -> np.ndarray:
    """Coordinates on the principal axes, the first ones that together hold the share `variance` of it."""
    gap = rows - rows.mean(0)
    if len(gap) > gap.shape[1]:
        values, basis = np.linalg.eigh(gap.T @ gap)
        found = gap @ basis[:, ::-1]
    else:
        values, vectors = np.linalg.eigh(gap @ gap.T)
        found = vectors[:, ::-1] * np.sqrt(np.clip(values[::-1], 0, None))
    held = np.cumsum(np.clip(values[::-1], 0, None))
    keep = int(np.argmax(held >= variance * held[-1])) + 1
    return np.ascontiguousarray(found[:, :keep])
