"""The Fréchet distance between Gaussians, from rows or from moments, in float64.

    d² = ‖μ₁ − μ₂‖² + tr(S₁ + S₂ − 2 (S₁S₂)^½)      Dowson and Landau 1982, equation 16

With factors FᵢᵀFᵢ = Sᵢ the last trace is the sum of the singular values of
F₁F₂ᵀ, which are the roots of the eigenvalues of the symmetric F₁S₂F₁ᵀ. Sets of
fewer rows than features are their own factors, so that their covariances are
never made. The usual routes, through the square root or the eigenvalues of
S₁S₂, which is not symmetric, are slower, and lose about 5e-5 of the traces where
a covariance has lost dimensions: the normal case in a collapse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import symmetric
from .arrays import Array, to_numpy
from .moments import Moments, moments
from .products import centred, cross, placed, reflected, sum_of_squares
from .rows import is_measurable


@dataclass(frozen=True)
class Fitted:
    """A Gaussian fitted to rows.

    Attributes:
        mean: `(d,)`.
        factor: F with FᵀF the covariance, divisor n − 1: upper triangular `(d, d)`, or `(n − 1, d)` of n ≤ d rows.
    """

    mean: np.ndarray
    factor: np.ndarray


def fitted(rows: Array) -> Fitted:
    """Fits a Gaussian to `(n, d)` rows, n ≥ 2, of sound numbers."""
    rows = placed(rows)
    if len(rows) <= rows.shape[1]:
        mean, factor = spread_out(rows)
        return Fitted(mean, to_numpy(factor))
    found = moments(rows)
    root = symmetric.cholesky(found.covariance)
    return Fitted(found.mean, _triangle(rows) if root is None else root)


def frechet(a: Array, b: Array, b_fitted: Fitted | None = None) -> float:
    """Returns d² between Gaussians fitted to the rows of `a` `(n, d)` and `b` `(m, d)`, divisor n − 1.

    `b_fitted` is `fitted(b)` if it is known already. NaN where a set has fewer
    than two rows or a number that is not finite (or beyond 1e70); exactly 0 for equal sets.
    """
    a, b = placed(a), placed(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be equally wide, but are {a.shape[1]} and {b.shape[1]} wide.")
    if min(len(a), len(b)) < 2 or not (is_measurable(a) and is_measurable(b)):
        return float("nan")
    known = fitted(b) if b_fitted is None else b_fitted
    mean, trace, overlap = _against(a, known.factor)
    traces = trace + sum_of_squares(known.factor)
    squared = gap_and_spread(mean - known.mean, traces, overlap)
    return 0.0 if squared <= 1e-6 * traces and _is_same_set(a, b) else squared  # rounding, where dimensions are lost


def between(mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray) -> float:
    """Returns d² between two Gaussians of known moments: means `(d,)`, covariances `(d, d)`, singular ones too."""
    gap, traces = mean_a - mean_b, float(np.trace(covariance_a) + np.trace(covariance_b))
    if not all(map(is_measurable, (gap[None], covariance_a, covariance_b))):
        return float("nan")
    if np.array_equal(covariance_a, covariance_b):
        return float(gap @ gap)
    for one, other in ((covariance_a, covariance_b), (covariance_b, covariance_a)):
        root = symmetric.cholesky(other)
        if root is not None and (overlap := _overlap(one, root)) is not None:
            return gap_and_spread(gap, traces, overlap)
    product = cross(symmetric.root(covariance_a), symmetric.root(covariance_b))
    return gap_and_spread(gap, traces, symmetric.nuclear(product))


def of_moments(a: Moments, b: Moments) -> float:
    """Returns d² between Gaussians of these moments, such as files keep."""
    return between(a.mean, a.covariance, b.mean, b.covariance)


def spread_out(rows: Array) -> tuple[np.ndarray, Array]:
    """Returns the mean `(d,)` and `(n − 1, d)` F with FᵀF the covariance of the `(n, d)` rows, where these lie."""
    mean, gap = centred(rows)
    gap /= (len(gap) - 1) ** 0.5
    return mean, reflected(gap)


def gap_and_spread(gap: np.ndarray, traces: float, overlap: float) -> float:
    """d², or ‖gap‖² alone where the rest is less than the rounding of its own terms."""
    spread = traces - 2 * overlap
    return float(gap @ gap) + (spread if spread > 8 * symmetric.EPSILON * len(gap) * traces else 0.0)


def _against(rows: Array, factors: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Returns the rows' mean and tr S, and tr (S FᵀF)^½."""
    if len(rows) <= rows.shape[1]:
        mean, own = spread_out(rows)
        return mean, sum_of_squares(own), symmetric.nuclear(cross(own, factors))
    found = moments(rows)
    overlap = _overlap(found.covariance, factors)
    exact = symmetric.nuclear(cross(_triangle(rows), factors)) if overlap is None else overlap
    return found.mean, float(np.trace(found.covariance)), exact


def _overlap(covariance: np.ndarray, factors: np.ndarray) -> float | None:
    """tr (S FᵀF)^½ for F `(r, d)`, triangular if it is square; None where rounding could be felt."""
    is_triangle = factors.shape[0] == factors.shape[1]
    product = symmetric.congruence(covariance, factors) if is_triangle else cross(cross(factors, covariance), factors)
    return symmetric.sum_of_roots(symmetric.eigenvalues(product))


def _triangle(rows: Array) -> np.ndarray:
    """Returns upper triangular F `(d, d)` with FᵀF the covariance, from the rows themselves: precise, and slow."""
    return np.asarray(np.linalg.qr(to_numpy(spread_out(rows)[1]), mode="r"))


def _is_same_set(a: Array, b: Array) -> bool:
    if len(a) != len(b):
        return False
    mine, theirs = (sorted(row.tobytes() for row in to_numpy(rows)) for rows in (a, b))
    return mine == theirs
