"""What a generation is given: training rows, starting weights, conditions; and that all of it can be traced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autophagy.core import mapped
from autophagy.core.errors import PlanError
from autophagy.core.mixture import FRESH, REAL, Mixture, assemble, drawn
from autophagy.core.parts import Loop
from autophagy.core.pool import REAL_DATA, Pool
from autophagy.curators.quality import Quality
from autophagy.experiment import reals
from autophagy.experiment.config import Arm, Experiment, Probe
from autophagy.experiment.drawing import draw_samples
from autophagy.experiment.plan import Plan, plan
from autophagy.experiment.run import Results, run
from autophagy.experiment.turn import inputs
from autophagy.experiment.turns import taken_count
from autophagy.loops.accumulate_subsample import AccumulateSubsample
from autophagy.loops.fixed_share import FixedShare
from autophagy.loops.fresh_data import FreshData
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.phases import Phases
from autophagy.loops.real_only import RealOnly
from autophagy.loops.synthetic_augmentation import SyntheticAugmentation
from autophagy.testing.fakes import HELDOUT, Chain, Cheats, Every, Logged, LoggedByClass, Mean, Numbered


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    Logged.fits.clear()
    yield
    Logged.fits.clear()


@dataclass(frozen=True)
class Everything(Loop):
    """Fixed, fresh, t − 1 and t − 2 at once."""

    name = "everything"

    def mixture(self, generation: int) -> Mixture:
        older = (drawn(generation - 2).some(3),) if generation > 1 else ()
        return Mixture((REAL.some(4), FRESH.some(5), drawn(generation - 1).share(0.5), *older))


@dataclass(frozen=True)
class PerGroup(Loop):
    """So many of every class."""

    name = "per-group"
    real: int = 2
    eaten: int = 1

    def mixture(self, generation: int) -> Mixture:
        return Mixture((FRESH.per_group(self.real), drawn(generation - 1).per_group(self.eaten)))


@dataclass(frozen=True)
class OneOfEach(Loop):
    """One of every class of what another arm drew."""

    name = "one-of-each"
    arm: str

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation - 1, self.arm).per_group(1),))


@dataclass(frozen=True)
class TwoOfEach(Loop):
    """Two of every class of one's own draws."""

    name = "two-of-each"

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation - 1).per_group(2),))


def arm(**settings: Any) -> Arm:
    found = {"source": Numbered(), "model": Logged(), "loop": FullySynthetic(), "real": 10, "gallery": 0, **settings}
    return Arm(**found)


def go(arms: dict[str, Arm], store: Path | None = None, **settings: Any) -> Results:
    results = run(Experiment(arms, **{"generations": 4, "keep_models": "all", **settings}), store, on="serial")
    assert not results.failures, results.failures
    return results


def numbers(pool: Pool) -> list[int]:
    return [int(x) for x in pool.samples[:, 0]]


def trains() -> list[Pool]:
    return [fit.train for fit in Logged.fits]


# ── real data ────────────────────────────────────────────────────────────────


def test_arms_alone_bring_those_that_they_eat_from():
    loops = {"a": FullySynthetic(arm="b"), "b": FullySynthetic(arm="c"), "c": RealOnly(), "d": FullySynthetic()}
    whole = Experiment({name: arm(loop=loop) for name, loop in loops.items()}, generations=2)
    assert list(whole.only(["a"]).arms) == ["a", "b", "c"]
    assert list(whole.only(["d", "c"]).arms) == ["c", "d"]
    assert len(plan(whole.only(["b"])).turns) == 6
    late = arm(loop=Phases((FullySynthetic(), FullySynthetic(arm="c")), (1,)))
    assert list(replace(whole, arms={**whole.arms, "e": late}).only(["e"]).arms) == ["c", "e"]


def test_the_fixed_set_is_the_same_rows_every_time_and_other_rows_for_another_seed() -> None:
    go({"a": arm(loop=RealOnly())}, seeds=(0, 1))
    first, second = ([sorted(numbers(f.train)) for f in Logged.fits if f.seed == seed] for seed in (0, 1))
    assert len(first) == len(second) == 5
    assert all(rows == first[0] for rows in first)
    assert len(set(first[0])) == 10
    assert first[0] != second[0]


