"""IDX files, the format of MNIST: a magic number, big-endian lengths, then bytes. Plain or gzip."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import IO

import numpy as np

from autophagy.core.errors import DataError

LARGEST = 2**30  # bytes; a header may promise anything
_UNSIGNED_BYTES = b"\x00\x00\x08"


def read(path: Path | Traversable, dimensions: int) -> np.ndarray:
    """Returns the uint8 array of a file, read-only. Raises DataError unless every byte is there and no more."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            return _parsed(gzip.GzipFile(fileobj=file) if is_packed else file, dimensions, path.name)
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"'{path.name}' cannot be read: {problem}; get the file again.") from None


def header(shape: tuple[int, ...]) -> bytes:
    return _UNSIGNED_BYTES + bytes([len(shape)]) + np.array(shape, ">u4").tobytes()


def sha256(array: np.ndarray) -> str:
    """The checksum of the plain IDX file that holds this array, however it came here."""
    hasher = hashlib.sha256(header(array.shape))
    hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


def _parsed(file: IO[bytes] | gzip.GzipFile, dimensions: int, name: str) -> np.ndarray:
    magic = file.read(4)
    if magic != _UNSIGNED_BYTES + bytes([dimensions]):
        raise DataError(
            f"'{name}' is not an IDX file of unsigned bytes in {dimensions} dimensions: it begins with "
            f"{magic.hex(' ') or 'nothing'}, not with 00 00 08 {dimensions:02x}; get the file again."
        )
    lengths = file.read(4 * dimensions)
    shape = tuple(np.frombuffer(lengths[: len(lengths) // 4 * 4], ">u4").tolist())
    size = math.prod(shape)
    if len(shape) != dimensions or size > LARGEST:
        raise DataError(f"'{name}' has a damaged header: it promises the shape {shape}; get the file again.")
    content = file.read(size + 1)
    if len(content) != size:
        more = "more bytes" if len(content) > size else f"only {len(content)}"
        raise DataError(f"'{name}' should hold {size} bytes, but there are {more}; get the file again.")
    return np.frombuffer(content, np.uint8).reshape(shape)
