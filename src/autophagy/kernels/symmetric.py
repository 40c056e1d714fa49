"""Symmetric matrices in LAPACK: factors, congruences and eigenvalues, in float64, with no more work than they need."""

from __future__ import annotations

import numpy as np

from .arrays import to_numpy
from .products import add_gram

STEADY = 1e-10  # least reciprocal condition number: below it, axes are lost in the rounding of the largest eigenvalue
EPSILON = float(np.finfo(np.float64).eps)
SMALL = 1e-9  # what a sum of roots may lose to rounding


def cholesky(matrix: np.ndarray) -> np.ndarray | None:
    """Returns upper triangular F with FᵀF the matrix, or None if that is singular, or nearly."""
    from scipy.linalg.lapack import dpocon, dpotrf

    lower, fault = dpotrf(_columns(matrix), lower=1, clean=1)
    if fault:
        return None
    kept, _ = dpocon(lower, float(np.abs(matrix).sum(0).max()), uplo="L")  # a factor's own diagonal would not tell
    return lower.T if kept > STEADY else None


def congruence(matrix: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Returns F M Fᵀ, lower triangle only, for an upper triangular F: half the work of two products."""
    from scipy.linalg.lapack import dsygst

    found, _ = dsygst(np.array(_columns(matrix), order="F"), factor.T, itype=2, lower=1, overwrite_a=1)
    return np.asarray(found)


def eigenvalues(lower: np.ndarray) -> np.ndarray:
    """Returns the eigenvalues, ascending, of the symmetric matrix with that lower triangle, which is overwritten."""
    from scipy.linalg import eigh

    return np.asarray(eigh(lower, lower=True, eigvals_only=True, driver="ev", check_finite=False, overwrite_a=True))


def eigenvectors(lower: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the eigenvalues `(d,)`, ascending, and eigenvectors `(d, d)`, in columns."""
    from scipy.linalg import eigh

    values, vectors = eigh(lower, lower=True, driver="evd", check_finite=False)
    return values, vectors


def roots(values: np.ndarray) -> np.ndarray:
    """The roots of ascending eigenvalues of a positive matrix; what is below its rounding becomes 0."""
    kept = np.where(values > len(values) * EPSILON * max(float(values[-1]), 0.0), values, 0.0)
    found: np.ndarray = np.sqrt(kept)
    return found


def root(matrix: np.ndarray) -> np.ndarray:
    """Returns F `(r, d)` with FᵀF the matrix of rank r, by a Cholesky factor that stops where all is rounding."""
    from scipy.linalg.lapack import dpstrf

    lower, order, rank, _ = dpstrf(_columns(matrix), lower=1, tol=len(matrix) * EPSILON * float(np.diag(matrix).max()))
    found = np.zeros((rank, len(matrix)))
    found[:, order - 1] = np.tril(lower[:, :rank]).T
    return found


def nuclear(product: np.ndarray) -> float:
    """The sum of the singular values, by the smaller Gram matrix where its roots are precise enough for that."""
    from scipy.linalg import svdvals

    if not product.size:
        return 0.0
    tall = product if product.shape[0] >= product.shape[1] else product.T
    found = sum_of_roots(eigenvalues(to_numpy(add_gram(None, tall))))
    return float(svdvals(product, check_finite=False).sum()) if found is None else found


def sum_of_roots(values: np.ndarray) -> float | None:
    """Returns Σ √λ of ascending eigenvalues; None where their rounding, some ε λ_max, could reach 1e-9 of it."""
    if values[0] <= 0:
        return 0.0 if values[-1] == 0 else None
    found = np.sqrt(values)
    lost = 4 * EPSILON * float(values[-1]) * float((1 / found).sum())  # 8 ε λ_max through the slope of the root
    return float(found.sum()) if lost <= SMALL * found.sum() else None


def _columns(matrix: np.ndarray) -> np.ndarray:
    """The same symmetric matrix in order of columns, which LAPACK reads without turning it round."""
    return matrix if matrix.flags.f_contiguous else matrix.T