def test_fresh_rows_were_never_seen_before_by_their_lineage() -> None:
    go({"a": arm(loop=FreshData(real=15, synthetic=1))}, generations=6)
    seen = set(numbers(trains()[0]))
    for train in trains()[1:]:
        fresh = {n for n, g in zip(numbers(train), train.generation, strict=True) if g == REAL_DATA}
        assert len(fresh) == 15
        assert not fresh & seen
        seen |= fresh
    assert len(seen) == 100  # the source is used to its last row
    assert max(seen) < HELDOUT


def test_the_last_unseen_row_may_be_used_and_the_next_is_refused_or_counted() -> None:
    loop = FreshData(real=30, synthetic=1)
    results = go({"a": arm(loop=loop, exhausted="reuse")}, generations=5)
    assert [r.reused for r in results.records] == [0, 0, 0, 0, 30, 30]
    again = set(numbers(trains()[5])[:30])
    assert again <= set(range(100))


def test_reused_rows_of_groups_are_counted_exactly() -> None:
    source = Numbered(rows=11, groups=2)  # six rows of class 0, five of class 1
    a = Arm(source, LoggedByClass(), PerGroup(real=2), per_group=2, exhausted="reuse", gallery=0)
    results = go({"a": a}, generations=2)
    # class 0: 2 fixed, 2 fresh, 2 fresh; class 1: 2 fixed, 2 fresh, 1 fresh and 1 again
    assert [r.reused for r in results.records] == [0, 0, 1]
    longer = go({"a": a}, generations=3)
    assert [r.reused for r in longer.records] == [0, 0, 1, 2 + 2]


# ── training sets ────────────────────────────────────────────────────────────


def test_a_mixture_of_everything_is_what_was_asked_for_and_traceable_to_its_rows() -> None:
    results = go({"a": arm(loop=Everything(), curators=(Every(),), samples=20)})
    assert [r.trained_on for r in results.records] == [
        {"real": 10},
        {"real": 9, "generation 0": 5},
        {"real": 9, "generation 1": 5, "generation 0": 3},
        {"real": 9, "generation 2": 5, "generation 1": 3},
        {"real": 9, "generation 3": 5, "generation 2": 3},
    ]
    _check_provenance(results)


@pytest.mark.parametrize(
    "settings",
    [
        {"loop": SyntheticAugmentation(keep="all")},
        {"loop": AccumulateSubsample(size=15)},
        {"loop": FreshData(real=5, memory=2), "curators": (Every(nth=3),), "refill": "repeat"},
        {"loop": FixedShare(0.4), "curators": (Every(nth=2),), "refill": "redraw"},
        {"loop": Phases((FullySynthetic(), RealOnly(fresh=7), Everything()), (1, 1))},
    ],
    ids=["augmentation", "subsample", "repeat", "redraw", "phases"],
)
def test_every_training_row_names_its_source_generation_and_row(settings: dict[str, Any]) -> None:
    _check_provenance(go({"a": arm(**settings)}))


def _check_provenance(results: Results) -> None:
    """Assembles every training set again and looks each row up where it says that it was born."""
    births = _births(results.plan, results)
    fits = {fit.generation: fit for fit in Logged.fits}
    for turn in results.plan.turns:
        fit = fits[turn.number]
        train = assemble(turn.mixture, inputs(turn, results.store), turn.seeds.child("assemble"))
        assert train.digest() == fit.train.digest()
        for sample, origin, row in zip(train.samples, train.origin, train.row, strict=True):
            born = train.origins[origin]
            if born.generation == REAL_DATA:
                assert sample[0] == row  # a numbered source
            else:
                assert born.generation < turn.number
                assert np.array_equal(births[born.key][row], sample)


def _births(plan: Plan, results: Results) -> dict[str, dict[int, np.ndarray]]:
    """Every sample that was ever kept, by the key of its draw and its row."""
    births: dict[str, dict[int, np.ndarray]] = {}
    for turn in plan.turns:
        for key in {turn.draw, turn.kept}:
            pool = results.store.pool(key)
            births.setdefault(turn.draw, {}).update(zip(pool.row.tolist(), pool.samples, strict=True))
    return births


