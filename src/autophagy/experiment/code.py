"""The code of parts that other people wrote: keys hold its version, so a change without a new version is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from autophagy.archive import codes
from autophagy.core.catalog import code_of
from autophagy.core.parts import KINDS, Part

from .config import Experiment


def remember(experiment: Experiment, root: Path) -> None:
    """Notes in a store which code its results are of, if there is other people's among an experiment's parts."""
    if found := _codes(experiment):
        codes.add(root, found)


def changed(experiment: Experiment, root: Path) -> list[str]:
    """A sentence for each part of whose earlier code there are results in this store."""
    found = _codes(experiment)
    seen = codes.read(root) if found else {}
    return [
        f"the code of {told}, has changed since results of it came into this store, and those are not computed again: "
        "raise the version that it is registered with, or use another store."
        for told, digest in found.items()
        if set(seen.get(told, ())) - {digest}
    ]


def _codes(experiment: Experiment) -> dict[str, str]:
    own = {_told(part): code_of(type(part)) for arm in experiment.arms.values() for part in _parts(arm)}
    return {told: digest for told, digest in own.items() if digest}


def _parts(value: Any) -> Iterator[Part]:
    """The parts in an arm, and within its parts."""
    if isinstance(value, Part):
        yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for each in value:
            yield from _parts(each)


def _told(part: Part) -> str:
    kind = next(kind for kind, base in KINDS.items() if isinstance(part, base))
    return f"{kind} '{part.name}', version {part.version}"
