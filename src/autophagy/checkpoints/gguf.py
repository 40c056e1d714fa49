"""What a GGUF file says of itself, read without its weights and without a package: in milliseconds, for the plan.

The format is llama.cpp's: a magic word, counts, named values, where each tensor lies, and the tensors, which are left
to transformers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

MAGIC = b"GGUF"
BLOCKS = {  # of a type of tensors: so many numbers in so many bytes
    0: (1, 4), 1: (1, 2), 30: (1, 2), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
}  # fmt: skip
UNKNOWN, ALIGNMENT = (1, 0), 32  # tensors of other types are only known to begin
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, LIST = 8, 9
MOST_VALUES, MOST_TENSORS, MOST_DIMENSIONS, MOST_ENTRIES, LONGEST = 4096, 100_000, 8, 4_000_000, 2**24


@dataclass(frozen=True)
class Header:
    """Named values, of a list only how many entries it has; and how many numbers all tensors have together."""

    values: Mapping[str, Any]
    numbers: int

    @property
    def architecture(self) -> str:
        return str(self.values.get("general.architecture", ""))

    @property
    def context(self) -> int | None:
        """The longest row of tokens."""
        found = self.values.get(f"{self.architecture}.context_length")
        return found if isinstance(found, int) and found > 0 else None

    @property
    def tokens(self) -> int:
        """Of its tokenizer; 0 if it brings none."""
        found = self.values.get("tokenizer.ggml.tokens", 0)
        return found if isinstance(found, int) else 0


def header(who: str, path: Path) -> Header:
    """Reads a file's header. Raises DataError if it is no GGUF or breaks off."""
    try:
        found = path.stat()
        return _header(who, path, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError as error:
        raise DataError(f"{who}: {path} cannot be read: {error.strerror}; get it again.") from None


@lru_cache(maxsize=16)
def _header(who: str, path: Path, *stamp: int) -> Header:
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise DataError(f"{who}: {shown(str(path), 200)} is no GGUF file; name one, or a folder with safetensors.")
        try:
            version, tensors, count = struct.unpack("<IQQ", file.read(20))
            if version not in (2, 3) or count > MOST_VALUES or tensors > MOST_TENSORS:
                raise ValueError(f"version {version} with {count} values and {tensors} tensors")
            values = dict(_pair(file) for _ in range(count))
            found = [_tensor(file) for _ in range(tensors)]
            step = max(1, int(values.get("general.alignment", ALIGNMENT)))
            begin = -(-file.tell() // step) * step
            if found and begin + max(end for _, end in found) > path.stat().st_size:
                raise ValueError("it ends before its last tensor does")
            return Header(values, sum(numbers for numbers, _ in found))
        except (struct.error, ValueError, TypeError, UnicodeDecodeError, KeyError) as error:
            raise DataError(f"{who}: {shown(str(path), 200)} is a broken GGUF file ({error}); get it again.") from None


def _tensor(file: BinaryIO) -> tuple[int, int]:
    """How many numbers a tensor has, and where it ends, from where tensors begin."""
    _text(file)
    dimensions = _number(file, "I")
    if dimensions > MOST_DIMENSIONS:
        raise ValueError(f"a tensor of {dimensions} dimensions")
    numbers = math.prod(_number(file, "Q") for _ in range(dimensions))
    block, size = BLOCKS.get(_number(file, "I"), UNKNOWN)
    return numbers, int(_number(file, "Q")) + max(1, -(-numbers // block) * size)


def _pair(file: BinaryIO) -> tuple[str, Any]:
    name = _text(file)
    return name, _value(file, _number(file, "I"))


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == TEXT:
        return _text(file)
    if kind == LIST:
        return _skipped(file)
    return _number(file, NUMBERS[kind])


def _skipped(file: BinaryIO) -> int:
    """Passes over a list; returns how many entries it has."""
    kind, count = _number(file, "I"), _number(file, "Q")
    if count > MOST_ENTRIES or kind == LIST:
        raise ValueError(f"a list of {count} entries of kind {kind}")
    if kind == TEXT:
        for _ in range(count):
            file.seek(_length(file), 1)
    else:
        file.seek(struct.calcsize(NUMBERS[kind]) * count, 1)
    return int(count)


def _text(file: BinaryIO) -> str:
    return file.read(_length(file)).decode()


def _length(file: BinaryIO) -> int:
    found = int(_number(file, "Q"))
    if found > LONGEST:
        raise ValueError(f"a text of {found} bytes")
    return found


def _number(file: BinaryIO, letter: str) -> Any:
    return struct.unpack("<" + letter, file.read(struct.calcsize("<" + letter)))[0]
