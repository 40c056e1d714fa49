"""The Fréchet distance between Gaussians, from rows or from moments, in float64.

    d² = ‖μ₁ − μ₂‖² + tr(S₁ + S₂ − 2 (S₁S₂)^½)      Dowson and Landau 1982, equation 16

With factors FᵢᵀFᵢ = Sᵢ the last trace is the sum of the singular values of
F₁F₂ᵀ, which are the roots of the eigenvalues of the symmetric F₁S₂F₁ᵀ. The
first form keeps its precision where a covariance has lost dimensions, the
second is faster where it has not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .rows import is_measurable

STEADY = 1e-3  # least ratio of a factor's diagonal: below it, axes are lost in the rounding of the largest eigenvalue
EPSILON = float(np.finfo(np.float64).eps)


def frechet(a: np.ndarray, b: np.ndarray, b_factor: np.ndarray | None = None) -> float:
    """Returns d² between Gaussians fitted to the rows of `a` `(n, d)` and `b` `(m, d)`, divisor n − 1.

    `b_factor` is `factor(b)` if it is known already. NaN where a set has fewer
    than two rows or a number that is not finite (or beyond 1e70); exactly 0 for equal sets.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be equally wide, but are {a.shape[1]} and {b.shape[1]} wide.")
    if min(len(a), len(b)) < 2 or not (is_measurable(a) and is_measurable(b)):
        return float("nan")
    mean, rows = _standardised(a)
    factors = factor(b) if b_factor is None else b_factor
    traces = np.vdot(rows, rows) + np.vdot(factors, factors)
    squared = _squared(mean - b.mean(0, dtype=np.float64), float(traces), _trace_root(rows, factors))
    return 0.0 if squared <= 1e-6 * traces and _is_same_set(a, b) else squared  # rounding, where dimensions are lost


def factor(rows: np.ndarray) -> np.ndarray:
    """Returns F `(min(n, d), d)` with FᵀF the covariance of the rows, divisor n − 1; square ones are triangular."""
    scaled = _standardised(rows)[1]
    if len(scaled) < scaled.shape[1]:
        return scaled
    found = _cholesky(scaled.T @ scaled)
    return _triangle(scaled) if found is None else found


def between(mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray) -> float:
    """Returns d² between two Gaussians of known moments: means `(d,)`, covariances `(d, d)`, singular ones too."""
    gap, traces = mean_a - mean_b, float(np.trace(covariance_a) + np.trace(covariance_b))
    if not all(map(is_measurable, (gap, covariance_a, covariance_b))):
        return float("nan")
    if np.array_equal(covariance_a, covariance_b):
        return float(gap @ gap)
    root = _cholesky(covariance_b)
    if root is not None:
        return _squared(gap, traces, _by_eigenvalues(covariance_a, root))
    return _squared(gap, traces, _nuclear(_root(covariance_a) @ _root(covariance_b).T))


def jackknife(a: np.ndarray, b: np.ndarray, plain: float, parts: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Returns d² freed of its bias of order 1/n, and its standard error, by leaving blocks of both sets out.

    `plain` is `frechet(a, b)`; `parts` give each row's block, 0 … B − 1, B ≥ 2 (Quenouille 1956; Künsch 1989).
    NaN where a block leaves fewer than two rows.
    """
    count = int(max(part.max(initial=0) for part in parts)) + 1
    fewest = min(len(rows) - int(np.bincount(part).max(initial=0)) for rows, part in zip((a, b), parts, strict=True))
    if count < 2 or fewest < 2 or not np.isfinite(plain):
        return float("nan"), float("nan")
    if fewest > a.shape[1]:
        pairs = zip(_moments_without(a, parts[0], count), _moments_without(b, parts[1], count), strict=True)
        left = np.array([between(*one, *other) for one, other in pairs])
    else:
        left = np.array([frechet(a[parts[0] != i], b[parts[1] != i]) for i in range(count)])
    error = np.sqrt((count - 1) / count * ((left - left.mean()) ** 2).sum())
    return float(count * plain - (count - 1) * left.mean()), float(error)


def _standardised(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean `(d,)` and the rows without it, over √(n − 1), in float64."""
    mean = rows.mean(0, dtype=np.float64)
    return mean, (rows - mean) / np.sqrt(len(rows) - 1)


def _squared(gap: np.ndarray, traces: float, overlap: float) -> float:
    """d², or 0 where it is less than the rounding of its own terms."""
    spread = traces - 2 * overlap
    return float(gap @ gap) + (spread if spread > 8 * EPSILON * len(gap) * traces else 0.0)


def _trace_root(rows: np.ndarray, factors: np.ndarray) -> float:
    """tr (S₁S₂)^½ for S₁ = rowsᵀ rows and S₂ = factorsᵀ factors."""
    if len(rows) < rows.shape[1]:
        return _nuclear(rows @ factors.T)
    if _is_steady(factors):
        return _by_eigenvalues(rows.T @ rows, factors)
    return _nuclear(_triangle(rows) @ factors.T)


def _triangle(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.qr(rows, mode="r"))


def _by_eigenvalues(covariance: np.ndarray, root: np.ndarray) -> float:
    values = np.linalg.eigvalsh(root @ covariance @ root.T)
    return float(np.sqrt(values[values > len(values) * EPSILON * values[-1]]).sum())  # the rest is rounding


def _nuclear(product: np.ndarray) -> float:
    return float(np.linalg.svd(product, compute_uv=False).sum())


def _cholesky(covariance: np.ndarray) -> np.ndarray | None:
    """Returns upper triangular F with FᵀF the covariance, or None if that is singular, or nearly."""
    try:
        found = np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:
        return None
    return found if _is_steady(found) else None


def _is_steady(factors: np.ndarray) -> bool:
    diagonal = np.abs(np.diag(factors))
    return factors.shape[0] == factors.shape[1] and bool(diagonal.min() > STEADY * diagonal.max())


def _root(covariance: np.ndarray) -> np.ndarray:
    """Returns F with FᵀF the covariance, whose null space is taken at its word."""
    values, vectors = np.linalg.eigh(covariance)
    values[values <= len(values) * EPSILON * max(values[-1], 0.0)] = 0.0
    found: np.ndarray = np.sqrt(values)[:, None] * vectors.T
    return found


def _moments_without(rows: np.ndarray, part: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The mean and covariance of what is left without each block, from the sums over blocks."""
    mean = rows.mean(0, dtype=np.float64)
    moved = rows - mean  # (n, d) float64
    whole = moved.T @ moved
    for i in range(count):
        block = moved[part == i]
        n = len(rows) - len(block)
        shift = -block.sum(0) / n
        yield mean + shift, (whole - block.T @ block - n * np.outer(shift, shift)) / (n - 1)


def _is_same_set(a: np.ndarray, b: np.ndarray) -> bool:
    return len(a) == len(b) and sorted(row.tobytes() for row in a) == sorted(row.tobytes() for row in b)
