"""A run's folder is readable by anyone, at any moment, without the parts that made it."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest

from autophagy.archive.run_folder import (
    ArmNotes,
    Eaten,
    Failure,
    Forecast,
    Measure,
    RunFolder,
    RunNotes,
    runs,
)
from autophagy.core.errors import StoreError
from autophagy.core.generation import Record

FORECAST = Forecast((1.0, 0.9), (0.9, 0.8), (10.0, 9.0), is_exact=True)
ARM = ArmNotes(
    "a", 1, {"loop": {"use": "x"}}, "vectors", 10, 20, ((Eaten("real", 20),), (Eaten("generation 0", 10),)), FORECAST
)
NOTES = RunNotes("r", (0, 1), (ARM,), 4, 3, {"seeds": [0, 1]}, {"python": "3.11"})
RECORD = Record(
    "a", 0, 1, "finished", "k", {"real": 5}, "d", 1, 10, 9, {"c": 1}, "", {"samples": "s"},
    {"m.x": math.nan, "m.y": -math.inf, "m.z": 0.1},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, "r")


def test_notes_measures_failures_and_timings_come_back(folder: RunFolder) -> None:
    measures = {"a": {"m": Measure("distance", {"x": "lower"}, {"n": 3}, {"x": math.inf})}}
    failures = [Failure("a", 0, 2, "ValueError: no\nway")]
    folder.write_notes(NOTES)
    folder.write_measures(measures)
    folder.write_failures(failures)
    folder.append_timing({"arm": "a", "seconds": 0.5})
    folder.append_timing({})
    folder.append_timing({"arm": "a", "seconds": 1.5})
    assert folder.notes() == NOTES
    assert folder.measures() == measures
    assert folder.failures() == failures
    assert [t["seconds"] for t in folder.timings()] == [0.5, 1.5]
    assert folder.exists()


def test_failures_of_floors_as_earlier_versions_wrote_them_are_read(folder: RunFolder) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / "failures.jsonl").write_text('{"arm": "a", "seed": 2, "generation": -1, "error": "old"}\n')
    assert folder.failures() == [Failure("a", 2, None, "old")]


def test_records_come_back_with_every_kind_of_number(folder: RunFolder) -> None:
    folder.write_records([RECORD])
    folder.append_record(RECORD)
    for found in folder.records():
        assert repr(found) == repr(RECORD)  # NaN is not equal to itself
    assert len(folder.records()) == 2


@pytest.mark.parametrize("tail", ['{"arm":"a","se', "\n", "[1]\n", "null\n", "\xff\n"])
def test_a_line_that_was_cut_off_is_left_out(folder: RunFolder, tail: str) -> None:
    folder.write_records([RECORD, RECORD])
    with (folder.path / "records.jsonl").open("ab") as file:
        file.write(tail.encode("latin-1"))
    assert len(folder.records()) == 2


def test_what_later_versions_add_to_notes_is_passed_over(folder: RunFolder) -> None:
    folder.write_notes(NOTES)
    path = folder.path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tomorrow": [1, 2]}))
    assert folder.notes() == NOTES


def test_an_empty_run_has_nothing(folder: RunFolder) -> None:
    assert (folder.records(), folder.failures(), folder.timings(), folder.measures()) == ([], [], [], {})
    assert not folder.exists()


def test_a_run_that_is_not_there_is_told_with_those_that_are(folder: RunFolder) -> None:
    with pytest.raises(StoreError, match=r"there is no run named 'r' in .*; it has: none yet\."):
        folder.notes()
    for name in ("two", "one"):
        RunFolder(folder.store, name).write_notes(NOTES)
    with pytest.raises(StoreError, match=r"it has: one, two\."):
        folder.notes()
    assert runs(folder.store) == ["one", "two"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "nul", '{"arms": 3}', '{"arms": [{}]}', "\x00", '{"seeds": 1, "arms": []}']
)
def test_notes_that_cannot_be_read_are_told(folder: RunFolder, text: str) -> None:
    folder.write_notes(NOTES)
    (folder.path / "run.json").write_text(text)
    with pytest.raises(StoreError, match="cannot be read; run the experiment again to write it"):
        folder.notes()


def test_a_lock_is_let_go_and_what_a_kill_left_is_cleared(folder: RunFolder) -> None:
    with folder.locked():
        (folder.path / ".records.jsonl.123.partial").write_text("half")
    with folder.locked():
        assert [p.name for p in folder.path.iterdir()] == [".lock"]
        with pytest.raises(StoreError, match="run 'r' is already at work"), RunFolder(folder.store, "r").locked():
            pass
    with pytest.raises(ZeroDivisionError), folder.locked():
        raise ZeroDivisionError
    with folder.locked():
        pass


def test_what_others_keep_is_known_and_ones_own_is_not_counted(folder: RunFolder) -> None:
    others = folder.others()
    with others as kept:
        assert kept == set()
    folder.write_keep(["mine"])
    RunFolder(folder.store, "b").write_keep(["x", "y"])
    RunFolder(folder.store, "c").write_keep(["y", "z"])
    with others as kept:
        assert kept == {"x", "y", "z"}


def test_nobody_says_what_he_keeps_while_another_deletes(folder: RunFolder) -> None:
    told: list[str] = []
    with folder.others():
        writer = threading.Thread(target=lambda: (RunFolder(folder.store, "b").write_keep(["x"]), told.append("b")))
        writer.start()
        writer.join(0.2)
        assert told == []
    writer.join(10)
    assert told == ["b"]


@pytest.mark.parametrize("text", ["", "{}", '"x"', "[1", "\xff"])
def test_a_list_of_kept_keys_that_cannot_be_read_stops_everything(folder: RunFolder, text: str) -> None:
    RunFolder(folder.store, "b").write_keep(["x"])
    (folder.store / "runs" / "b" / "keep.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match=r"b/keep\.json cannot be read, so nobody knows what that run keeps"):
        folder.others().__enter__()
    RunFolder(folder.store, "b").write_keep(["x"])  # mended, and nobody holds a lock against it
    with folder.others() as kept:
        assert kept == {"x"}


def test_everything_written_is_strict_json_without_a_path_of_this_machine(folder: RunFolder) -> None:
    folder.write_notes(NOTES)
    folder.write_records([RECORD])
    folder.write_measures({"a": {"m": Measure("distance", {}, {}, {"x": math.nan})}})

    def refuse(name: str) -> Any:
        pytest.fail(f"{name} is no JSON")

    for path in folder.path.iterdir():
        text = path.read_text()
        assert str(folder.store) not in text
        for part in text.splitlines() if path.suffix == ".jsonl" else [text]:
            json.loads(part, parse_constant=refuse)
