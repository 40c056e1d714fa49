"""Tables laid over tables: profiles over a recipe, and a recipe over the one that it extends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autophagy.core.errors import ConfigError
from autophagy.core.settings import shown

Raw = dict[str, Any]


def overlay(old: Any, new: Any, *, depth: int) -> Any:
    """Tables are merged to a depth; below it the new value replaces the old one whole."""
    if depth == 0 or not (isinstance(old, dict) and isinstance(new, dict)):
        return copied(new)
    return {**old, **{key: overlay(old.get(key), value, depth=depth - 1) for key, value in new.items()}}


def extended(raw: Mapping[str, Any], recipe: Callable[[str], Raw]) -> Raw:
    """What a recipe is with `extends = "other"`: the other's base, profiles and settings under its own; its own arms.

    `recipe` reads a shipped one by name; nothing else can be extended, so that a file never reads another file.
    """
    own = {key: copied(value) for key, value in raw.items() if key != "extends"}
    if "extends" not in raw:
        return own
    name = raw["extends"]
    if not isinstance(name, str):
        raise ConfigError(f"extends must be the name of a shipped recipe, but is {shown(name)}.")
    parent = extended(recipe(name), recipe)
    profiles = {
        title: {key: value for key, value in profile.items() if key != "arms"} if isinstance(profile, dict) else profile
        for title, profile in (parent.pop("profiles", None) or {}).items()
    }
    parent.pop("arms", None)
    found: Raw = overlay({**parent, "profiles": profiles}, own, depth=1)
    for key, depth in (("base", 1), ("profiles", 3)):
        if key in own:
            under = profiles if key == "profiles" else parent.get(key, {})
            found[key] = overlay(under, own[key], depth=depth)
    return found


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value
