"""The settings that an arm will run with, defaults included: for a plan to print, so that nothing is left to guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from autophagy.core.identity import plain
from autophagy.core.parts import Part
from autophagy.experiment.config import Arm, Experiment

KINDS = ("source", "model")
HOW = ("founder", "start", "seeding", "bias", "refill")  # an arm's own settings that change what a fit or a draw is


def settings(arm: Arm) -> dict[str, Any]:
    """Every field of an arm as plain JSON, parts within parts too."""
    return {field.name: _plain(getattr(arm, field.name)) for field in fields(arm)}


def lines(experiment: Experiment) -> Iterator[str]:
    """A sentence for each different source, model and way to start and draw, with the arms that share it."""
    arms = experiment.arms
    for kind in KINDS:
        yield from _grouped(kind, {name: _told(plain(getattr(arm, kind))) for name, arm in arms.items()})
    yield from _grouped("fits and draws", {name: _how(arm) for name, arm in arms.items()})


def _grouped(what: str, told: Mapping[str, str]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for name, text in told.items():
        names.setdefault(text, []).append(name)
    for text, some in names.items():
        whose = "" if len(some) == len(told) else f" of {', '.join(some)}"
        yield f"{what}{whose}: {text}"


def _how(arm: Arm) -> str:
    return ", ".join(f"{name} = {value}" for name in HOW if (value := getattr(arm, name)) is not None)


def _told(recipe: Mapping[str, Any]) -> str:
    own = {name: value for name, value in recipe.items() if name not in ("use", "version") and value is not None}
    given = ", ".join(f"{name} = {_value(value)}" for name, value in own.items())
    return f"{recipe['use']}{' with ' if given else ''}{given}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "use" in value:
        return f"({_told(value)})"
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Part) or not isinstance(value, tuple):
        return plain(value)
    return [_plain(inner) for inner in value]
