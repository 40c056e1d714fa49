"""What is asked of a block of numbers or of a mask, in NumPy, or on the accelerator that holds it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import is_tensor, to_numpy

Table = Any  # a NumPy array, or a tensor on an accelerator
GROUPS = 64  # of a row, whose minima stand for its smallest numbers


def along(values: Table, axis: int) -> Table:
    """Lays values beside a table: one for each row (`axis` 0) or column (1)."""
    return values[:, None] if axis == 0 else values


def where(mask: Table) -> tuple[np.ndarray, np.ndarray]:
    """`np.nonzero` of a table, at several times its speed."""
    if is_tensor(mask):
        i, j = mask.nonzero().T.cpu().numpy()
    else:
        i, j = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return i, j


def count(mask: Table) -> int:
    return int(mask.count_nonzero()) if is_tensor(mask) else int(np.count_nonzero(mask))


def is_any(mask: Table, axis: int) -> np.ndarray:
    """Returns bools: whether anything is true in each row (`axis` 0) or column (1)."""
    return to_numpy(mask.any(1 - axis))


def weighed(mask: Table, weight: np.ndarray) -> np.ndarray:
    """Returns `(r,)` float64: the weights `(c,)` of what is true in each row, whole numbers below 2²⁴ in sum.

    Not as a product: BLAS's threads wait at work for the next one, and take a core from those of torch.
    """
    if not is_tensor(mask):
        if (weight == 1).all():
            counts: np.ndarray = np.add.reduce(mask.view(np.uint8), axis=1, dtype=np.uint32)
            return counts.astype(np.float64)
        i, j = where(mask)
        return np.bincount(i, weight[j], len(mask))
    import torch

    return to_numpy(mask.double() @ torch.from_numpy(weight).to(mask.device))


def without_diagonal(table: Table) -> None:
    """Makes the numbers on the diagonal larger than any other, in place."""
    if is_tensor(table):
        table.fill_diagonal_(float("inf"))
    else:
        np.fill_diagonal(table, np.iinfo(table.dtype).max if table.dtype.kind == "i" else np.inf)


def smallest(table: Table, k: int, axis: int) -> np.ndarray:
    """Returns `(r or c, ≤ k)` numbers, ascending: as many of each row (`axis` 0) or column (1) do not exceed them.

    On an accelerator they are the k smallest. In NumPy they are the smallest
    of the minima of groups: a tenth of the work, and nearly always the same.
    """
    table = table if axis == 0 else table.T
    k = min(k, table.shape[1])
    if is_tensor(table):
        return to_numpy(table.topk(k, largest=False).values)
    while table.shape[1] >= 2 * max(GROUPS, 4 * k):
        half = table.shape[1] // 2
        table = np.minimum(table[:, :half], table[:, half : 2 * half])
    return np.sort(np.partition(table, k - 1, axis=1)[:, :k], axis=1)
