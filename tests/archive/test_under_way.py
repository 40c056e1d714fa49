"""A long fit says how far it is, and nobody minds what else lies there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from autophagy import DiskStore
from autophagy.archive import under_way as module
from autophagy.archive.under_way import NAME, PAUSE, under_way
from autophagy.cli.progress import fitting
from autophagy.core.errors import StoreError
from autophagy.core.processes import writer

KEY, OTHER = "ab" * 16, "cd" * 16


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


LINE = '{"about": "x", "done": 1, "total": 2, "note": "", "speed": %s, "at": %s, "process": %s, "machine": "elsewhere"}'
SPOILT = ["", "[]", "{}", '{"about": 1, "done": "x"}', "\udcff", "[" * 100_000, "x" * 10_000]
SPOILT += [LINE % ("1e999", "1", "1"), LINE % ("1", "1e999", "1"), LINE % ("1", "1", "1e999")]


@pytest.mark.parametrize("spoilt", SPOILT, ids=range(len(SPOILT)))
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


def test_no_speed_at_all_tells_no_time(tmp_path: Path) -> None:
    place = tmp_path / "work" / KEY
    place.mkdir(parents=True)
    (place / NAME).write_text(LINE % ("1e-320", time.time(), os.getpid()))
    (found,) = under_way(tmp_path)
    assert fitting(found) == "x: step 1 of 2"


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "work" / KEY
    place.mkdir(parents=True)
    os.mkfifo(place / NAME)
    assert under_way(tmp_path) == []


def test_a_fit_whose_process_is_gone_is_not_told(tmp_path: Path, clock: list[float]) -> None:
    tell = DiskStore(tmp_path).workspace(KEY, "x").progress
    for _ in range(3):
        clock[0] += 2
        tell(1, 2, "")
    ended = subprocess.Popen(["true"])
    ended.wait()
    path = tmp_path / "work" / KEY / NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"process": ended.pid}))
    assert under_way(tmp_path) == []


def test_only_the_fits_asked_for_are_told(tmp_path: Path, clock: list[float]) -> None:
    for key in (KEY, OTHER):
        tell = DiskStore(tmp_path).workspace(key, key).progress
        for _ in range(3):
            clock[0] += 2
            tell(1, 2, "")
    assert [fit.about for fit in under_way(tmp_path, {OTHER})] == [OTHER]
    assert len(under_way(tmp_path)) == 2


def test_links_of_others_lead_nowhere(tmp_path: Path, clock: list[float]) -> None:
    """A store from somebody else may hold a link wherever a fit is going to write."""
    store, precious = DiskStore(tmp_path / "store"), tmp_path / "precious"
    precious.write_text("mine")
    place = tmp_path / "store" / "work" / KEY
    place.mkdir(parents=True)
    for name in (NAME, "weights"):
        (place / f".{name}.{writer()}.partial").symlink_to(precious)
    workspace = store.workspace(KEY, "x")
    for _ in range(3):
        clock[0] += 2
        workspace.progress(1, 2, "")
    workspace.save("weights", lambda path: path.write_text("theirs") and None)
    assert precious.read_text() == "mine"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "store" / "work" / OTHER).symlink_to(elsewhere)
    with pytest.raises(StoreError, match="leads elsewhere"):
        store.workspace(OTHER).save("weights", lambda path: path.write_text("theirs") and None)
    tell = store.workspace(OTHER, "x").progress
    for _ in range(3):
        clock[0] += 2
        tell(1, 2, "")
    assert list(elsewhere.iterdir()) == []


def test_a_checkpoint_of_a_fit_that_another_run_has_finished_is_not_missed(tmp_path: Path) -> None:
    workspace = DiskStore(tmp_path).workspace(KEY)

    def write(path: Path) -> None:
        path.write_text("half way")
        shutil.rmtree(path.parent)

    workspace.save("weights", write)
    assert workspace.saved("weights") is None
