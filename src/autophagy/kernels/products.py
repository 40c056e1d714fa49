"""Products of rows in float64, worked out where the rows lie: in NumPy, or on the accelerator that holds a tensor.

In NumPy they are SciPy's, as are the factors and eigenvalues that are wanted of
them: NumPy has a BLAS of its own, whose threads wait for more work after every
product, on the processors that SciPy's threads want next.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .arrays import Array, is_on_device, is_tensor, to_numpy
from .rows import blocks

SQUARE = 128  # rows and columns copied at a time


def placed(rows: Array) -> Array:
    """Returns the rows without gradients: in NumPy, unless an accelerator holds them."""
    return rows.detach() if is_on_device(rows) else to_numpy(rows)


def wide(rows: Array) -> Array:
    """Returns the rows in float64, where they lie."""
    return rows.double() if is_tensor(rows) else rows.astype(np.float64, copy=False)


def stacked(parts: Sequence[Array]) -> Array:
    """Returns the parts one below the other, on the first one's device."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if not is_tensor(first):
        return np.concatenate([to_numpy(part) for part in parts])
    import torch

    return torch.cat([torch.as_tensor(part).to(first.device).double() for part in parts])


def centred(rows: Array) -> tuple[np.ndarray, Array]:
    """Returns the mean `(d,)` and the rows `(n, d)` without it, in float64; rows that are all alike become 0."""
    first = wide(rows[:1])  # a constant loses no digit to the sum of its copies
    gap = rows - first
    shift = gap.mean(0)
    gap -= shift
    return to_numpy(first[0] + shift), gap


def reflected(rows: Array) -> Array:
    """Returns `(n − 1, d)` rows with the `rowsᵀ rows` of `(n, d)` rows that sum to 0 and are overwritten.

    A reflection that takes (1, …, 1) to the first axis leaves the product alone and empties the first row.
    """
    rows[1:] -= rows[0] / (len(rows) ** 0.5 + 1)
    return rows[1:]


def add_gram(total: Array | None, rows: Array) -> Array:
    """Returns `total + rowsᵀ rows` `(d, d)`, of which only the lower triangle counts; `total` may be overwritten."""
    if is_tensor(rows):
        return rows.T @ rows if total is None else total.addmm_(rows.T, rows)  # type: ignore[union-attr]
    from scipy.linalg.blas import dsyrk

    if total is None:
        total = np.zeros((rows.shape[1], rows.shape[1]), order="F")
    found: np.ndarray = dsyrk(1.0, rows.T, beta=1.0, c=total, lower=1, overwrite_c=1)
    return found


def gram(rows: Array) -> np.ndarray:
    """Returns `rowsᵀ rows` `(d, d)` of float64 rows `(n, d)`."""
    return mirrored(to_numpy(add_gram(None, rows)))


def mirrored(lower: np.ndarray) -> np.ndarray:
    """Returns the symmetric matrix with that lower triangle."""
    full = np.array(lower)
    for part in blocks(len(full), SQUARE):  # a transpose within the processor's cache
        corner = np.tril(full[part, part])
        full[part, part.start :] = full[part.start :, part].T
        full[part, part] = corner + np.tril(corner, -1).T
    return full


def cross(a: Array, b: Array) -> np.ndarray:
    """Returns `a bᵀ` `(n, m)` of float64 rows, worked out where `a` lies."""
    if is_tensor(a):
        return to_numpy(a @ beside(b, a).T)
    from scipy.linalg.blas import dgemm

    found: np.ndarray = dgemm(1.0, to_numpy(b).T, a.T, trans_a=True)
    return found.T


def sum_of_squares(rows: Array) -> float:
    """Returns ‖rows‖² of `(n, d)` rows, Frobenius' norm."""
    return float((rows * rows).sum()) if is_tensor(rows) else float(np.einsum("nd,nd->n", rows, rows).sum())


def beside(x: Array, other: Array) -> Array:
    """Returns `x` in float64, where `other` lies."""
    if not is_tensor(other):
        return wide(to_numpy(x))
    import torch

    return torch.as_tensor(x).to(other.device).double()
