"""Jobs start when what they need is there, two never make the same thing at once, and nothing runs that need not."""

from __future__ import annotations

from typing import Any

from autophagy.archive.store import MemoryStore
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import Plan, plan
from autophagy.experiment.run import run
from autophagy.experiment.schedule import Schedule, diverged, due, needs, writes
from autophagy.experiment.turns import Turn
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.synthetic_augmentation import SyntheticAugmentation
from autophagy.testing.fakes import Every, Logged, Mean, Numbered, Step

EATS, AUGMENTS = FullySynthetic(), SyntheticAugmentation()


def planned(arms: dict[str, Any], generations: int = 2, **settings: Any) -> Plan:
    found = {"source": Numbered(), "model": Logged(), "real": 10, "gallery": 0, **settings}
    built = {name: Arm(**{**found, "loop": EATS, **own}) for name, own in arms.items()}
    return plan(Experiment(built, generations=generations))


def names(jobs: Any) -> list[tuple[str, int]]:
    return [(job.arm_name, job.number) if isinstance(job, Turn) else (job.arm_name, -1) for job in jobs]


def test_shared_turns_wait_for_each_other_and_the_rest_runs_at_once() -> None:
    todo = planned({"a": {}, "b": {"loop": AUGMENTS}})
    schedule = Schedule(due(todo, MemoryStore()))
    first = schedule.next()
    assert names([first]) == [("a", 0)]
    assert schedule.next() is None  # b's founder is the very same
    assert first is not None
    schedule.finished(first, is_whole=True)
    started = [schedule.next(), schedule.next(), schedule.next()]
    assert sorted(names(j for j in started if j)) == [("a", 1), ("b", 0)]


def test_an_end_drops_what_depends_on_it_and_only_that() -> None:
    todo = planned({"a": {}, "b": {"model": Logged(tag=1)}}, generations=3)
    schedule = Schedule(due(todo, MemoryStore()))
    first = schedule.next()
    assert first is not None
    dropped = schedule.finished(first, is_whole=False)
    assert names(dropped) == names(schedule.skipped) == [("a", 1), ("a", 2), ("a", 3)]
    second = schedule.next()
    assert names([second]) == [("b", 0)]


def test_a_turn_waits_for_its_own_lineage_where_two_would_make_the_same() -> None:
    todo = planned({"a": {"metrics": (Mean(),)}, "b": {}})
    schedule = Schedule(job for job in due(todo, MemoryStore()) if isinstance(job, Turn))
    first = schedule.next()
    assert first is not None
    dropped = schedule.finished(first, is_whole=False)
    assert names(dropped) == [("a", 1), ("a", 2)]
    assert names([schedule.next()]) == [("b", 0)]


def test_a_whole_run_leaves_nothing_due() -> None:
    store = MemoryStore()
    todo = planned({"a": {"metrics": (Mean(), Step()), "curators": (Every(),)}})
    assert names(due(todo, store)) == [("a", -1), ("a", 0), ("a", 1), ("a", 2)]
    run(todo.experiment, store, on="serial")
    assert due(todo, store) == []
    assert diverged(todo, store) == []


def test_only_what_a_later_turn_will_open_is_made_again() -> None:
    store = MemoryStore()
    short = planned({"a": {}}, generations=3)
    run(short.experiment, store, on="serial")
    for turn in short.turns[:3]:
        store.delete(turn.kept)
    longer = planned({"a": {}}, generations=4)
    assert names(due(longer, store)) == [("a", 4)]  # generation 3's samples are there
    store.delete(short.turns[3].kept)
    store.delete(short.turns[3].fit)
    jobs = due(longer, store)
    assert names(jobs) == [("a", 0), ("a", 1), ("a", 2), ("a", 3), ("a", 4)]
    assert [job.remade for job in jobs if isinstance(job, Turn)][3] == (short.turns[3].kept,) * 2


def test_what_should_be_kept_is_due_where_it_is_asked_for() -> None:
    store = MemoryStore()
    todo = planned({"a": {}}, generations=3, gallery=0)
    run(todo.experiment, store, on="serial")
    assert due(todo, store) == []
    assert due(todo, store, restore=True) == []
    last = todo.turns[3]
    store.delete(last.kept)
    assert due(todo, store) == []
    assert names(due(todo, store, restore=True)) == [("a", 3)]  # its model is there and draws them again


def test_needs_and_writes_name_keys_of_jobs() -> None:
    todo = planned({"a": {"curators": (Every(),), "metrics": (Step(),), "start": "founder"}})
    founder, first, second = todo.turns
    assert set(needs(founder)) == set()
    assert set(needs(second)) == {first.kept, founder.fit, founder.draw}
    assert writes(second) == (second.fit, second.draw, second.kept, second.done)
    floors = planned({"a": {"metrics": (Mean(),)}}).floors
    assert (list(needs(floors[0])), writes(floors[0])) == ([], (floors[0].key,))
