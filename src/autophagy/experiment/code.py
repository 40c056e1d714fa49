"""The code of parts that other people wrote: keys hold its version, so a change without a new version is told."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from autophagy.archive.run_folder import RunFolder, runs
from autophagy.core.errors import StoreError
from autophagy.core.parts import KINDS, Part

from .config import Experiment

Codes = Mapping[str, tuple[str, ...]]


def codes(experiment: Experiment, root: Path) -> Codes:
    """Part → digests of the code that it has had in runs of this store, and of its present code."""
    own = {_told(part): _digest(type(part)) for arm in experiment.arms.values() for part in _parts(arm)}
    own = {told: digest for told, digest in own.items() if digest}
    found = {told: list[str]() for told in own}
    for name in runs(root) if own else ():
        with suppress(StoreError, TypeError, AttributeError):  # a run that cannot be read says nothing of code
            for told, digests in RunFolder(root, name).notes().code.items():
                found.get(told, []).extend(digests)
    return {told: tuple(dict.fromkeys([*seen, own[told]])) for told, seen in found.items()}


def changed(experiment: Experiment, root: Path) -> list[str]:
    """A sentence for each part of whose earlier code there are results in this store."""
    return [
        f"the code of {told}, has changed since results of it came into this store, and those are not computed again: "
        "raise the version that it is registered with, or use another store."
        for told, digests in codes(experiment, root).items()
        if len(digests) > 1
    ]


def _parts(value: Any) -> Iterator[Part]:
    """Other people's parts in an arm, or anywhere within its parts."""
    if isinstance(value, Part) and not type(value).__module__.startswith("autophagy."):
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


def _digest(cls: type[Part]) -> str:
    """Of the file that a class lies in; in a script or a notebook, where much else does, of the class alone."""
    try:
        if cls.__module__ == "__main__":
            text = inspect.getsource(cls)
        else:
            text = Path(inspect.getfile(cls)).read_text(encoding="utf-8")
    except (OSError, TypeError, ValueError):  # a class that was made, not written
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
