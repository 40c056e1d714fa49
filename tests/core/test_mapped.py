"""Large arrays lie in files that the system may drop pages of, and are what they would be in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy.core import mapped
from autophagy.core.mapped import room, stacked, taken
from autophagy.core.pool import Origin, Pool, concat

ROWS = np.arange(24, dtype=np.int32).reshape(8, 3)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large."""
    monkeypatch.setattr(mapped, "LARGE", 1)
    monkeypatch.setattr(mapped, "_BLOCK", 24)  # two rows at a time


def is_mapped(array: np.ndarray) -> bool:
    return isinstance(array.base, np.memmap)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "rows", [np.array([3, 1, 1, 7, -1]), np.arange(8) % 3 == 0, np.array([], np.int64), np.zeros(8, bool)], ids=str
)
def test_taken_rows_are_those_of_numpy(rows: np.ndarray) -> None:
    found = taken(ROWS, rows)
    assert np.array_equal(found, ROWS[rows])
    assert found.dtype == ROWS.dtype
    assert is_mapped(found) is (len(found) > 0)


@pytest.mark.usefixtures("small")
def test_a_mask_of_another_length_and_a_row_that_is_not_there_are_refused() -> None:
    with pytest.raises(IndexError):
        taken(ROWS, np.ones(7, bool))
    with pytest.raises(IndexError):
        taken(ROWS, np.array([8]))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("others", [ROWS + 1, ROWS[:0], ROWS.astype(np.float64)], ids=["alike", "none", "wider"])
def test_stacked_arrays_are_those_of_numpy(others: np.ndarray) -> None:
    found, expected = stacked([ROWS, others]), np.concatenate([ROWS, others])
    assert np.array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert is_mapped(found)


@pytest.mark.usefixtures("small")
def test_a_pool_of_large_arrays_is_mapped_and_the_same() -> None:
    pool = Pool.born(ROWS, Origin("a", 0), condition=np.arange(8) % 2)
    both = concat([pool, pool.take(np.array([5, 2]))])
    assert is_mapped(both.samples)
    assert both.samples[8:].tolist() == ROWS[[5, 2]].tolist()
    texts = Pool.born(np.array(["a", "bcd"]), Origin("t", 0))
    assert concat([texts, texts.take(np.array([1]))]).samples.tolist() == ["a", "bcd", "bcd"]


def test_small_arrays_and_objects_are_in_memory() -> None:
    assert not is_mapped(taken(ROWS, np.arange(8)))
    assert room((10**7,), np.dtype(object)).dtype == object


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = room((mapped.LARGE,), np.dtype(np.uint8))
    assert is_mapped(array)
    array[:] = 1
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small")
def test_where_there_is_no_room_on_the_disk_it_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped, "_reserve", full)
    found = taken(ROWS, np.arange(8))
    assert not is_mapped(found)
    assert np.array_equal(found, ROWS)


@pytest.mark.usefixtures("small")
def test_systems_that_cannot_reserve_space_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    found = taken(ROWS, np.arange(8))
    assert is_mapped(found)
    assert np.array_equal(found, ROWS)
