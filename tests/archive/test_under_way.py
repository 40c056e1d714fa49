"""A long fit says how far it is, and nobody minds what else lies there."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from autophagy import DiskStore
from autophagy.archive import under_way as module
from autophagy.archive.under_way import NAME, PAUSE, under_way
from autophagy.cli.progress import fitting

KEY = "ab" * 16


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_fit_under_way_is_told_with_what_is_left(tmp_path: Path, clock: list[float]) -> None:
    tell = DiskStore(tmp_path).workspace(KEY, "real-only, seed 0, generation 2").progress
    for step in range(1, 6):
        clock[0] += 1.0
        tell(100 * step, 4000, "loss 0.03")
    (found,) = under_way(tmp_path)
    assert (found.done, found.total, found.speed) == (500, 4000, 100.0)
    said = "real-only, seed 0, generation 2: step 500 of 4,000, loss 0.03, about 35 s left"
    assert fitting(found) == said


def test_a_fit_of_a_moment_leaves_nothing(tmp_path: Path, clock: list[float]) -> None:
    tell = DiskStore(tmp_path).workspace(KEY).progress
    for step in range(1000):
        clock[0] += PAUSE / 2000
        tell(step, 1000, "")
    assert under_way(tmp_path) == []
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("spoilt", ["", "[]", "{}", '{"about": 1, "done": "x"}', "\udcff"])
def test_what_is_no_progress_is_passed_over(tmp_path: Path, clock: list[float], spoilt: str) -> None:
    place = tmp_path / "work" / KEY
    place.mkdir(parents=True)
    (place / NAME).write_bytes(spoilt.encode("utf-8", "surrogateescape"))
    assert under_way(tmp_path) == []


def test_control_characters_do_not_reach_a_terminal(tmp_path: Path, clock: list[float]) -> None:
    tell = DiskStore(tmp_path).workspace(KEY, "x").progress
    for _ in range(3):
        clock[0] += 2
        tell(1, 2, "\x1b[31mred")
    assert "\x1b" not in under_way(tmp_path)[0].note


def test_a_fit_that_ended_long_ago_is_not_told(tmp_path: Path, clock: list[float]) -> None:
    tell = DiskStore(tmp_path).workspace(KEY, "x").progress
    for _ in range(3):
        clock[0] += 2
        tell(1, 2, "")
    path = tmp_path / "work" / KEY / NAME
    table = json.loads(path.read_text())
    path.write_text(json.dumps(table | {"at": time.time() - 3600}))
    assert under_way(tmp_path) == []
