"""An order of rows that is as good as random and depends on nothing but the rows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from .arrays import Array, to_numpy
from .rows import blocks

if TYPE_CHECKING:
    from typing_extensions import Buffer

STRIP = 256  # rows made comparable at a time


def shuffled(rows: Array) -> np.ndarray:
    """Returns `(n,)` ints: the rows by a hash of each, so that the order they came in does not matter.

    Blocks and subsets cut from it are random ones. Of equal rows each has a hash of its own, or they would stand
    together, and a stretch of the order would hold too few different rows.
    """
    plain = to_numpy(rows)
    digests = (_hash(row) for part in blocks(len(plain), STRIP) for row in _comparable(plain[part]))
    hashes = np.frombuffer(b"".join(digests), ">u8")
    again = _times_seen(hashes)
    hashes = hashes.copy()
    for row in np.flatnonzero(again).tolist():
        hashes[row] = int.from_bytes(_hash(hashes[row].tobytes() + int(again[row]).to_bytes(8, "big")), "big")
    return np.argsort(hashes, kind="stable")


def _times_seen(values: np.ndarray) -> np.ndarray:
    """Returns `(n,)` ints: how many equal values stand before each."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, values[order][1:] != values[order][:-1]])
    found = np.empty(len(values), np.int64)
    found[order] = np.arange(len(values)) - np.repeat(starts, np.diff(np.r_[starts, len(values)]))
    return found


def _hash(data: Buffer) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()


def _comparable(rows: np.ndarray) -> np.ndarray:
    """Rows whose bytes are the same for the same numbers, in whatever type they come; −0 is 0."""
    return np.ascontiguousarray(rows.astype("<f8") + 0.0)
