"""A store gives back what it was given, whole or not at all; on disk and in memory alike."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autophagy.archive import columns, strict_json
from autophagy.archive.disk import DiskStore
from autophagy.archive.store import MemoryStore, Store
from autophagy.core.errors import Damaged, StoreError
from autophagy.core.pool import Origin, Pool, concat
from autophagy.core.processes import writer
from autophagy.testing.fakes import Chain, Logged

KEY, OTHER, THIRD = "ab12", "ab34", "ab56"


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return DiskStore(tmp_path) if request.param == "disk" else MemoryStore()


def pool(n: int = 4, **columns: Any) -> Pool:
    return Pool.born(np.arange(2.0 * n).reshape(n, 2), Origin("cd", 3), **columns)


def same(one: Pool, other: Pool) -> bool:
    pairs = [(one.samples, other.samples), (one.origin, other.origin), (one.row, other.row)]
    pairs += [(a, b) for a, b in ((one.condition, other.condition), (one.begun, other.begun)) if a is not None]
    return (
        all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)
        and one.origins == other.origins
        and (one.condition is None, one.begun is None) == (other.condition is None, other.begun is None)
    )


# ── both stores ──────────────────────────────────────────────────────────────


def test_what_is_there_is_not_made_again(store: Store) -> None:
    made: list[int] = []

    def make() -> Pool:
        made.append(1)
        return pool()

    assert same(store.pool(KEY, make), store.pool(KEY, make))
    assert made == [1]
    assert store.holds(KEY)
    assert not store.holds(OTHER)


def test_what_is_not_there_is_told(store: Store) -> None:
    for get in (store.pool, store.numbers):
        with pytest.raises(StoreError, match=f"nothing is stored under {KEY}.*run the generation that makes it first"):
            get(KEY)


def test_numbers_and_samplers_come_back(store: Store) -> None:
    numbers = {"status": "finished", "scores": {"a": 0.1, "b": "NaN"}, "n": 3}
    assert store.numbers(KEY, lambda: numbers) == store.numbers(KEY) == numbers
    made = store.sampler(OTHER, Logged(), lambda: Chain(np.array([1.5]), 4))
    found = store.sampler(OTHER, Logged())
    assert isinstance(made, Chain)
    assert isinstance(found, Chain)
    assert (found.mean.tolist(), found.fits) == ([1.5], 4)


def test_what_is_deleted_is_gone_and_may_be_made_again(store: Store) -> None:
    store.delete(KEY)
    store.pool(KEY, pool)
    store.delete(KEY)
    assert not store.holds(KEY)
    assert same(store.pool(KEY, pool), pool())


def test_a_failed_making_leaves_nothing(store: Store) -> None:
    def fails() -> Pool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.pool(KEY, fails)
    assert not store.holds(KEY)


def test_checkpoints_outlive_an_attempt_and_go_when_the_fit_is_stored(store: Store) -> None:
    store.workspace(KEY).save("step", lambda path: path.write_text("half way") and None)
    again = store.workspace(KEY)
    saved = again.saved("step")
    assert saved is not None
    assert saved.read_text() == "half way"
    del again  # in memory a folder lives as long as somebody holds its workspace
    store.sampler(KEY, Logged(), lambda: Chain(np.zeros(1), 1))
    assert not saved.exists()


def test_a_memory_store_counts_what_it_holds() -> None:
    store = MemoryStore()
    store.numbers(KEY, dict)
    assert (len(store), store.lost()) == (1, set())


# ── on disk ──────────────────────────────────────────────────────────────────

SAMPLES = arrays.arrays(
    st.sampled_from([np.float64, np.float32, np.uint8, np.int64]), st.tuples(st.integers(0, 5), st.integers(1, 3))
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples=SAMPLES, labelled=st.sampled_from([None, "ints", "texts"]), data=st.data())
def test_any_pool_comes_back_bit_for_bit(tmp_path: Path, samples: np.ndarray, labelled: str | None, data: Any) -> None:
    n = len(samples)
    condition = {None: None, "ints": np.arange(n) % 3, "texts": np.array(["ä", "dog\n", "猫"] * n)[:n]}[labelled]
    whole = concat(
        [
            Pool.born(samples, Origin("cd", 3), condition=condition),
            Pool.born(samples, Origin("ef", -1), condition=condition),
        ]
    )
    whole = whole.take(np.array(data.draw(st.lists(st.integers(0, 2 * n - 1), max_size=6) if n else st.just([])), int))
    store = DiskStore(tmp_path)
    store.delete(KEY)
    store.pool(KEY, lambda: whole)
    found = DiskStore(tmp_path).pool(KEY)
    assert found.digest() == whole.digest()
    assert found.samples.tobytes() == whole.samples.tobytes()
    assert [(found.origins[o], r) for o, r in zip(found.origin, found.row, strict=True)] == [
        (whole.origins[o], r) for o, r in zip(whole.origin, whole.row, strict=True)
    ]


def test_begun_rows_come_back(tmp_path: Path) -> None:
    base = pool()
    begun = Pool(base.samples, base.origin, base.row, base.origins, None, np.arange(4))
    assert same(DiskStore(tmp_path).pool(KEY, lambda: begun), begun)


def test_pools_cannot_be_written_to_by_who_reads_them(tmp_path: Path) -> None:
    found = DiskStore(tmp_path).pool(KEY, pool)
    with pytest.raises(ValueError, match="read-only"):
        found.samples[0] = 1


def test_large_columns_are_mapped_and_small_ones_read(tmp_path: Path) -> None:
    big = Pool.born(np.zeros((columns.MAPPED // 8 + 1, 1)), Origin("cd", 0))
    DiskStore(tmp_path).pool(KEY, lambda: big)
    DiskStore(tmp_path).pool(OTHER, pool)
    assert isinstance(DiskStore(tmp_path).pool(KEY).samples, np.memmap)
    assert not isinstance(DiskStore(tmp_path).pool(OTHER).samples, np.memmap)


def test_what_was_just_made_is_what_a_reader_gets(tmp_path: Path) -> None:
    turned = Pool.born(np.arange(6.0).reshape(2, 3).T, Origin("cd", 0), condition=np.arange(6)[::2])
    for found in (DiskStore(tmp_path).pool(KEY, lambda: turned), DiskStore(tmp_path).pool(KEY)):
        assert same(found, turned)
        assert found.samples.flags.c_contiguous
        assert not found.samples.flags.writeable
        assert not found.condition.flags.writeable


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("condition", [None, np.array([4, 5]), np.array(["a cat", 'ein Hund, "süß"\n'])])
def test_large_images_are_png_files_that_others_can_read(tmp_path: Path, channels: int, condition: Any) -> None:
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 256, (2, channels, 130, 131), np.uint8)
    whole = Pool.born(images, Origin("cd", 7), condition=condition)
    assert same(DiskStore(tmp_path).pool(KEY, lambda: whole), whole)
    folder = tmp_path / "artefacts" / "ab" / KEY
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(x["file_name"], x["generation"], x["origin"], x["row"]) for x in lines] == [
        ("000000.png", 7, "cd", 0),
        ("000001.png", 7, "cd", 1),
    ]
    if condition is not None:
        assert [x["text" if condition.dtype.kind == "U" else "label"] for x in lines] == condition.tolist()
    with Image.open(folder / "000001.png") as image:
        assert image.size == (131, 130)


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    strange = Pool.born(np.array([{"a": 1}, None], object), Origin("cd", 0))
    with pytest.raises(TypeError, match="not Python objects"):
        DiskStore(tmp_path).pool(KEY, lambda: strange)
    assert list(DiskStore(tmp_path).keys()) == []
    assert not list(tmp_path.rglob("*partial*"))


def test_an_artefact_is_plain_files_in_the_place_its_key_says(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.pool(KEY, pool)
    store.numbers(OTHER, dict)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "artefacts/ab/ab12/MANIFEST.json",
        "artefacts/ab/ab12/samples.npy",
        "artefacts/ab/ab34.json",
    ]
    assert list(store.keys()) == [KEY, OTHER]
    assert store.about(KEY).kind == "pool"
    with pytest.raises(StoreError, match="nothing is stored under ffff"):
        store.about("ffff")
    assert str(tmp_path) not in (tmp_path / "artefacts" / "ab" / "ab12" / "MANIFEST.json").read_text()


def test_the_first_of_two_writers_wins(tmp_path: Path) -> None:
    ours, theirs = DiskStore(tmp_path), DiskStore(tmp_path)

    def make() -> Pool:
        theirs.pool(KEY, pool)  # somebody else is faster
        return pool()

    assert same(ours.pool(KEY, make), pool())
    assert list(ours.keys()) == [KEY]
    assert not list(tmp_path.rglob("*partial*"))


def test_whoever_is_first_to_store_a_model_has_its_remarks(tmp_path: Path) -> None:
    ours, theirs = DiskStore(tmp_path), DiskStore(tmp_path)

    def make() -> Chain:
        theirs.workspace(KEY).remark("theirs")
        theirs.sampler(KEY, Logged(), lambda: Chain(np.zeros(1), 1))
        ours.workspace(KEY).remark("ours")
        return Chain(np.zeros(1), 1)

    ours.sampler(KEY, Logged(), make)
    assert [store.remarks(KEY) for store in (ours, theirs, DiskStore(tmp_path))] == [("theirs",)] * 3


def test_a_remark_is_a_text_whatever_it_was(store: Store) -> None:
    remark = store.workspace(KEY).remark
    for said in (Path("a"), 5, 5, None):
        remark(said)  # type: ignore[arg-type]
    assert store.remarks(KEY) == ("a", "5", "None")  # of a fit that is not over
    store.sampler(KEY, Logged(), lambda: Chain(np.zeros(1), 1))
    assert store.remarks(KEY) == ("a", "5", "None")
    assert store.remarks(OTHER) == ()


def test_what_another_process_deleted_is_noticed(tmp_path: Path) -> None:
    ours = DiskStore(tmp_path)
    ours.pool(KEY, pool)
    DiskStore(tmp_path).delete(KEY)
    assert not ours.holds(KEY)
    assert same(ours.pool(KEY, pool), pool())


def test_sweeping_takes_what_dead_writers_left_and_nothing_else(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.sampler(KEY, Logged(), lambda: Chain(np.zeros(1), 1))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    artefacts = tmp_path / "artefacts"
    left = [artefacts / f".partial-{OTHER}-{pid}" for pid in (dead.pid, os.getppid(), os.getpid())]
    left += [artefacts / ".partial-strange", tmp_path / "work" / KEY, tmp_path / "work" / OTHER]
    for folder in left:
        folder.mkdir(parents=True)
    alone = artefacts / f".partial-{THIRD}-{dead.pid}"
    alone.write_text("{}")
    ours = artefacts / f".partial-{THIRD}-{writer()}"  # an earlier process's, with our number
    ours.write_text("{}")
    store.sweep()
    assert not ours.exists()
    assert [folder.exists() for folder in left] == [False, True, False, True, False, True]
    assert not alone.exists()
    assert store.holds(KEY)


def test_what_another_machine_is_writing_is_left_alone_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hosts, or two containers that each count processes from 1, on one disk."""
    monkeypatch.setattr("platform.node", lambda: "there")
    others = writer()
    monkeypatch.setattr("platform.node", lambda: "here")
    assert writer() != others
    artefacts = tmp_path / "artefacts"
    artefacts.mkdir()
    fresh, old = (artefacts / f".partial-{key}-{others}" for key in (KEY, OTHER))
    for partial in (fresh, old):
        partial.mkdir()
    os.utime(old, (0, time.time() - 90_000))
    DiskStore(tmp_path).sweep()
    assert [fresh.exists(), old.exists()] == [True, False]
    DiskStore(tmp_path).pool(KEY, pool)  # the same artefact, under our own name
    assert fresh.exists()
    assert DiskStore(tmp_path).holds(KEY)


