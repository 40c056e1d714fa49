"""The settings that arms will run with, defaults included: for a plan to print, so that nothing is left to guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from autophagy.archive.run_folder import ArmNotes

PARTS = ("source", "model", "curators", "metrics")
# what changes a fit or a draw, apart from the parts
HOW = ("founder", "start", "seeding", "conditions", "bias", "refill")


def lines(arms: Sequence[ArmNotes]) -> Iterator[str]:
    """A sentence for each different source, model, … with the names of the arms that share it."""
    for kind in PARTS:
        yield from _grouped(kind, {arm.name: _value(arm.parts[kind]) for arm in arms})
    yield from _grouped("probes", {arm.name: "; ".join(_probes(arm.parts["probes"])) for arm in arms})
    yield from _grouped("fits and draws", {arm.name: _how(arm.parts) for arm in arms})


def _grouped(what: str, told: Mapping[str, str]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for name, text in told.items():
        names.setdefault(text, []).append(name)
    for text, some in names.items():
        whose = "" if len(some) == len(told) else f" of {', '.join(some)}"
        if text:
            yield f"{what}{whose}: {text}"


def _how(parts: Mapping[str, Any]) -> str:
    return _settings(parts, (name for name in HOW if name != "conditions" or parts[name] == "even"))


def _probes(probes: Mapping[str, Any]) -> Iterator[str]:
    for name, probe in probes.items():
        asked = ", ".join(map(str, probe["conditions"])) or "no condition"
        yield f"{name}, {probe['each']} of each ({asked})"


def _value(value: Any) -> str:
    """A part with its settings, a list of parts, or a plain value."""
    if isinstance(value, (list, tuple)):
        return ", ".join(f"[{_value(each)}]" if isinstance(each, (list, tuple)) else _value(each) for each in value)
    if not isinstance(value, Mapping) or "use" not in value:
        return str(value)
    own = _settings(value, (name for name in value if name not in ("use", "version", "content")))
    return f"{value['use']} ({own})" if own else str(value["use"])


def _settings(table: Mapping[str, Any], names: Iterable[str]) -> str:
    return ", ".join(f"{name} = {_value(table[name])}" for name in names if table[name] not in (None, [], ()))
