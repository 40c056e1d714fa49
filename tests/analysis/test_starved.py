"""Which generations cannot come any more because another arm's never came."""

from __future__ import annotations

from autophagy.analysis.starved import starved
from autophagy.archive.run_folder import ArmNotes, Eaten, Forecast


def arm(name: str, *meals: str) -> ArmNotes:
    mixtures = tuple((Eaten("real", 10), Eaten(meal, 10)) for meal in meals)
    return ArmNotes(name, len(meals) - 1, {}, "vectors", 10, 10, mixtures, Forecast())


FIRST = arm("first", "real", "generation 0", "generation 1", "generation 2")
SECOND = arm("second", "real", *(f"generation {g} of arm 'first'" for g in range(3)))
THIRD = arm("third", "real", *(f"generation {g} of arm 'second'" for g in range(3)))


def test_an_arm_stops_where_it_is_to_eat_what_never_came() -> None:
    assert starved([FIRST, SECOND, THIRD], [0, 1], {("first", 1): 1}) == {("second", 1): 2, ("third", 1): 3}


def test_an_arm_whose_food_diverged_at_the_founder_has_its_founder_alone() -> None:
    assert starved([THIRD, SECOND, FIRST], [0], {("first", 0): 0}) == {("second", 0): 1, ("third", 0): 2}


def test_without_a_diverged_lineage_nobody_starves() -> None:
    assert starved([FIRST, SECOND], [0], {}) == {}
    assert starved([FIRST, arm("own", "real", "generation 0")], [0], {("first", 0): 1}) == {}


def test_a_diverged_arm_is_not_starved_too() -> None:
    assert starved([FIRST, SECOND], [0], {("first", 0): 0, ("second", 0): 2}) == {}