# ── starting weights ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "behind"),
    [("scratch", [None] * 5), ("previous", [None, 1, 2, 3, 4]), ("founder", [None, 1, 1, 1, 1])],
)
def test_a_fit_starts_where_the_arm_says(tmp_path: Path, start: str, behind: list[int | None]) -> None:
    go({"a": arm(start=start)}, tmp_path, keep_models="none")
    assert [fit.start for fit in Logged.fits] == behind


def test_a_pretrained_founder_is_not_fitted_and_shared_by_all_seeds() -> None:
    results = go({"a": arm(founder="pretrained", start="previous")}, seeds=(0, 1))
    assert [(f.seed, f.generation, f.start) for f in Logged.fits if f.generation < 2] == [(0, 1, 100), (1, 1, 101 - 1)]
    assert results.plan.distinct_founders == 1
    assert results.records[0].trained_on == {}
    founders = [results.store.pool(results.plan.lineages["a", seed][0].kept) for seed in (0, 1)]
    assert founders[0].digest() != founders[1].digest()
    assert abs(founders[0].samples.mean() + 7) < 2


# ── draws ────────────────────────────────────────────────────────────────────


def test_seeding_begins_generation_zero_from_the_real_rows_and_only_that() -> None:
    results = go({"a": arm(seeding=0.7, samples=25)}, generations=1)
    founder, child = (results.store.pool(turn.kept) for turn in results.plan.turns)
    fixed = reals.load(results.plan.turns[0].keys.fixed)
    assert founder.begun is not None
    assert founder.begun.tolist() == [*fixed.row, *fixed.row, *fixed.row[:5]]
    assert np.abs(founder.samples[:, 0] - founder.begun).max() < 5  # unit noise around the row it began from
    assert child.begun is None


def test_redraws_of_generation_zero_begin_from_the_real_rows_too() -> None:
    results = go({"a": arm(seeding=0.7, curators=(Every(nth=2),), refill="redraw")}, generations=0)
    founder, fixed = results.store.pool(results.plan.turns[0].kept), reals.load(results.plan.turns[0].keys.fixed)
    assert founder.begun is not None
    assert founder.begun.tolist() == [fixed.row[row % 10] for row in founder.row]
    assert founder.row.tolist() == list(range(0, 20, 2))
    assert np.abs(founder.samples[:, 0] - founder.begun).max() < 5


def test_seeding_leaves_the_real_samples_that_the_report_shows_beside_the_first_ones() -> None:
    results = go({"a": arm(seeding=0.7, samples=25, gallery=6)}, generations=1)
    fixed = reals.load(results.plan.turns[0].keys.fixed)
    begun = results.store.pool(results.records[0].pools["probe begun"])
    assert np.array_equal(begun.row, fixed.row[:6])
    assert np.array_equal(begun.samples, fixed.samples[:6])
    assert "probe begun" not in results.records[1].pools
    assert not any("@begun" in score for score in results.records[0].scores)
    assert "probe begun" not in go({"a": arm(gallery=6)}, generations=0).records[0].pools


def test_a_record_names_what_was_drawn_only_where_curators_left_another_pool() -> None:
    results = go({"a": arm(curators=(Every(),)), "b": arm()}, generations=1)
    for turn, record in zip(results.plan.turns, results.records, strict=True):
        assert record.pools.get("drawn") == (turn.draw if turn.arm_name == "a" else None)


def test_seeding_hands_over_its_strength() -> None:
    results = go({"a": arm(seeding=0.001)}, generations=0)
    founder = results.store.pool(results.plan.turns[0].kept)
    gap = np.abs(founder.samples[:, 0] - np.asarray(founder.begun))
    assert 0 < gap.max() < 0.01


def test_draws_follow_the_conditions_of_the_real_set() -> None:
    a = arm(source=Numbered(groups=4), model=LoggedByClass(), per_group=3, real=None, samples=20, gallery=6)
    results = go({"a": a}, generations=1)
    fixed = reals.load(results.plan.turns[0].keys.fixed)
    pool = results.store.pool(results.plan.turns[1].kept)
    assert np.bincount(np.asarray(fixed.condition)).tolist() == [3] * 4
    assert np.array_equal(pool.condition, np.resize(fixed.condition, 20))
    gallery = results.store.pool(dict(results.plan.turns[1].probes)["gallery"])
    assert np.asarray(gallery.condition).tolist() == [0, 1, 2, 3, 0, 1]


