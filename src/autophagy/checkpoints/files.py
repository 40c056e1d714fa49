"""Files of a checkpoint: settings in JSON, weights in safetensors, and a digest of the bytes of both."""

from __future__ import annotations

import hashlib
import json
import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

LARGEST_JSON, LARGEST_HEADER = 2**20, 2**27  # bytes

State = tuple[tuple[str, int, int, int], ...]  # name, bytes, time of the last writing and of the last change (ns)


def table_of(who: str, path: Path, largest: int = LARGEST_JSON) -> Mapping[str, Any]:
    """A small JSON file with settings in it. Raises DataError if it is none."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(largest))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{who}: {path} cannot be read as JSON: {shown(str(error), 200)}; get it again.") from None
    if not isinstance(found, dict):
        raise DataError(f"{who}: {path} is no table of settings; get it again.")
    return found


def weights_in(folder: Path, stem: str) -> tuple[Path, ...]:
    """The safetensors of that name, in one file or in shards; none if there are none."""
    single = folder / f"{stem}.safetensors"
    return (single,) if single.is_file() else tuple(sorted(folder.glob(f"{stem}-*-of-*.safetensors")))


def listed_in(paths: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """The shape of each weight in safetensors, by name, read from their headers alone.

    Raises OSError, or ValueError for a file that is not whole.
    """
    return {name: shape for path in paths for name, shape in _header(path, *_stamp(path.stat()))}


def numbers_in(paths: Iterable[Path]) -> int:
    """How many numbers all of them have together. Raises as `listed_in` does."""
    return sum(map(math.prod, listed_in(paths).values()))


@lru_cache(maxsize=64)
def _header(path: Path, size: int, *stamp: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The format is eight bytes with the length of a JSON table, the table, and the weights without a gap."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        table = file.read(length if length <= LARGEST_HEADER else 0)
    try:
        weights = {name: each for name, each in json.loads(table).items() if name != "__metadata__"}
        whole = 8 + length + max((each["data_offsets"][1] for each in weights.values()), default=0)
        found = tuple((name, _shape(each)) for name, each in weights.items())
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise ValueError(f"{path} holds no whole weights") from None
    if not found:
        raise ValueError(f"{path} holds no weights")
    if whole != size:
        raise ValueError(f"{path} holds no whole weights: it should have {whole:,} bytes, but has {size:,}")
    return found


def _shape(listed: Mapping[str, Any]) -> tuple[int, ...]:
    """Of a weight. Raises ValueError or TypeError where its bytes cannot be that."""
    begin, end = listed["data_offsets"]
    shape = tuple(operator.index(side) for side in listed["shape"])
    if min(shape, default=0) < 0 or math.prod(shape) > 8 * (end - begin):  # no type is below a bit
        raise ValueError
    return shape


def digest_of(who: str, paths: Iterable[Path]) -> str:
    """32 hex digits of all bytes in these files, whatever they are called. Raises DataError if one cannot be read."""
    try:
        parts = [_hashed(path, *_stamp(path.stat())) for path in paths]
    except OSError as error:
        raise DataError(f"{who}: {error.filename} cannot be read: {error.strerror}; get it again.") from None
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def state_of(who: str, folder: Path, is_read: Callable[[str], bool]) -> State:
    """Of the files in a folder that may be read; another one if any of them has changed.

    Quick, since a plan asks once a turn. Raises DataError if it cannot be told.
    """
    try:
        with os.scandir(folder) as entries:
            ours = [entry for entry in entries if is_read(entry.name) and entry.is_file()]
            return tuple(sorted((entry.name, *_stamp(entry.stat())) for entry in ours))
    except OSError as error:
        raise DataError(f"{who}: {folder} cannot be read: {error.strerror}; get it again.") from None


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    """Of one file. The last time of change cannot be set, so that a copy with an old date is seen too."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=256)
def _hashed(path: Path, *stamp: int) -> str:
    """A file's sha256, worked out again only once the file has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
