"""IDX files are read whole or refused in one sentence."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autophagy.core.errors import DataError
from autophagy.sources import _idx

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
PLAIN = _idx.header(IMAGES.shape) + IMAGES.tobytes()
PACKED = gzip.compress(PLAIN, mtime=0)
in_one_folder = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read(tmp_path: Path, content: bytes, dimensions: int = 3) -> np.ndarray:
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(content)
    return _idx.read(path, dimensions)


@pytest.mark.parametrize("content", [PLAIN, PACKED], ids=["plain", "gzip"])
def test_reads_what_was_written(tmp_path: Path, content: bytes) -> None:
    images = read(tmp_path, content)
    assert np.array_equal(images, IMAGES)
    assert not images.flags.writeable


@in_one_folder
@given(st.integers(0, len(PACKED) - 1), st.booleans())
@example(0, False)
@example(15, False)
@example(16, False)
def test_any_truncation_is_refused(tmp_path: Path, length: int, is_packed: bool) -> None:
    content = PACKED if is_packed else PLAIN
    with pytest.raises(DataError, match=r"'images-idx3-ubyte' .*get the file again\.$"):
        read(tmp_path, content[: min(length, len(content) - 1)])


@in_one_folder
@given(st.binary(min_size=1, max_size=20))
def test_anything_after_the_end_of_a_plain_file_is_refused(tmp_path: Path, more: bytes) -> None:
    with pytest.raises(DataError, match="should hold 60 bytes, but there are more bytes"):
        read(tmp_path, PLAIN + more)


@in_one_folder
@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_a_flipped_byte_of_a_packed_file_never_changes_a_pixel(tmp_path: Path, place: int, change: int) -> None:
    content = bytearray(PACKED)
    content[place] ^= change
    try:
        images = read(tmp_path, bytes(content))
    except DataError:
        return
    assert np.array_equal(images, IMAGES)  # the gzip header's time, system and flags carry no pixel


@in_one_folder
@given(st.binary(max_size=64))
def test_no_bytes_make_anything_but_an_array_or_one_sentence(tmp_path: Path, content: bytes) -> None:
    for start in (b"", PLAIN[:4], b"\x1f\x8b"):
        try:
            found = read(tmp_path, start + content).ndim == 3
        except DataError as error:
            found = str(error).startswith("'images-idx3-ubyte' ") and "\n" not in str(error)
        assert found


def test_a_header_may_not_promise_the_moon(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="damaged header"):
        read(tmp_path, b"\0\0\x08\x03" + b"\xff" * 12 + b"\0" * 100)


def test_another_type_or_rank_is_refused_by_its_magic(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"begins with 00 00 08 03, not with 00 00 08 01"):
        read(tmp_path, PLAIN, dimensions=1)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        _idx.read(tmp_path / "absent", 3)