def test_draws_may_have_every_condition_of_an_uneven_real_set_as_often() -> None:
    a = arm(source=Numbered(groups=4), model=LoggedByClass(), real=7, samples=10, gallery=6)
    results = go({"uneven": a, "even": replace(a, conditions="even")}, generations=1)
    uneven, even = (results.plan.lineages[name, 0] for name in ("uneven", "even"))
    real = np.asarray(reals.load(even[0].keys.fixed).condition)
    assert sorted(np.bincount(real).tolist()) != [1, 2, 2, 2]
    order = list(dict.fromkeys(real.tolist()))  # not from the least on, which few samples of many kinds would stay with
    assert sorted(order) == [0, 1, 2, 3]
    assert order != sorted(order)
    assert even[0].probes == uneven[0].probes  # which show every kind in any case
    for turn in even:
        assert results.store.pool(turn.kept).condition.tolist() == np.resize(order, 10).tolist()
    again = draw_samples(even[1], results.store.sampler(even[1].fit, a.model), batch=1)
    assert again.condition.tolist() == np.resize(order, 20)[10:].tolist()
    assert even[0].fit == uneven[0].fit
    assert {t.draw for t in even}.isdisjoint(t.draw for t in uneven)


def test_groups_are_taken_from_what_is_drawn_evenly() -> None:
    """Two of every class of ten draws, of which the real set's shares would leave one of some."""
    uneven = arm(source=Numbered(groups=4), model=LoggedByClass(), real=7, samples=8, loop=TwoOfEach())
    with pytest.raises(PlanError, match="draws 2 samples of every group of generation 0, of which one has 1"):
        go({"a": uneven}, generations=1)
    go({"a": replace(uneven, conditions="even")}, generations=1)
    assert np.bincount(np.asarray(trains()[-1].condition)).tolist() == [2] * 4


def test_what_another_arm_drew_evenly_is_counted_so() -> None:
    """One of every class: thirty draws have thirty where they are even, and fewer where they follow an uneven set."""
    maker = arm(source=Numbered(groups=50), model=LoggedByClass(), real=60, samples=30, conditions="even")
    eater = replace(maker, conditions="real", loop=OneOfEach("maker"))
    planned = go({"maker": maker, "eater": eater}, generations=1).plan
    turn = planned.lineages["eater", 0][1]
    (draw,), (eaten,) = turn.mixture.draws, turn.eaten
    assert taken_count(draw, eaten, turn.keys) == len(trains()[-1]) == 30
    assert taken_count(draw, replace(eaten, by=None), turn.keys) < 30


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": Logged()}, "model 'logged' takes no classes or captions to be drawn evenly"),
        ({"source": Numbered()}, "source 'numbered' has no classes or captions to be drawn evenly"),
        ({"seeding": 0.5}, "begins from real images and has their conditions"),
    ],
)
def test_what_has_no_conditions_of_its_own_cannot_be_drawn_evenly(settings: dict[str, Any], said: str) -> None:
    a = arm(**{"source": Numbered(groups=4), "model": LoggedByClass(), "real": 8, "conditions": "even", **settings})
    with pytest.raises(PlanError, match=said):
        go({"a": a}, generations=1)


def test_fewer_samples_than_the_real_set_still_have_every_class() -> None:
    a = arm(source=Numbered(groups=4), model=LoggedByClass(), per_group=5, real=None, samples=8)
    pool = (results := go({"a": a}, generations=1)).store.pool(results.plan.turns[0].kept)
    assert np.bincount(np.asarray(pool.condition)).tolist() == [2] * 4


def test_draws_by_group_take_so_many_of_each() -> None:
    a = arm(source=Numbered(groups=5), model=LoggedByClass(), real=None, per_group=4, loop=PerGroup())
    go({"a": a}, generations=3)
    for train in trains()[1:]:
        real = train.generation == REAL_DATA
        assert np.bincount(np.asarray(train.condition)[real]).tolist() == [2] * 5
        assert np.bincount(np.asarray(train.condition)[~real]).tolist() == [1] * 5


