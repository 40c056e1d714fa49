"""Mixtures of other people's loops: numbers of numpy's are numbers, and what is no mixture is told at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autophagy.core.errors import ConfigError
from autophagy.core.mixture import FRESH, REAL, Draw, Mixture, apportioned, drawn


def test_numbers_of_numpy_become_plain_ones() -> None:
    draw = drawn(1).some(np.int64(7))
    assert (draw, type(draw.size)) == (drawn(1).some(7), int)
    share = REAL.share(np.float32(0.5))
    assert (share, type(share.share)) == (REAL.share(0.5), float)
    assert type(Mixture((draw,), budget=np.int32(5)).budget) is int
    assert Mixture([draw]).draws == (draw,)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: REAL.some(0.5 * 20), "size of a draw must be a whole number"),
        (lambda: REAL.some(False), "size of a draw must be a whole number"),
        (lambda: REAL.per_group(2.5), "per_group of a draw"),
        (lambda: REAL.share("half"), "share of a draw must be a number"),
        (lambda: Mixture((REAL.whole(),), budget=2.5), "budget of a mixture must be a whole number"),
        (lambda: Mixture(REAL.whole()), "must be a row of draws"),
        (lambda: Mixture((REAL,)), "must be a row of draws"),
        (lambda: Draw("real"), "must be of a pool"),
        (lambda: Draw(REAL, size=5, share=0.5), "a draw of real takes a size, a share or so many per_group"),
        (lambda: Draw(REAL, size=5, per_group=1), "say one of them"),
        (lambda: Draw(REAL, size=5, as_real=True), "say one of them"),
        (lambda: Mixture((REAL.whole(),), budget=5, as_real=True), "say one of them"),
        (lambda: Draw(REAL, is_rest=True), "a draw of real takes the rest of a share; say of which"),
    ],
)
def test_what_is_no_number_of_samples_is_refused(make: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


def test_equal_generations_of_another_kind_are_not_taken_for_one_another() -> None:
    """A loop that divides gets 0.0 and its error; the next one must not get it too."""
    assert type(drawn(0.0).whole().pool.generation) is float  # type: ignore[arg-type]
    assert type(drawn(0).whole().pool.generation) is int
    assert type(drawn(True).whole().pool.generation) is bool


def test_a_budget_is_apportioned_to_the_last_sample() -> None:
    assert apportioned(10, np.full(31, 10)).sum() == 10
    assert apportioned(10, np.array([30, 10])).tolist() == [8, 2]  # 7.5 and 2.5
    assert apportioned(5, np.array([1, 0, 4])).tolist() == [1, 0, 4]


def test_numbers_that_a_plan_puts_in() -> None:
    told = Mixture((FRESH.as_real(), REAL.some(3)), as_real=True)
    assert told.sized(50) == Mixture((FRESH.some(50), REAL.some(3)), budget=50)
    assert told.sized(50, per_group=5) == Mixture((FRESH.per_group(5), REAL.some(3)), budget=50)
    plain = Mixture((REAL.whole(),), budget=7)
    assert plain.sized(50) is plain
