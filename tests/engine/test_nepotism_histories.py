"""The recipes of nepotistic training share their histories: in one store each fit is computed once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from autophagy.core.mixture import assemble
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.experiment import reals
from autophagy.experiment.plan import Plan, plan
from autophagy.experiment.read import read
from autophagy.experiment.turns import Turn

SHARES = {"real": 0, "share-3.3": 1, "share-10": 3, "share-25": 7.5, "share-50": 15, "share-100": 30}


@cache
def planned(recipe: str) -> Plan:
    return plan(read(recipe, changes=["seeds=[0]"]))


def turns(recipe: str, arm: str) -> list[Turn]:
    return planned(recipe).lineages[arm, 0]


def test_a_healed_arm_goes_on_from_the_poisoned_one() -> None:
    poisoned, healed = turns("nepotism", "share-25"), turns("nepotism-healing", "healed")
    assert [t.done for t in healed[:6]] == [t.done for t in poisoned]
    assert not {t.fit for t in healed[6:]} & {t.fit for t in poisoned}
    assert healed[6].start == poisoned[-1].fit
    assert len(healed) == 11


def test_controls_are_held_against_arms_that_are_there_already() -> None:
    for arm in ("real", "share-100"):
        assert [t.done for t in turns("nepotism-controls", arm)] == [t.done for t in turns("nepotism", arm)]
    controlled = turns("nepotism-controls", "colour-matched")
    assert controlled[0].draw == turns("nepotism", "share-100")[0].draw  # the same samples, before they are curated
    assert controlled[0].kept != controlled[0].draw


def test_in_one_store_only_distinct_histories_are_fitted() -> None:
    recipes = ("nepotism", "nepotism-controls", "nepotism-healing")
    fits = {turn.fit for recipe in recipes for turn in planned(recipe).turns}
    # the founder, six arms of five generations, two controls of five, five more generations of healing
    assert len(fits) == 1 + 6 * 5 + 2 * 5 + 5
    assert sum(len(planned(recipe).turns) for recipe in recipes) == 36 + 24 + 23


@pytest.mark.parametrize("arm", SHARES)
def test_of_every_groups_thirty_images_as_many_are_synthetic_as_in_the_paper(arm: str) -> None:
    """Published: 0, 1, 3, 7.5 (7 of one half of the groups, 8 of the other), 15 and 30 of 30."""
    turn = turns("nepotism", arm)[1]
    real = reals.load(turn.keys.fixed)
    drawn = Pool.born(real.samples, Origin(turn.draw, 0), condition=real.condition)
    pools = [real if eaten.rows is not None else drawn for eaten in turn.eaten]
    train = assemble(turn.mixture, pools, Seed(("test",)))
    assert len(train) == 900
    for group in np.unique(real.condition):
        of_group = train.take(train.condition == group)
        assert len(of_group) == 30
        assert abs((of_group.generation == 0).sum() - SHARES[arm]) in (0, 0.5)
    assert (train.generation == 0).sum() == 30 * SHARES[arm]
