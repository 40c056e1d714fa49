"""An order of rows that is as good as random and depends on nothing but the rows."""

from __future__ import annotations

import hashlib

import numpy as np

from .arrays import Array, to_numpy


def shuffled(rows: Array) -> np.ndarray:
    """Returns `(n,)` ints: the rows by a hash of each, so that the order they came in does not matter.

    Blocks and subsets cut from it are random ones. Equal rows stand together.
    """
    hashes = b"".join(hashlib.blake2b(_bytes(row), digest_size=8).digest() for row in to_numpy(rows))
    return np.argsort(np.frombuffer(hashes, ">u8"), kind="stable")


def _bytes(row: np.ndarray) -> bytes:
    """Of a row's numbers, in whatever type they come; −0 is 0."""
    return (row.astype("<f8") + 0.0).tobytes()