def test_a_partial_of_an_earlier_process_with_our_number_is_overwritten(tmp_path: Path) -> None:
    partial = tmp_path / "artefacts" / f".partial-{KEY}-{writer()}"
    partial.mkdir(parents=True)
    (partial / "rubbish").write_text("x")
    DiskStore(tmp_path).pool(KEY, pool)
    assert DiskStore(tmp_path).holds(KEY)


def test_a_store_may_be_moved(tmp_path: Path) -> None:
    DiskStore(tmp_path / "here").pool(KEY, pool)
    (tmp_path / "here").rename(tmp_path / "there")
    assert same(DiskStore(tmp_path / "there").pool(KEY), pool())


def test_a_pool_whose_facts_do_not_fit_its_files_is_damaged(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.pool(KEY, pool)
    facts = dict(store.about(KEY).about)
    for wrong in ({"images": True}, {"born": False}):
        with pytest.raises(Damaged, match="cannot be read"):
            columns.read(tmp_path / "artefacts" / "ab" / KEY, {**facts, **wrong})


# ── strict JSON ──────────────────────────────────────────────────────────────


def test_many_numbers_keep_six_digits_in_strict_json() -> None:
    kept = strict_json.shortened([1.23456789, math.inf, -math.inf, math.nan, 0.0, 1e300])
    assert json.loads(strict_json.dumps(kept)) == [1.23457, "Infinity", "-Infinity", "NaN", 0.0, 1e300]
    found = strict_json.lengthened(kept)
    assert math.isnan(found[3])
    assert found[:3] == [1.23457, math.inf, -math.inf]


@given(st.dictionaries(st.text(max_size=4), st.floats()))
def test_every_float_survives_strict_json(scores: dict[str, float]) -> None:
    text = strict_json.dumps(strict_json.wrapped(scores))
    found = strict_json.unwrapped(json.loads(text, parse_constant=lambda name: pytest.fail(name)))
    assert {k: repr(v) for k, v in found.items()} == {k: repr(v) for k, v in scores.items()}


def test_equal_values_have_equal_bytes() -> None:
    assert strict_json.dumps({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        strict_json.dumps(float("nan"))