def test_a_stratified_share_keeps_the_proportions_of_groups() -> None:
    a = arm(
        source=Numbered(groups=5), model=LoggedByClass(), real=None, per_group=4, loop=FixedShare(0.25, by_group=True)
    )
    go({"a": a}, generations=2)
    train = trains()[1]
    real = train.generation == REAL_DATA
    assert np.bincount(np.asarray(train.condition)[real]).tolist() == [3] * 5
    assert np.bincount(np.asarray(train.condition)[~real]).tolist() == [1] * 5


def test_probes_are_drawn_from_the_same_noise_in_every_generation_and_measured() -> None:
    probes = {"odd": Probe(conditions=(1, 3), each=4)}
    a = arm(source=Numbered(groups=4), model=LoggedByClass(), probes=probes, metrics=(Mean(),), loop=RealOnly())
    results = go({"a": a}, generations=2)
    pools = [results.store.pool(dict(turn.probes)["odd"]) for turn in results.plan.turns]
    assert np.asarray(pools[0].condition).tolist() == [1] * 4 + [3] * 4
    assert pools[0].digest() == pools[1].digest() == pools[2].digest()  # the same model, refitted on the same data
    assert results.records[1].scores["mean@odd.mean"] == pytest.approx(pools[1].samples.mean())
    assert results.records[1].pools["probe odd"] == dict(results.plan.turns[1].probes)["odd"]


def test_more_than_a_block_is_drawn_without_a_sample_twice() -> None:
    results = go({"a": arm(samples=2500)}, generations=0)
    samples = results.store.pool(results.plan.turns[0].kept).samples
    assert len(np.unique(samples)) == 2500


# ── curation ─────────────────────────────────────────────────────────────────


def test_shrink_leaves_fewer_and_says_so() -> None:
    record = go({"a": arm(curators=(Every(nth=2), Every(nth=3)))}, generations=1).records[1]
    assert (record.drawn, record.kept, record.removed) == (10, 2, {"every": 8})
    assert record.trained_on == {"generation 0": 2}


def test_redraw_goes_on_until_enough_passed() -> None:
    results = go({"a": arm(curators=(Every(nth=3),), refill="redraw")})
    assert [(r.drawn, r.kept, r.removed) for r in results.records] == [(30, 10, {"every": 20})] * 5
    pool = results.store.pool(results.plan.turns[0].kept)
    assert pool.row.tolist() == list(range(0, 30, 3))
    assert len(np.unique(pool.samples)) == 10


def test_a_redraw_that_its_curators_can_never_fill_is_refused_in_the_plan() -> None:
    share = Quality(share=0.05)
    with pytest.raises(PlanError, match=r"of 100 draws \(redraw_limit = 10\) its curators let at most 5 pass, and 10"):
        plan(Experiment({"a": arm(curators=(share,), refill="redraw")}, generations=1))
    assert plan(Experiment({"a": arm(curators=(share,), refill="redraw", redraw_limit=20)}, generations=1))


def test_redraw_gives_up_at_its_limit() -> None:
    a = arm(curators=(Every(nth=1000),), refill="redraw", redraw_limit=4)
    results = run(Experiment({"a": a}, generations=1), on="serial")
    assert "only 1 of the 10 samples wanted passed curation after 40 draws" in results.failures[0].error
    assert results.skipped == 1


def test_repeat_fills_up_with_what_passed() -> None:
    results = go({"a": arm(curators=(Every(nth=4),), refill="repeat")}, generations=1)
    pool = results.store.pool(results.plan.turns[0].kept)
    assert pool.row.tolist() == [0, 4, 8, 0, 4, 8, 0, 4, 8, 0]
    assert (results.records[0].drawn, results.records[0].kept, results.records[0].removed) == (10, 10, {"every": 7})


