"""Large arrays outside of memory: in files without a name, whose pages the system reads and drops as it likes."""

from __future__ import annotations

import errno
import math
import os
import tempfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

LARGE = 2**24  # bytes; smaller arrays are simply in memory
_BLOCK = 2**22  # bytes that are copied or written at a time


def room(shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray:
    """An array to be filled. A large one is mapped from a file in TMPDIR that goes when the array does.

    It is in memory where there is not twice the space for such a file.
    """
    size = math.prod(shape) * dtype.itemsize
    if size >= LARGE and not dtype.hasobject:
        try:
            with tempfile.TemporaryFile() as file:
                _reserve(file, size)
                return np.asarray(np.memmap(file, dtype, "r+", shape=tuple(shape)))
        except OSError:
            pass
    return np.empty(shape, dtype)


def taken(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`array[rows]` of `(k,)` ints or a `(n,)` bool mask; mapped where it is large."""
    rows = np.arange(len(array))[rows]
    found = room((len(rows), *array.shape[1:]), array.dtype)
    step = max(1, _BLOCK // max(1, math.prod(array.shape[1:]) * array.dtype.itemsize))
    for first in range(0, len(rows), step):
        found[first : first + step] = array[rows[first : first + step]]
    return found


def stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """`np.concatenate(arrays)`; mapped where it is large."""
    dtype = np.result_type(*arrays)
    shape = (sum(map(len, arrays)), *arrays[0].shape[1:])
    return np.concatenate(arrays, out=room(shape, dtype))


def _reserve(file: IO[bytes], size: int) -> None:
    """Takes the space now: where a disk is full, writing to a mapped file would end the process. Raises OSError."""
    disk = os.fstatvfs(file.fileno())
    if disk.f_bavail * disk.f_frsize < 2 * size:
        raise OSError(errno.ENOSPC, "what is left is others'")
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:  # macOS
        for first in range(0, size, _BLOCK):
            file.write(bytes(min(_BLOCK, size - first)))
        file.flush()
