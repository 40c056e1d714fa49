"""Pools keep their provenance through everything that may be done to them; mixtures give what they promise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autophagy.core.errors import DataError, PlanError
from autophagy.core.mixture import FRESH, REAL, Draw, Mixture, assemble, drawn
from autophagy.core.pool import REAL_DATA, Origin, Pool, concat
from autophagy.core.seeds import Seed

SEED = Seed(("test",))


def pool(n: int, key: str, generation: int = 0, groups: int = 0) -> Pool:
    """Sample i of pool `key` is the vector (i,) plus a thousand for every letter of the key."""
    samples = np.arange(n, dtype=float)[:, None] + 1000 * ord(key[0])
    return Pool.born(samples, Origin(key, generation), condition=np.arange(n) % groups if groups else None)


def is_traceable(found: Pool) -> bool:
    """Whether every sample still lies beside its name."""
    names = [found.origins[i].key for i in found.origin]
    return all(x[0] == row + 1000 * ord(k[0]) for x, row, k in zip(found.samples, found.row, names, strict=True))


def test_concat_keeps_provenance_and_merges_equal_origins() -> None:
    a, b = pool(3, "a", 1), pool(4, "b", 2)
    found = concat([a, b.take(np.array([3, 1])), a.take(np.array([2]))])
    assert is_traceable(found)
    assert found.origins == (Origin("a", 1), Origin("b", 2))
    assert found.census() == {1: 4, 2: 2}
    assert found.generation.tolist() == [1, 1, 1, 2, 2, 1]
    assert concat([a]) is a


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 5), max_size=4)), min_size=1, max_size=6))
def test_any_taking_and_stacking_is_traceable(moves: list[tuple[str, list[int]]]) -> None:
    parts = [pool(6, k).take(np.array(rows, np.int64)) for k, rows in moves]
    found = concat([concat(parts), parts[0]])
    assert is_traceable(found)
    assert len(found) == sum(len(p) for p in parts) + len(parts[0])


def test_columns_go_together() -> None:
    whole = pool(6, "a", groups=2)
    begun = Pool(whole.samples, whole.origin, whole.row, whole.origins, whole.condition, np.arange(6) * 10)
    for rows in (np.array([5, 0]), np.array([True, False, False, False, False, True])):
        found = begun.take(rows)
        order = [5, 0] if rows.dtype.kind == "i" else [0, 5]
        assert found.row.tolist() == order
        assert np.asarray(found.begun).tolist() == [10 * i for i in order]
        assert np.asarray(found.condition).tolist() == [i % 2 for i in order]
    assert begun.unconditional().condition is None
    assert pool(2, "a").unconditional().condition is None


def test_conditions_survive_only_where_every_pool_has_them() -> None:
    assert concat([pool(2, "a", groups=2), pool(2, "b", groups=2)]).condition is not None
    assert concat([pool(2, "a", groups=2), pool(2, "b")]).condition is None


def test_editing_keeps_names_and_number() -> None:
    found = pool(3, "a").edited(np.zeros((3, 1)))
    assert (found.row.tolist(), found.samples.sum()) == ([0, 1, 2], 0)
    with pytest.raises(ValueError, match=r"edited\(\) got 2 samples for a pool of 3; use take\(\)"):
        pool(3, "a").edited(np.zeros((2, 1)))


def test_a_digest_is_of_content_conditions_type_and_order_and_not_of_provenance() -> None:
    base = pool(4, "a", groups=2)
    assert base.digest() == Pool.born(base.samples, Origin("z", 9), condition=base.condition).digest()
    others = [
        base.unconditional(),
        base.take(np.array([1, 0, 2, 3])),
        base.edited(base.samples.astype(np.float32)),
        base.edited(base.samples[:, None]),
        base.take(np.arange(3)),
        Pool.born(base.samples, Origin("a", 0), condition=np.zeros(4, int)),
    ]
    assert len({p.digest() for p in (base, *others)}) == 7


def test_the_census_names_real_data() -> None:
    found = concat([pool(2, "r", REAL_DATA), pool(3, "a", 4)])
    assert found.census() == {REAL_DATA: 2, 4: 3}
    assert found.take(np.array([0])).census() == {REAL_DATA: 1}


# ── mixtures ─────────────────────────────────────────────────────────────────


def test_a_whole_pool_is_taken_as_it_is() -> None:
    a = pool(5, "a")
    assert assemble(Mixture((REAL.whole(),)), [a], SEED) is a


@given(size=st.integers(0, 20), seed=st.integers(0, 1000))
def test_some_are_different_rows_and_as_many_as_asked(size: int, seed: int) -> None:
    found = assemble(Mixture((REAL.some(size),)), [pool(20, "a")], Seed((seed,)))
    assert len(set(found.row.tolist())) == len(found) == size
    assert is_traceable(found)


def test_draws_are_uniform() -> None:
    counts = Counter(
        row for i in range(2000) for row in assemble(Mixture((REAL.some(3),)), [pool(10, "a")], Seed((i,))).row.tolist()
    )
    z = [(counts[row] - 600) / np.sqrt(2000 * 0.3 * 0.7) for row in range(10)]
    assert max(map(abs, z)) < 4


def test_a_budget_thins_all_draws_alike() -> None:
    pools = [pool(30, "a", REAL_DATA), pool(10, "b", 0)]
    mixture = Mixture((REAL.whole(), drawn(0).whole()), budget=20)
    found = [assemble(mixture, pools, Seed((i,))) for i in range(500)]
    assert {len(p) for p in found} == {20}
    assert all(is_traceable(p) and len(np.unique(p.samples)) == 20 for p in found)
    share = np.array([p.census()[REAL_DATA] for p in found])  # hypergeometric: mean 15, variance 20·¾·¼·20/39
    assert abs(share.mean() - 15) / np.sqrt(20 * 0.75 * 0.25 * 20 / 39 / 500) < 4
    assert len(assemble(Mixture(mixture.draws, budget=99), pools, SEED)) == 40


def test_groups_are_drawn_so_many_of_each() -> None:
    found = assemble(Mixture((REAL.per_group(2),)), [pool(11, "a", groups=3)], SEED)
    assert found.condition is not None
    assert np.bincount(found.condition).tolist() == [2, 2, 2]
    assert len(np.unique(found.samples)) == 6


@given(size=st.integers(0, 23), groups=st.integers(1, 5))
def test_stratified_sizes_are_proportional_and_exact(size: int, groups: int) -> None:
    whole = pool(23, "a", groups=groups)
    found = assemble(Mixture((REAL.some(size, stratified=True),)), [whole], SEED)
    assert len(found) == size
    expected = size * np.bincount(np.asarray(whole.condition), minlength=groups) / 23
    assert np.abs(np.bincount(np.asarray(found.condition), minlength=groups) - expected).max() < 1


def test_captions_are_groups_too() -> None:
    captions = np.array(["cat", "dog", "cat", "dog", "dog"])
    whole = Pool.born(np.zeros((5, 1)), Origin("a", 0), condition=captions)
    found = assemble(Mixture((REAL.per_group(2),)), [whole], SEED)
    assert sorted(np.asarray(found.condition).tolist()) == ["cat", "cat", "dog", "dog"]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (REAL.some(6), "real has 5 samples, but 6 were asked for; ask for fewer or draw more."),
        (drawn(3).some(6), "generation 3 has 5 samples"),
        (drawn(3, "b").some(6), "generation 3 of arm 'b' has 5 samples"),
        (REAL.per_group(1), "real has no classes or captions to draw by group"),
        (FRESH.share(0.5, stratified=True), "fresh has no classes or captions"),
    ],
)
def test_too_much_is_refused_in_words(draw: Draw, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        assemble(Mixture((draw,)), [pool(5, "a")], SEED)
    assert words in str(caught.value)


@given(size=st.integers(1, 60), groups=st.integers(1, 6), share=st.floats(0, 1), stratified=st.booleans())
def test_a_share_and_its_rest_are_the_whole(size: int, groups: int, share: float, stratified: bool) -> None:
    """And in every group, if it is stratified."""
    real, last = pool(size, "a", REAL_DATA, groups=groups), pool(size, "b", 0, groups=groups)
    draws = REAL.rest(share, stratified=stratified), drawn(0).share(share, stratified=stratified)
    found = assemble(Mixture(draws), [real, last], SEED)
    assert len(found) == size
    given = np.bincount(np.asarray(found.condition), minlength=groups)
    if stratified:
        assert given.tolist() == np.bincount(np.asarray(real.condition), minlength=groups).tolist()
    of_each = tuple(np.bincount(np.asarray(real.condition)).tolist())
    assert sum(draw.count(size, of_each) for draw in draws) == size


def test_a_share_by_group_is_of_all_and_even_to_one_sample() -> None:
    last = pool(360, "b", 0, groups=12)
    found = assemble(Mixture((drawn(0).share(0.25, stratified=True),)), [last], SEED)
    assert len(found) == 90
    assert sorted(np.bincount(np.asarray(found.condition)).tolist()) == [7] * 6 + [8] * 6


def test_too_much_of_a_group_is_refused_by_its_name() -> None:
    with pytest.raises(PlanError, match="group '2' of real has 3 samples, but 4 were asked for"):
        assemble(Mixture((REAL.per_group(4),)), [pool(11, "a", groups=3)], SEED)


@pytest.mark.parametrize(
    ("draw", "count"),
    [
        (REAL.whole(), 10),
        (REAL.some(4), 4),
        (REAL.share(0.25), 2),
        (REAL.share(1.0), 10),
        (REAL.per_group(3), 6),
        (REAL.share(0.3, stratified=True), 3),  # 1.5 of each group of five: two of one, one of the other
        (REAL.some(3, stratified=True), 3),
    ],
)
def test_a_draw_says_how_many_it_gives(draw: Draw, count: int) -> None:
    assert draw.count(10, (5, 5)) == count
    assert len(assemble(Mixture((draw,)), [pool(10, "a", groups=2)], SEED)) == count


def test_samples_of_another_shape_or_kind_are_refused() -> None:
    flat, square = Pool.born(np.zeros((2, 4)), Origin("a", 0)), Pool.born(np.zeros((2, 2, 2)), Origin("b", 0))
    with pytest.raises(DataError, match=r"samples of shapes \(4,\) and \(2, 2\)"):
        concat([flat, square])
    named = replace(flat, condition=np.array(["one", "two"]))
    with pytest.raises(DataError, match="classes and samples with captions"):
        concat([replace(flat, condition=np.array([1, 2])), named])
