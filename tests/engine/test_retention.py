"""What stays on disk is what the rules say, and no run takes away what another one keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.archive.store import sheet
from autophagy.core.errors import StoreError
from autophagy.experiment.config import Arm, Experiment, Probe
from autophagy.experiment.run import Results, run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.real_only import RealOnly
from autophagy.testing.fakes import Breaks, Every, Logged, Mean, Numbered

LAST = 4
RULES = {"all": set(range(LAST + 1)), "last": {0, LAST}, "none": set()}


def arm(**settings: Any) -> Arm:
    found = {"source": Numbered(), "model": Logged(), "loop": FullySynthetic(), "real": 10, "gallery": 3, **settings}
    return Arm(**found)


def go(store: Path, *, arms: dict[str, Arm] | None = None, **settings: Any) -> Results:
    arms = arms or {"a": arm(metrics=(Mean(),), curators=(Every(),), probes={"p": Probe(each=2)})}
    return run(Experiment(arms, **{"generations": LAST, **settings}), store, on="serial")


@pytest.mark.parametrize("models", RULES)
@pytest.mark.parametrize("samples", RULES)
def test_the_rules_leave_exactly_what_they_say(tmp_path: Path, models: str, samples: str) -> None:
    results = go(tmp_path, keep_models=models, keep_samples=samples)
    expected: set[str] = {floor.key for floor in results.plan.floors}
    for turn in results.plan.turns:
        probes = dict(turn.probes)
        expected |= {turn.done, probes["gallery"], sheet(turn.kept), sheet(probes["p"])}
        if turn.number in RULES[models]:
            expected.add(turn.fit)
        if turn.number in RULES[samples]:
            expected |= {turn.draw, turn.kept, probes["p"]}
    assert set(DiskStore(tmp_path).keys()) == expected
    assert go(tmp_path, keep_models=models, keep_samples=samples).ran == 0


def test_what_another_run_keeps_is_left_alone(tmp_path: Path) -> None:
    go(tmp_path, name="careful", keep_models="all", keep_samples="all")
    before = set(DiskStore(tmp_path).keys())
    go(tmp_path, name="careless", keep_models="none", keep_samples="none")
    assert set(DiskStore(tmp_path).keys()) == before


def test_the_other_way_round_the_careful_run_makes_again_what_it_needs_only(tmp_path: Path) -> None:
    go(tmp_path, name="careless", keep_models="none", keep_samples="none")
    assert go(tmp_path, name="careful", keep_models="all", keep_samples="all").ran == 0
    longer = go(tmp_path, name="careful", keep_models="all", keep_samples="all", generations=LAST + 1)
    assert DiskStore(tmp_path).holds(longer.plan.turns[-1].fit)


def test_what_a_run_keeps_comes_back_where_it_is_asked_to(tmp_path: Path) -> None:
    settings = {"keep_models": "all", "keep_samples": "all"}
    go(tmp_path / "once", **settings)
    go(tmp_path / "again", keep_models="none", keep_samples="none")
    found = restored(tmp_path / "again", **settings)
    assert found.ran == LAST + 1
    whole, again = (DiskStore(tmp_path / name) for name in ("once", "again"))
    assert set(again.keys()) == set(whole.keys())
    turn = found.plan.turns[2]
    assert again.pool(turn.kept).digest() == whole.pool(turn.kept).digest()
    again.delete(turn.kept)
    assert restored(tmp_path / "again", **settings).ran == 1
    assert restored(tmp_path / "again", **settings).ran == 0


def restored(store: Path, **settings: Any) -> Results:
    arms = {"a": arm(metrics=(Mean(),), curators=(Every(),), probes={"p": Probe(each=2)})}
    return run(Experiment(arms, **{"generations": LAST, **settings}), store, on="serial", restore=True)


def test_a_turn_that_is_made_again_is_not_told_again(tmp_path: Path) -> None:
    """A killed run's records are those of its turns, each once."""
    go(tmp_path, keep_models="none", keep_samples="none")

    def dies(_: object) -> None:
        if len(RunFolder(tmp_path, "experiment").records()) > LAST + 1:
            raise KeyboardInterrupt

    arms = {"a": arm(metrics=(Mean(),), curators=(Every(),), probes={"p": Probe(each=2)})}
    longer = Experiment(arms, generations=LAST + 2, keep_models="none", keep_samples="none")
    with pytest.raises(KeyboardInterrupt):
        run(longer, tmp_path, on="serial", watch=dies)
    told = [record.generation for record in RunFolder(tmp_path, "experiment").records()]
    assert told == list(range(LAST + 2))


def test_what_scores_stand_on_is_written_with_the_first_of_them(tmp_path: Path) -> None:
    seen: list[set[str]] = []

    def look(_: object) -> None:
        measures = RunFolder(tmp_path, "experiment").measures()
        seen.append({name for arm in measures.values() for name in arm})

    arms = {"a": arm(metrics=(Mean(),)), "b": arm(metrics=(Mean(tag=1),), model=Logged(tag=1))}
    run(Experiment(arms, generations=1), tmp_path, on="serial", watch=look)
    assert seen[0] == {"mean"}
    assert all(len(names) >= 1 for names in seen)
    assert len(RunFolder(tmp_path, "experiment").measures()["b"]) == 1


def test_a_run_that_cannot_know_what_others_keep_deletes_nothing(tmp_path: Path) -> None:
    go(tmp_path, name="other")
    (RunFolder(tmp_path, "other").path / "keep.json").write_text('["abc')
    before = set(DiskStore(tmp_path).keys())
    with pytest.raises(StoreError, match="nobody knows what that run keeps"):
        go(tmp_path, name="mine", keep_samples="none")
    assert set(DiskStore(tmp_path).keys()) == before


def test_a_longer_run_moves_what_last_means(tmp_path: Path) -> None:
    go(tmp_path, keep_samples="last")
    longer = go(tmp_path, keep_samples="last", generations=LAST + 2)
    held = [turn.number for turn in longer.plan.turns if DiskStore(tmp_path).holds(turn.kept)]
    assert held == [0, LAST + 2]


def test_what_a_failed_turn_needs_stays_for_the_next_run(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"keep_models": "none", "keep_samples": "none"}
    arms = {"a": arm(model=Breaks(generation=3, how="raises"))}
    first = go(tmp_path, arms=arms, **settings)
    assert [f.generation for f in first.failures] == [3]
    Breaks.mended = True
    try:
        second = go(tmp_path, arms=arms, **settings)
    finally:
        Breaks.mended = False
    assert second.ran == 2  # generations 3 and 4
    assert [r.generation for r in second.records] == list(range(LAST + 1))
    gallery = {dict(t.probes)["gallery"] for t in second.plan.turns}
    assert set(DiskStore(tmp_path).keys()) == {t.done for t in second.plan.turns} | gallery


def test_nothing_is_kept_for_a_lineage_that_has_ended(tmp_path: Path) -> None:
    arms = {"a": arm(model=Breaks(generation=3), gallery=0), "b": arm(loop=RealOnly(), gallery=0)}
    results = go(tmp_path, arms=arms, keep_models="none", keep_samples="none")
    assert [(r.arm, r.generation) for r in results.diverged] == [("a", 3)]
    once = set(DiskStore(tmp_path).keys())
    assert once == {r.key for r in results.records}
    go(tmp_path, arms=arms, keep_models="none", keep_samples="none")
    assert set(DiskStore(tmp_path).keys()) == once
