"""A recipe can stand on a shipped one: it says only what differs, and has arms of its own."""

from __future__ import annotations

import pytest

from autophagy.core.errors import ConfigError
from autophagy.experiment.overlay import extended
from autophagy.experiment.read import experiment, profiles, read, recipes

OWN = {"extends": "demo", "seeds": [7], "base": {"real": 500}, "arms": {"alone": {"loop": "fully-synthetic"}}}


def test_own_settings_stand_over_the_recipes_and_arms_are_its_own() -> None:
    found, demo = experiment(OWN), read("demo")
    assert list(found.arms) == ["alone"]
    assert found.seeds == (7,)
    assert found.generations == demo.generations
    assert found.arms["alone"].real == 500
    assert found.arms["alone"].metrics == demo.arms["real-only"].metrics


def test_profiles_come_along_without_their_arms() -> None:
    parent = {
        "base": {"real": 5, "bias": 0.5},
        "arms": {"a": {}},
        "profiles": {"cpu": {"seeds": [1], "base": {"real": 7}, "arms": {"a": {"bias": 1.0}}}},
    }
    own = {"extends": "x", "profiles": {"cpu": {"base": {"bias": 0.25}}}}
    found = extended(own, {"x": parent}.__getitem__)
    assert found == {
        "base": {"real": 5, "bias": 0.5},
        "profiles": {"cpu": {"seeds": [1], "base": {"real": 7, "bias": 0.25}}},
    }


def test_what_is_extended_may_extend() -> None:
    table = {"x": {"generations": 3, "seeds": [1]}, "y": {"extends": "x", "seeds": [2]}}
    assert extended({"extends": "y"}, table.__getitem__) == {"generations": 3, "seeds": [2], "profiles": {}}


def test_only_shipped_recipes_can_be_extended() -> None:
    with pytest.raises(ConfigError, match=r"no shipped recipe 'demoo'\. Did you mean 'demo'"):
        experiment({**OWN, "extends": "demoo"})
    with pytest.raises(ConfigError, match="extends must be the name of a shipped recipe, but is 3"):
        experiment({**OWN, "extends": 3})
    with pytest.raises(ConfigError, match="no shipped recipe '/etc/passwd'"):
        experiment({**OWN, "extends": "/etc/passwd"})


def test_false_takes_away_what_base_says() -> None:
    arms = {"plain": {"loop": "fully-synthetic", "real": False}}
    assert experiment({**OWN, "arms": arms}).arms["plain"].real is None


def test_healing_shares_every_profile_of_nepotism() -> None:
    assert {"nepotism", "nepotism-healing", "nepotism-controls", "cross-engine"} <= set(recipes())
    assert profiles("nepotism-healing") == profiles("nepotism")