@pytest.mark.parametrize("refill", ["shrink", "redraw", "repeat"])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("repeats", "returned samples it was not given, or one of them twice"),
        ("invents", "returned samples it was not given"),
        ("renames", "returned samples with another condition than they came with"),
        ("cuts", "was given samples of shape (1,) and type float64, but returned (0,)"),
        ("empties", "passed c"),
    ],
)
def test_a_curator_may_not_invent_repeat_or_leave_nothing(how: Any, words: str, refill: Any) -> None:
    a = arm(source=Numbered(groups=2), model=LoggedByClass(), curators=(Cheats(how),), refill=refill)
    results = run(Experiment({"a": a}, generations=1), on="serial")
    assert words in results.failures[0].error
    assert not results.records


# ── other arms ───────────────────────────────────────────────────────────────


def test_an_arm_may_eat_what_another_made() -> None:
    arms = {"victim": arm(loop=FullySynthetic(arm="maker")), "maker": arm(loop=RealOnly())}
    results = go(arms)
    maker = results.plan.lineages["maker", 0]
    for turn in results.plan.lineages["victim", 0][1:]:
        fit = next(f for f in Logged.fits if f.train.origins[0].key == maker[turn.number - 1].draw)
        assert fit.train.digest() == results.store.pool(maker[turn.number - 1].kept).digest()
    record = next(r for r in results.records if (r.arm, r.generation) == ("victim", 2))
    assert record.trained_on == {f"generation 1 of {maker[1].draw[:8]}": 10}


def test_two_arms_may_eat_each_other() -> None:
    arms = {"a": arm(loop=FullySynthetic(arm="b")), "b": arm(loop=FullySynthetic(arm="a"), model=Logged(tag=1))}
    results = go(arms, seeds=(0, 1))
    assert len(results.records) == 20


# ── real rows do not leak ────────────────────────────────────────────────────


def test_no_generation_trains_on_held_out_rows() -> None:
    results = go({"a": arm(loop=Everything())}, generations=4)
    keys = results.plan.turns[0].keys
    held_out = {*numbers(reals.load(keys.reference)), *numbers(reals.load(keys.control))}
    assert len(held_out) == len(reals.load(keys.reference)) + len(reals.load(keys.control))
    assert min(held_out) >= HELDOUT
    assert not held_out & {n for train in trains() for n in numbers(train)}


@pytest.mark.parametrize("loop", [SyntheticAugmentation(keep="all"), FreshData(real=4), Everything()], ids=str)
def test_large_training_sets_lie_in_files_and_are_the_same(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the memory of a fit does not grow with what it eats."""
    go({"a": arm(loop=loop)})
    in_memory = [fit.train.digest() for fit in Logged.fits]
    Logged.fits.clear()
    reals._loaded.clear()
    monkeypatch.setattr(mapped, "LARGE", 1)
    go({"a": arm(loop=loop)})
    assert [fit.train.digest() for fit in Logged.fits] == in_memory
    assert all(isinstance(fit.train.samples.base, np.memmap) for fit in Logged.fits)
    reals._loaded.clear()


@pytest.mark.parametrize(
    ("what", "said"),
    [(lambda x: x.tolist(), "a list"), (lambda x: x + 0j, "complex128"), (lambda x: x.astype(object), "object")],
)
def test_what_a_sampler_draws_must_be_numbers_or_texts(what: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Chain.sample
    monkeypatch.setattr(Chain, "sample", lambda self, n, **settings: what(drawn(self, n, **settings)))
    results = run(Experiment({"a": arm()}, generations=1), on="serial")
    assert results.failures
    assert said in results.failures[0].error
    assert "it must be a NumPy array of numbers or texts" in results.failures[0].error


@pytest.mark.parametrize("size", [{"real": 6}, {"per_group": 3}])
@pytest.mark.parametrize(("loop", "generations"), [(FreshData(), 12), (AccumulateSubsample(), 6)])
def test_a_loop_that_is_told_no_number_takes_the_real_sets(loop: Loop, generations: int, size: dict[str, int]) -> None:
    arm = Arm(Numbered(40, groups=2), LoggedByClass(), loop, gallery=0, **size)
    results = run(Experiment({"a": arm}, generations=2), on="serial")
    eaten = [sum(record.trained_on.values()) for record in results.records]
    assert eaten == [6, generations, generations]
    assert results.records[1].trained_on["real"] == 6 or isinstance(loop, AccumulateSubsample)
