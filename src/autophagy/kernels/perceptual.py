"""LPIPS as a squared distance of an embedding, and mean squared distances of all pairs without the pairs.

LPIPS is, over layers l, positions (h, w) and channels c of a network's maps
(Zhang et al. 2018, equation 1),

    d(x, y) = Σ_l 1/(H_l W_l) Σ_hw Σ_c λ_lc (â_lhwc − b̂_lhwc)²      â, b̂ of unit length over the channels

which is ‖e(x) − e(y)‖² for e = √(λ/HW) · â, all layers in one row. So the
network sees every image once, not every pair, and since

    Σ_i<j ‖e_i − e_j‖² = n Σ_i ‖e_i − ē‖²

the mean over all pairs costs n rows and needs no product of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

TINY = np.float32(1e-10)  # added to the lengths, as the published code does, so that empty positions stay zero


def embedded(maps: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> np.ndarray:
    """Returns `(n, d)` float32: rows whose squared distance is LPIPS.

    `maps` are a network's, one `(n, h, w, channels)` float32 for each layer; `weights` the λ ≥ 0, `(channels,)` each.
    """
    rows = [_layer(found, weight) for found, weight in zip(maps, weights, strict=True)]
    return np.concatenate(rows, axis=1)


def _layer(found: np.ndarray, weight: np.ndarray) -> np.ndarray:
    n, height, width, _ = found.shape
    length = np.sqrt((found * found).sum(-1, keepdims=True)) + TINY  # (n, h, w, 1)
    scale = np.sqrt(weight / np.float32(height * width))  # (channels,)
    return np.asarray(found / length * scale).reshape(n, -1)


@dataclass(frozen=True)
class Diversity:
    """The mean squared distance over all unordered pairs of a set of rows.

    Attributes:
        n: how many rows.
        mean: over n (n − 1) / 2 pairs; NaN without any.
        error: its standard error for rows drawn independently, by leaving each row out in turn; NaN below three rows.
    """

    n: int
    mean: float
    error: float


def diversity(blocks: Callable[[], Iterable[np.ndarray]]) -> Diversity:
    """Measures rows that need not fit in memory: `blocks()` gives them as `(b, d)` arrays and is called twice.

    In float64, the same bits whatever the blocks; copies of one row give exactly 0.
    """
    n, total = 0, np.zeros(())
    for row in _rows(blocks):
        n, total = n + 1, total + row
    if n < 2:
        return Diversity(n, float("nan"), float("nan"))
    spread = np.array([_square(row - total / n) for row in _rows(blocks)])  # (n,) of ‖e_i − ē‖²
    return Diversity(n, 2 * float(spread.sum()) / (n - 1), _error(spread))


def _rows(blocks: Callable[[], Iterable[np.ndarray]]) -> Iterable[np.ndarray]:
    return (row.astype(np.float64) for block in blocks() for row in block)


def _square(gap: np.ndarray) -> float:
    return float(np.einsum("d,d->", gap, gap))


def _error(spread: np.ndarray) -> float:
    """The jackknife's standard error of the mean over pairs (Arvesen 1969).

    Row i is in n − 1 pairs, whose distances add up to n s_i + Σ s. Without it
    the mean is (n Σ s − n s_i − Σ s) / C(n − 1, 2), so all n of them are known.
    """
    n = len(spread)
    if n < 3:
        return float("nan")
    left = n * (spread - spread.mean()) * 2 / ((n - 1) * (n - 2))  # (n,) what leaving each out changes
    return float(np.sqrt((n - 1) / n * (left**2).sum()))
