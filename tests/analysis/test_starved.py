"""Which generations cannot come any more because another arm's never came."""

from __future__ import annotations

from dataclasses import replace

from autophagy.analysis.starved import starved
from autophagy.archive.run_folder import ArmNotes, Eaten, Forecast


def arm(name: str, *meals: str) -> ArmNotes:
    mixtures = tuple((Eaten("real", 10), Eaten(meal, 10)) for meal in meals)
    return ArmNotes(name, len(meals) - 1, {}, "vectors", 10, 10, mixtures, Forecast())


FIRST = arm("first", "real", "generation 0", "generation 1", "generation 2")
SECOND = arm("second", "real", *(f"generation {g} of arm 'first'" for g in range(3)))
THIRD = arm("third", "real", *(f"generation {g} of arm 'second'" for g in range(3)))


def test_an_arm_stops_where_it_is_to_eat_what_never_came() -> None:
    found = starved([FIRST, SECOND, THIRD], [0, 1], {("first", 1): 1})
    assert found == {("second", 1): [2, 3], ("third", 1): [3]}


def test_an_arm_whose_food_diverged_at_the_founder_has_its_founder_alone() -> None:
    found = starved([THIRD, SECOND, FIRST], [0], {("first", 0): 0})
    assert found == {("second", 0): [1, 2, 3], ("third", 0): [2, 3]}


def test_an_arm_that_is_fed_otherwise_goes_on_unless_its_weights_are_gone() -> None:
    healed = arm("healed", "real", "generation 0 of arm 'first'", "generation 1 of arm 'first'", "real", "real")
    assert starved([FIRST, healed], [0], {("first", 0): 1}) == {("healed", 0): [2]}
    kept = replace(healed, parts={"start": "previous"})
    assert starved([FIRST, kept], [0], {("first", 0): 1}) == {("healed", 0): [2, 3, 4]}
    own = arm("own", "real", "generation 0 of arm 'first'", "generation 1", "real", "generation 2")
    assert starved([FIRST, own], [0], {("first", 0): 0}) == {("own", 0): [1, 2, 4]}


def test_without_a_diverged_lineage_nobody_starves() -> None:
    assert starved([FIRST, SECOND], [0], {}) == {}
    assert starved([FIRST, arm("own", "real", "generation 0")], [0], {("first", 0): 1}) == {}


def test_a_diverged_arm_is_not_starved_too() -> None:
    assert starved([FIRST, SECOND], [0], {("first", 0): 0, ("second", 0): 2}) == {}
