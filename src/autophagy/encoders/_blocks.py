"""Encoding in blocks of one fixed size on one thread, so that features depend on the sample alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def in_blocks(samples: np.ndarray, size: int, width: int, encode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Returns `(n, width)` float32: `encode` of `(size, *shape)` blocks, the last one filled up and cut again.

    A matrix product picks its kernels by the numbers of rows and threads, and
    kernels differ in the last bit; with one of each there is one kernel.
    """
    found = np.empty((len(samples), width), np.float32)
    with blas().limit(limits=1, user_api="blas"):
        for start in range(0, len(samples), size):
            block = samples[start : start + size]
            n = len(block)
            if n < size:
                block = np.concatenate([block, np.repeat(block[-1:], size - n, axis=0)])
            found[start : start + n] = encode(block)[:n]
    return found


@lru_cache(maxsize=1)
def blas() -> ThreadpoolController:
    """A handle on NumPy's linear algebra; finding the libraries takes milliseconds, so it is done once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
