"""Covariance matrices as settings: checked when written, turned into square roots when drawn with."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from autophagy.core.errors import ConfigError
from autophagy.core.settings import Range

Matrix = tuple[tuple[float, ...], ...]
Dimension = Annotated[int, Range(1, 4096)]  # d² numbers must fit in memory


def check_covariance(rows: Matrix, dim: int, where: str = "covariance") -> None:
    """Refuses anything but `dim` × `dim` numbers that are symmetric and positive semi-definite."""
    lengths = sorted({len(row) for row in rows})
    if len(rows) != dim or lengths != [dim]:
        got = f"{len(rows)} rows of {' or '.join(map(str, lengths)) or 'no'} numbers"
        raise ConfigError(f"{where} must be {dim} rows of {dim} numbers, but is {got}.")
    matrix = np.array(rows)
    if not np.array_equal(matrix, matrix.T):
        raise ConfigError(f"{where} must be symmetric, but differs from its transpose.")
    scale = float(np.abs(matrix).max())
    lowest = float(np.linalg.eigvalsh(matrix / scale).min()) if scale > 0 else 0.0  # unscaled, 1e300 overflows
    if lowest < -1e-12:
        raise ConfigError(f"{where} must be positive semi-definite, but has the eigenvalue {lowest * scale:.3g}.")


def root(covariance: np.ndarray) -> np.ndarray:
    """Returns `(d, d)` R with R Rᵀ = covariance; works for singular matrices, unlike Cholesky."""
    values, vectors = np.linalg.eigh(covariance)
    scaled: np.ndarray = vectors * np.sqrt(np.clip(values, 0, None))
    return scaled
