"""Equal histories are computed once, and what is new costs only itself: shown by counting fits and measurements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy.archive.disk import DiskStore
from autophagy.archive.store import MemoryStore, Store
from autophagy.experiment import turn
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import Results, run
from autophagy.loops.fixed_share import FixedShare
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.phases import Phases
from autophagy.loops.real_only import RealOnly
from autophagy.loops.synthetic_augmentation import SyntheticAugmentation
from autophagy.testing.fakes import Every, Logged, Mean, Numbered, Step

EATS, AUGMENTS, REAL = FullySynthetic(), SyntheticAugmentation(), RealOnly()


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    Logged.fits.clear()
    Mean.measured.clear()
    yield
    Logged.fits.clear()
    Mean.measured.clear()


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return DiskStore(tmp_path) if request.param == "disk" else MemoryStore()


def arm(loop: Any, **settings: Any) -> Arm:
    return Arm(**{"source": Numbered(), "model": Logged(), "real": 10, "gallery": 0, "loop": loop, **settings})


def go(store: Store | None, arms: dict[str, Arm], **settings: Any) -> Results:
    results = run(Experiment(arms, **{"generations": 3, **settings}), store, on="serial")
    assert not results.failures
    return results


def fits() -> list[tuple[int, int]]:
    """The fits since the last call: (seed, generation)."""
    found = [(fit.seed, fit.generation) for fit in Logged.fits]
    Logged.fits.clear()
    return found


def test_arms_share_one_founder_for_each_seed(store: Store) -> None:
    experiment = {"eats": arm(EATS), "augments": arm(AUGMENTS), "real": arm(REAL)}
    go(store, experiment, seeds=(0, 1))
    found = fits()
    assert found.count((0, 0)) == found.count((1, 0)) == 1
    assert len(found) == 2 * (1 + 3 * 3)
    planned = plan(Experiment(experiment, seeds=(0, 1), generations=3))
    assert (planned.distinct_fits, planned.distinct_founders, len(planned.turns)) == (20, 2, 24)


def test_a_healed_arm_reuses_its_poisoned_past(store: Store) -> None:
    healed = Phases((EATS, REAL), (3,))
    results = go(store, {"sick": arm(EATS), "healed": arm(healed)}, generations=6)
    assert len(fits()) == 7 + 3
    sick, heals = results.plan.lineages["sick", 0], results.plan.lineages["healed", 0]
    assert [a.done == b.done for a, b in zip(sick, heals, strict=True)] == [True] * 4 + [False] * 3


def test_a_relapse_goes_back_to_the_same_loop_but_not_to_the_same_past() -> None:
    relapse = Phases((EATS, REAL, EATS), (1, 1))
    results = go(None, {"sick": arm(EATS), "relapse": arm(relapse)}, generations=4)
    assert [r.trained_on for r in results.records if r.arm == "relapse"][2:4] == [{"real": 10}, {"generation 2": 10}]
    assert len(fits()) == 5 + 3


def test_running_again_fits_and_measures_nothing(store: Store) -> None:
    arms = {"eats": arm(EATS, metrics=(Mean(),))}
    first = go(store, arms)
    fits(), Mean.measured.clear()
    second = go(store, arms)
    assert (second.ran, fits(), Mean.measured) == (0, [], [])
    assert second.records == first.records


@pytest.mark.parametrize("keep", ["all", "last", "none"])
def test_an_arm_a_seed_and_generations_cost_only_themselves(store: Store, keep: str) -> None:
    rules = {"keep_models": keep, "keep_samples": "all"}
    go(store, {"a": arm(EATS)}, **rules)
    fits()
    go(store, {"a": arm(EATS), "b": arm(AUGMENTS)}, **rules)
    assert fits() == [(0, 1), (0, 2), (0, 3)]
    go(store, {"a": arm(EATS)}, seeds=(0, 5), **rules)
    assert fits() == [(5, g) for g in range(4)]
    go(store, {"a": arm(EATS)}, generations=13, **rules)
    assert fits() == [(0, g) for g in range(4, 14)]


def test_a_metric_added_later_measures_old_samples_without_a_fit(store: Store) -> None:
    go(store, {"a": arm(EATS, metrics=(Mean(),))})
    fits(), Mean.measured.clear()
    results = go(store, {"a": arm(EATS, metrics=(Mean(), Mean(tag=1)))})
    assert fits() == []
    assert Mean.measured == [-1, 0, 1, 2, 3]  # the floor, then every generation
    assert results.records[0].scores.keys() == {"mean.mean", "mean[tag=1].mean"}


@dataclass(frozen=True)
class Raises(Mean):
    name = "raises"

    def measure(self, generation):
        raise ZeroDivisionError("the plugin's own mistake")


@pytest.mark.parametrize("felt", [0.0, 60.0])
def test_what_was_measured_before_a_metric_failed_is_not_measured_again(
    store: Store, felt: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "FELT", felt)
    Mean.measured.clear()
    broken = Experiment({"a": arm(EATS, metrics=(Mean(), Raises()))}, generations=0)
    assert [failure.generation for failure in run(broken, store, on="serial").failures] == [None, 0]
    assert Mean.measured == [-1, 0]
    mended = go(store, {"a": arm(EATS, metrics=(Mean(), Mean(tag=1)))}, generations=0)
    assert Mean.measured == [-1, 0, -1, 0]  # the first ones were there
    assert mended.records[0].scores.keys() == {"mean.mean", "mean[tag=1].mean"}


@dataclass(frozen=True)
class Odd(Mean):
    """Its identity is no JSON."""

    name = "odd"

    def identity(self, generation):
        return {"n": np.int64(3)}


@dataclass(frozen=True)
class Stops(Mean):
    name = "stops"

    def measure(self, generation):
        if generation.number >= 0:
            raise KeyboardInterrupt
        return {"mean": 0.0}


def test_what_is_no_json_ends_its_own_metric_alone_and_is_told_by_name(store: Store) -> None:
    broken = Experiment({"a": arm(EATS, metrics=(Mean(), Odd(), Stops()))}, generations=0)
    told = {failure.error for failure in run(broken, store, on="serial").failures}
    assert told == {"metric 'odd' says what cannot be kept as JSON: Object of type int64 is not JSON serializable."}
    Mean.measured.clear()
    go(store, {"a": arm(EATS, metrics=(Mean(),))}, generations=0)
    assert Mean.measured == []


def test_an_interrupt_between_metrics_ends_the_run_and_loses_none(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Experiment({"a": arm(EATS, metrics=(Mean(), Stops()))}, generations=0), store, on="serial")
    Mean.measured.clear()
    go(store, {"a": arm(EATS, metrics=(Mean(),))}, generations=0)
    assert Mean.measured == []


def test_long_measuring_is_kept_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "FELT", 0.0)
    added: list[int] = []
    monkeypatch.setattr(type(store), "add_scores", lambda self, of, new: added.append(len(new)))
    go(store, {"a": arm(EATS, metrics=(Mean(), Mean(tag=1)))}, generations=0)
    assert added == [1, 1]
    monkeypatch.setattr(turn, "FELT", 60.0)
    go(store, {"a": arm(EATS, metrics=(Mean(), Mean(tag=1)))}, generations=0)
    assert added == [1, 1, 2]


def test_a_deleted_pool_is_made_again_where_a_new_metric_needs_it_and_nowhere_else(store: Store) -> None:
    first = go(store, {"a": arm(EATS)}, keep_models="none")
    before = [store.pool(turn.kept).digest() for turn in first.plan.turns]
    fits()
    store.delete(first.plan.turns[2].kept)
    results = go(store, {"a": arm(EATS, metrics=(Mean(),))}, keep_models="none")
    assert fits() == [(0, 2)]
    assert [store.pool(turn.kept).digest() for turn in results.plan.turns] == before


def test_a_deleted_pool_is_made_again_where_a_new_generation_eats_it(store: Store) -> None:
    go(store, {"a": arm(EATS)}, keep_models="none", keep_samples="none")
    fits()
    results = go(store, {"a": arm(EATS)}, keep_models="none", keep_samples="none", generations=5)
    assert fits() == [(0, g) for g in range(6)]  # nothing was left to build on
    assert [r.generation for r in results.records] == list(range(6))
    assert results.records == go(None, {"a": arm(EATS)}, generations=5).records


def test_weights_that_were_deleted_are_made_again_where_a_fit_starts_from_them(store: Store) -> None:
    settings: dict[str, Any] = {"keep_models": "none", "keep_samples": "all"}
    go(store, {"a": arm(EATS, start="previous")}, **settings)
    fits()
    longer = go(store, {"a": arm(EATS, start="previous")}, generations=4, **settings)
    assert fits() == [(0, g) for g in range(5)]
    assert longer.records == go(None, {"a": arm(EATS, start="previous")}, generations=4).records


@pytest.mark.parametrize("refill", ["shrink", "redraw", "repeat"])
def test_a_metric_added_after_curated_samples_were_deleted(store: Store, refill: str) -> None:
    bare = arm(EATS, curators=(Every(),), refill=refill)
    rules = {"keep_models": "none", "keep_samples": "none"}
    go(store, {"a": bare}, **rules)
    measured = arm(EATS, curators=(Every(),), refill=refill, metrics=(Step(),))
    late = go(store, {"a": measured}, **rules)
    assert late.records == go(None, {"a": measured}).records


def test_a_metric_that_reads_the_generation_before_finds_it(store: Store) -> None:
    results = go(store, {"a": arm(EATS, metrics=(Step(),), start="previous")}, keep_samples="none")
    assert [r.scores["step.fits"] for r in results.records] == [1, 2, 3, 4]
    moved = [r.scores["step.moved"] for r in results.records]
    assert moved[0] != moved[0]
    assert all(abs(m) > 0 for m in moved[1:])


@dataclass(frozen=True)
class SinceFounder(Mean):
    """How far the mean is from that of what generation 0 left."""

    name = "since-founder"
    alone = False

    @property
    def reads(self):
        return ("founder_samples",)

    def measure(self, generation):
        return {"moved": float(generation.samples.samples.mean() - generation.founder_samples.samples.mean())}


@pytest.mark.parametrize("settings", [{}, {"curators": (Every(),)}])
def test_a_metric_that_reads_what_generation_0_left_finds_it(store: Store, settings: dict[str, Any]) -> None:
    rules = {"keep_models": "none", "keep_samples": "none"}
    go(store, {"a": arm(EATS, **settings)}, **rules)  # all deleted, and made again for a metric that comes late
    late = go(store, {"a": arm(EATS, metrics=(SinceFounder(), Mean()), **settings)}, **rules)
    means = [record.scores["mean.mean"] for record in late.records]
    moved = [record.scores["since-founder.moved"] for record in late.records]
    assert moved == pytest.approx([mean - means[0] for mean in means])
    assert moved[0] == 0
    assert min(abs(m) for m in moved[1:]) > 0
    assert late.records == go(None, {"a": arm(EATS, metrics=(SinceFounder(), Mean()), **settings)}).records


def test_names_and_order_of_arms_enter_no_key() -> None:
    one = plan(Experiment({"x": arm(EATS), "y": arm(AUGMENTS)}, generations=3))
    other = plan(Experiment({"augment": arm(AUGMENTS), "eat": arm(EATS)}, generations=3))
    assert {t.done for t in one.turns} == {t.done for t in other.turns}


def test_what_changes_a_result_changes_the_key_and_nothing_else_does() -> None:
    def keys(**settings: Any) -> tuple[str, str]:
        turn = plan(Experiment({"a": arm(**{"loop": EATS, **settings})}, generations=1)).turns[1]
        return turn.fit, turn.kept

    same = keys()
    assert keys(metrics=(Mean(),)) == keys(gallery=5) == keys(exhausted="reuse") == keys(reference=3) == same
    for other in (
        {"real": 11},
        {"samples": 9},
        {"bias": 0.5},
        {"start": "founder"},
        {"founder": "pretrained"},
        {"seeding": 0.5},
        {"model": Logged(tag=1)},
        {"source": Numbered(rows=101)},
        {"loop": FullySynthetic(size=9)},
        {"curators": (Every(nth=1),)},
    ):
        assert keys(**other)[1] != same[1], other


def test_a_share_of_nothing_leaves_the_training_set_alone() -> None:
    results = go(None, {"none": arm(FixedShare(synthetic=0.0)), "real": arm(REAL), "some": arm(FixedShare(0.2))})
    digests = {a: [r.train_digest for r in results.records if r.arm == a] for a in ("none", "real", "some")}
    assert digests["none"] == digests["real"] == [digests["real"][0]] * 4
    assert digests["some"][1] != digests["real"][1]


def test_a_loop_of_real_data_only_equals_plain_retraining() -> None:
    results = go(None, {"real": arm(REAL)})
    trains = [fit.train for fit in Logged.fits]
    assert all(fit.start is None for fit in Logged.fits)
    assert len({train.digest() for train in trains}) == 1
    assert {tuple(r.trained_on.items()) for r in results.records} == {(("real", 10),)}
