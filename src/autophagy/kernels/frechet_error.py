"""What a Fréchet distance would be of more rows, and how sure it is: by leaving rows out, and by extrapolation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from . import symmetric
from .arrays import Array, to_numpy
from .frechet import Fitted, between, fitted, frechet, gap_and_spread
from .moments import moments
from .products import beside, centred, cross, gram, placed, reflected, sum_of_squares
from .rows import is_measurable


def jackknife(a: Array, b: Array, plain: float, parts: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Returns d² freed of its bias of order 1/n, and its standard error, by leaving blocks of both sets out.

    `plain` is `frechet(a, b)`; `parts` give each row's block, 0 … B − 1, B ≥ 2 (Quenouille 1956; Künsch 1989).
    NaN where a block leaves fewer than two rows.
    """
    a, b = placed(a), placed(b)
    count = int(max(part.max(initial=0) for part in parts)) + 1
    fewest = min(len(rows) - int(np.bincount(part).max(initial=0)) for rows, part in zip((a, b), parts, strict=True))
    if count < 2 or fewest < 2 or not np.isfinite(plain):
        return float("nan"), float("nan")
    if fewest > a.shape[1]:
        pairs = zip(_moments_without(a, parts[0], count), _moments_without(b, parts[1], count), strict=True)
        left = np.array([between(*one, *other) for one, other in pairs])
    elif max(len(a), len(b)) <= a.shape[1]:
        left = np.array(list(_few_without(a, b, parts, count)))
    else:
        left = np.array([frechet(a[parts[0] != i], b[parts[1] != i]) for i in range(count)])
    error = np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum())
    return float(count * plain - (count - 1) * left.mean()), float(error)


def extrapolated(a: Array, b: Array, sizes: Sequence[int], b_fitted: Fitted | None = None) -> float:
    """Returns what d² would be of endless rows of `a`: FID∞ (Chong and Forsyth 2020, section 4).

    The distances of the first `sizes` rows of `a`, which must lie in random
    order, are a straight line in 1/size, whose intercept is returned. The bias
    that comes from `b` stays. NaN of fewer than two sizes, or where `frechet` is.
    """
    if len(set(sizes)) < 2 or min(*sizes, len(b)) < 2 or not (is_measurable(a) and is_measurable(b)):
        return float("nan")
    known = fitted(b) if b_fitted is None else b_fitted
    found = [frechet(a[:size], b, known) for size in sizes]
    return float(np.polynomial.polynomial.polyfit(1 / np.asarray(sizes, float), found, 1)[0])


def _moments_without(rows: Array, part: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The mean and covariance of what is left without each block, from the sums over blocks."""
    found = moments(rows)
    whole, mean = found.covariance * (len(rows) - 1), beside(found.mean, rows)
    for i in range(count):
        block = beside(rows[part == i], rows) - mean
        n = len(rows) - len(block)
        shift = -to_numpy(block.sum(0)) / n
        yield found.mean + shift, (whole - gram(block) - n * np.outer(shift, shift)) / (n - 1)


def _few_without(a: Array, b: Array, parts: tuple[np.ndarray, np.ndarray], count: int) -> Iterator[float]:
    """d² without each block, where rows are few: all from one table of products of the rows of both sets."""
    (mean_a, moved_a), (mean_b, moved_b) = centred(a), centred(b)
    products = cross(moved_a, moved_b)  # (n, m)
    moved_a, moved_b = to_numpy(moved_a), to_numpy(moved_b)
    for i in range(count):
        here, there = (part != i for part in parts)
        shift_a, trace_a = _shift_and_trace(moved_a[here])
        shift_b, trace_b = _shift_and_trace(moved_b[there])
        overlap = _nuclear_centred(products[np.ix_(here, there)])
        yield gap_and_spread(mean_a + shift_a - mean_b - shift_b, trace_a + trace_b, overlap)


def _shift_and_trace(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns the mean `(d,)` and the trace of the covariance."""
    shift = rows.mean(0)
    return shift, (sum_of_squares(rows) - len(rows) * float(shift @ shift)) / (len(rows) - 1)


def _nuclear_centred(products: np.ndarray) -> float:
    """tr (S₁S₂)^½ from the products `(n, m)` of rows, whose means are taken away here."""
    centre = products - products.mean(1, keepdims=True)
    centre -= centre.mean(0)
    n, m = centre.shape
    free = to_numpy(reflected(reflected(centre).T))
    return symmetric.nuclear(free) / math.sqrt((n - 1) * (m - 1))
