"""Run folder → Experiment: the settings that `run.json` holds, made into parts again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

import numpy as np

from autophagy.archive.run_folder import RunNotes
from autophagy.core.errors import AutophagyError, StoreError
from autophagy.core.identity import plain
from autophagy.core.known import Tokenised
from autophagy.core.parts import Source
from autophagy.core.settings import shown

from .config import Arm, Experiment
from .notes import settings
from .read import experiment


def rebuild(notes: RunNotes) -> Experiment:
    """Returns the experiment that was run. Raises StoreError if that cannot be said for sure."""
    built = _experiment(notes)
    difference = _difference(_filled(notes.experiment["arms"]), settings(built)["arms"], "arms")
    if difference:  # the keys would be those of artefacts that do not exist
        raise StoreError(f"run '{notes.name}' was made with other versions of its parts: {difference}.")
    return built


def decoder(notes: RunNotes) -> Callable[[str, np.ndarray], np.ndarray | None]:
    """How rows of tokens `(n, length)` that an arm drew are read: as strings `(n,)`, or None where they are no tokens.

    What it returns raises StoreError or DataError where the arm's texts or tokenizer are not on this machine.
    """

    @cache
    def sources() -> dict[str, Source]:
        return {
            name: arm.source for name, arm in _experiment(notes).arms.items()
        }  # of any version: tokens are the same

    def decode(arm: str, rows: np.ndarray) -> np.ndarray | None:
        source = sources()[arm]
        return source.texts(rows) if isinstance(source, Tokenised) else None

    return decode


def _experiment(notes: RunNotes) -> Experiment:
    if not isinstance(notes.experiment, Mapping):
        raise StoreError(f"the experiment of run '{notes.name}' cannot be rebuilt here: its settings are not a table.")
    try:
        return experiment(_bare(notes.experiment), name=notes.name)
    except AutophagyError as problem:
        raise StoreError(f"the experiment of run '{notes.name}' cannot be rebuilt here: {problem}") from None
    except RecursionError:
        raise StoreError(
            f"the experiment of run '{notes.name}' cannot be rebuilt here: it is nested too deeply."
        ) from None


def _bare(value: Any) -> Any:
    """The settings as a file would say them: a part's version is not one of them."""
    if isinstance(value, Mapping):
        dropped = "version" if _is_part(value) else None
        return {key: _bare(inner) for key, inner in value.items() if key != dropped}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _filled(arms: Any) -> Any:
    """Arms with the settings that have come since they were run, whose defaults mean what was done before."""
    since = {f.name: plain(f.default) for f in fields(Arm) if f.default is not MISSING}
    if not isinstance(arms, Mapping):
        return arms
    return {name: {**since, **arm} if isinstance(arm, Mapping) else arm for name, arm in arms.items()}


def _difference(there: Any, here: Any, where: str) -> str:
    """The path of the first setting in which two experiments differ, with both values; empty if there is none."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        inner = [(f"{where}.{key}", there.get(key), here.get(key)) for key in {**here, **there}]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        inner = [(f"{where}[{i}]", a, b) for i, (a, b) in enumerate(zip(there, here, strict=True))]
    else:
        return "" if there == here else f"{where} is {shown(there)} there and {shown(here)} here"
    return next((found for at, a, b in inner if (found := _difference(a, b, at))), "")


def _is_part(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("use"), str) and "version" in value
