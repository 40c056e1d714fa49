"""All scores of one set of samples lie on one sheet, which is only ever added to."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from autophagy.archive import manifest
from autophagy.archive.disk import DiskStore
from autophagy.archive.manifest import Manifest
from autophagy.archive.store import MemoryStore, Store, sheet

OF = "ab12"
ONE, TWO = {"values": {"a": 1.5}, "identity": {}}, {"values": {"b": "NaN"}, "identity": {"n": 3}}


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return DiskStore(tmp_path) if request.param == "disk" else MemoryStore()


def place(root: Path) -> Path:
    return DiskStore(root).place(sheet(OF))


def test_scores_come_back_and_more_are_added_to_them(store: Store) -> None:
    assert store.scores(OF) == {}
    store.add_scores(OF, {"1": ONE})
    store.add_scores(OF, {"2": TWO})
    assert store.scores(OF) == {"1": ONE, "2": TWO}
    assert store.scores("other") == {}
    assert store.holds(sheet(OF))
    store.delete(sheet(OF))
    assert store.scores(OF) == {}


def test_what_other_processes_add_is_seen(tmp_path: Path) -> None:
    here, there = DiskStore(tmp_path), DiskStore(tmp_path)
    here.add_scores(OF, {"1": ONE})
    assert there.scores(OF) == {"1": ONE}
    here.add_scores(OF, {"2": TWO})
    assert there.scores(OF) == here.scores(OF) == {"1": ONE, "2": TWO}
    there.delete(sheet(OF))
    assert here.scores(OF) == {}


def test_the_bytes_do_not_depend_on_who_was_first(tmp_path: Path) -> None:
    orders = [({"1": ONE}, {"2": TWO}), ({"2": TWO}, {"1": ONE}), ({"2": TWO, "1": ONE},)]
    for i, order in enumerate(orders):
        for new in order:
            DiskStore(tmp_path / str(i)).add_scores(OF, new)
    assert len({place(tmp_path / str(i)).read_bytes() for i in range(len(orders))}) == 1


def _adds(root: Path, name: str) -> None:
    store = DiskStore(root)
    for i in range(20):
        store.add_scores(OF, {f"{name} {i}": ONE})


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [threading.Thread(target=_adds, args=(tmp_path, name)) for name in ("one", "other")]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert set(DiskStore(tmp_path).scores(OF)) == {f"{name} {i}" for name in ("one", "other") for i in range(20)}


def test_a_damaged_sheet_is_no_scores_and_is_put_aside_by_who_measures_again(tmp_path: Path) -> None:
    DiskStore(tmp_path).add_scores(OF, {"1": ONE})
    path = place(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"1.5", b"2.5"))
    store = DiskStore(tmp_path)
    assert store.scores(OF) == store.scores(OF) == {}
    assert path.exists()  # who only reads moves nothing
    store.add_scores(OF, {"2": TWO})
    assert store.scores(OF) == DiskStore(tmp_path).scores(OF) == {"2": TWO}
    assert b"2.5" in (tmp_path / "damaged" / f"{sheet(OF)}-0").read_bytes()


def test_a_failed_write_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path)
    store.add_scores(OF, {"1": ONE})
    with pytest.raises(TypeError):
        store.add_scores(OF, {"2": {"values": object()}})
    assert store.scores(OF) == DiskStore(tmp_path).scores(OF) == {"1": ONE}
    assert sorted(path.name for path in (tmp_path / "artefacts").iterdir()) == [sheet(OF)[:2]]


def test_damage_that_came_after_it_was_read_is_put_aside_too(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.add_scores(OF, {"1": ONE})
    path = place(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"1.5", b"2.5"))
    store.add_scores(OF, {"2": TWO})
    assert store.scores(OF) == {"2": TWO}
    assert (tmp_path / "damaged" / f"{sheet(OF)}-0").exists()


@pytest.mark.parametrize(
    "about",
    [
        [1],
        {"1": 3},
        {"1": {}},
        {"1": {"values": {"a": 1.5}}},
        *({"1": {"values": {"a": odd}, "identity": {}}} for odd in ("much", True, [1], None)),
    ],
)
def test_a_sheet_of_somebody_else_that_holds_no_scores_is_none(tmp_path: Path, about: Any) -> None:
    store = DiskStore(tmp_path)
    store.add_scores(OF, {"1": ONE})
    manifest.write(place(tmp_path), Manifest(sheet(OF), "scores", about, {}))
    store = DiskStore(tmp_path)
    assert store.scores(OF) == {}
    store.add_scores(OF, {"2": TWO})
    assert store.scores(OF) == DiskStore(tmp_path).scores(OF) == {"2": TWO}


def test_facts_are_no_scores(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.numbers(sheet(OF), lambda: {"status": "finished"})
    assert store.scores(OF) == {}
    store.add_scores(OF, {"1": ONE})
    assert store.scores(OF) == {"1": ONE}
