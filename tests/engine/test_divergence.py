"""What goes wrong in one lineage ends that lineage, is told, and touches no other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.archive.store import MemoryStore, Store
from autophagy.experiment.config import Arm, Experiment, Probe
from autophagy.experiment.read import experiment
from autophagy.experiment.run import Results, run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.real_only import RealOnly
from autophagy.testing.fakes import Breaks, Mean, NotFinite, Numbered, Raises

LAST = 6


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return DiskStore(tmp_path) if request.param == "disk" else MemoryStore()


@pytest.fixture
def mended() -> Iterator[None]:
    yield
    Breaks.mended = False


def arm(**settings: Any) -> Arm:
    found = {"source": Numbered(), "model": Breaks(), "loop": FullySynthetic(), "real": 10, "gallery": 0, **settings}
    return Arm(**found)


def go(store: Store | Path | None, arms: dict[str, Arm], **settings: Any) -> Results:
    return run(Experiment(arms, **{"generations": LAST, "seeds": (0, 1), "name": "r", **settings}), store, on="serial")


def reached(results: Results, arm: str = "a", seed: int = 0) -> list[int]:
    return [r.generation for r in results.records if (r.arm, r.seed) == (arm, seed)]


@pytest.mark.parametrize(
    ("how", "reason"), [("diverges", "the loss was nan at step 12."), ("draws-nan", "the samples are not all finite.")]
)
def test_a_diverged_lineage_is_recorded_and_the_others_go_on(store: Store, how: Any, reason: str) -> None:
    arms = {"a": arm(model=Breaks(how=how), metrics=(Mean(),)), "b": arm(model=Breaks(seed=9), metrics=(Mean(),))}
    results = go(store, arms)
    assert [(r.arm, r.seed, r.generation, r.reason) for r in results.diverged] == [("a", 0, 3, reason)]
    assert not results.failures
    assert reached(results) == [0, 1, 2, 3]
    assert reached(results, seed=1) == reached(results, "b", 1) == list(range(LAST + 1))
    assert results.skipped == LAST - 3
    last = results.diverged[0]
    assert (last.scores, last.trained_on, last.status) == ({}, {}, "diverged")
    assert all("mean.mean" in r.scores for r in results.records if r.status == "finished")


def test_a_lineage_goes_on_where_nothing_depends_on_what_diverged(store: Store) -> None:
    for _ in range(2):
        results = go(store, {"a": arm(loop=RealOnly())}, seeds=(0,))
        assert [r.status for r in results.records] == ["finished"] * 3 + ["diverged"] + ["finished"] * 3
        assert results.skipped == 0


@pytest.mark.parametrize("how", ["diverges", "draws-nan"])
def test_running_again_says_the_same_and_computes_nothing(store: Store, how: Any) -> None:
    arms = {"a": arm(model=Breaks(how=how))}
    first, second = go(store, arms), go(store, arms)
    assert second.records == first.records
    assert (second.ran, second.skipped, second.failures) == (0, first.skipped, [])


def test_another_seed_is_added_to_a_diverged_one(store: Store) -> None:
    go(store, {"a": arm()}, seeds=(0,))
    results = go(store, {"a": arm()}, seeds=(0, 1))
    assert (reached(results), reached(results, seed=1)) == ([0, 1, 2, 3], list(range(LAST + 1)))
    assert (results.ran, results.skipped) == (LAST + 1, LAST - 3)


def test_arms_that_share_the_past_share_its_end(store: Store) -> None:
    arms = {"a": arm(), "b": arm(metrics=(Mean(),))}
    for _ in range(2):
        results = go(store, arms)
        assert [(r.arm, r.generation) for r in results.diverged] == [("a", 3), ("b", 3)]
        assert results.skipped == 2 * (LAST - 3)


def test_who_eats_from_a_diverged_arm_ends_with_it(store: Store) -> None:
    arms = {"b": arm(model=Breaks(seed=9), loop=FullySynthetic(arm="a")), "a": arm()}
    for _ in range(2):
        results = go(store, arms)
        assert reached(results, "b") == [0, 1, 2, 3]
        assert reached(results, "b", 1) == list(range(LAST + 1))
        assert results.skipped == 2 * (LAST - 3)


def test_a_founder_that_diverges_ends_a_long_lineage(store: Store) -> None:
    results = go(store, {"a": arm(model=Breaks(generation=0))}, generations=1500, seeds=(0,))
    assert [r.generation for r in results.diverged] == [0]
    assert results.skipped == 1500


def test_a_probe_without_a_finite_answer_ends_the_lineage(store: Store) -> None:
    arms = {"a": arm(model=Breaks(how="draws-nan"), probes={"p": Probe(each=2)}, metrics=(Mean(),))}
    for _ in range(2):
        results = go(store, arms)
        assert (reached(results), results.skipped) == ([0, 1, 2, 3], LAST - 3)


def test_a_plugins_own_error_is_a_failure_and_the_next_run_tries_again(tmp_path: Path, mended: None) -> None:
    arms = {"a": arm(model=Breaks(how="raises")), "b": arm(model=Breaks(seed=9))}
    results = go(tmp_path, arms)
    failure = results.failures[0]
    assert (failure.arm, failure.seed, failure.generation) == ("a", 0, 3)
    assert failure.error == "ZeroDivisionError: the plugin's own mistake"
    assert RunFolder(tmp_path, "r").failures() == results.failures
    path, _, line = failure.at.rpartition(":")
    assert "ZeroDivisionError" in Path(path).read_text().splitlines()[int(line) - 1]
    assert str(failure) == f"a, seed 0, generation 3: {failure.error} ({failure.at})"
    assert failure.traceback.startswith("Traceback")
    assert f'File "{path}", line {line}' in failure.traceback
    assert reached(results) == [0, 1, 2]
    assert reached(results, "b") == reached(results, seed=1) == list(range(LAST + 1))
    assert results.skipped == LAST - 3

    assert go(tmp_path, arms).ran == 1  # it tries, and fails again
    Breaks.mended = True
    healed = go(tmp_path, arms)
    assert (healed.ran, healed.failures, reached(healed)) == (LAST - 2, [], list(range(LAST + 1)))
    assert RunFolder(tmp_path, "r").failures() == []


def test_a_part_that_ends_the_program_ends_its_lineage_only(store: Store, mended: None) -> None:
    results = go(store, {"a": arm(model=Breaks(how="exits")), "b": arm(model=Breaks(seed=9))})
    assert [(f.arm, f.seed, f.generation, f.error) for f in results.failures] == [("a", 0, 3, "SystemExit: 3")]
    assert reached(results, "b") == reached(results, seed=1) == list(range(LAST + 1))


def test_a_metric_that_raises_ends_only_the_arms_that_asked_for_it(store: Store) -> None:
    arms = {"a": arm(metrics=(Raises(),), model=Breaks(seed=9)), "b": arm(metrics=(Mean(),), model=Breaks(seed=9))}
    results = go(store, arms)
    assert {f.arm for f in results.failures} == {"a"}
    assert "KeyError: 'nothing of that name'" in {f.error for f in results.failures}
    assert reached(results, "b") == reached(results, "b", 1) == list(range(LAST + 1))
    assert reached(results, "a") == []
    again = go(store, arms)
    assert reached(again, "b") == list(range(LAST + 1))


def test_numbers_that_are_none_survive_in_records(tmp_path: Path) -> None:
    results = go(tmp_path, {"a": arm(metrics=(NotFinite(),), model=Breaks(seed=9))})
    read = RunFolder(tmp_path, "r").records()
    assert len(read) == len(results.records) == 2 * (LAST + 1)
    for record in (*results.records, *read):
        assert math.isnan(record.scores["not-finite.nan"])
        assert record.scores["not-finite.up"] == math.inf
        assert record.scores["not-finite.down"] == -math.inf
        assert record.scores["not-finite.one"] == 1.0
    assert '"not-finite.nan":"NaN"' in (tmp_path / "runs" / "r" / "records.jsonl").read_text()
    floor = RunFolder(tmp_path, "r").measures()["a"]["not-finite"].floor
    assert floor["up"] == math.inf


def test_a_first_seed_that_diverges_at_once_takes_no_measure_with_it(store: Store) -> None:
    """What stands behind a metric is read off any generation that has it, not off the first seed's founder."""
    results = go(store, {"a": arm(model=Breaks(generation=0), metrics=(Mean(),))})
    assert [(r.seed, r.generation) for r in results.diverged] == [(0, 0)]
    assert results.measures["a"]["mean"].identity["n"] == 10


def test_a_class_that_dies_out_ends_its_lineage_as_an_outcome(store: Store) -> None:
    settings = {
        "generations": 30,
        "base": {"source": "digits", "model": "eigen-mixture", "real": 40, "gallery": 0},
        "arms": {"a": {"loop": {"use": "fully-synthetic", "size": 12}}},
    }
    results = run(experiment(settings), store, on="serial")
    assert not results.failures
    assert len(results.diverged) == 1
    assert "has died out" in results.diverged[0].reason
