"""Run folder → Experiment: the settings that `run.json` holds, made into parts again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autophagy.archive.run_folder import RunNotes
from autophagy.core.catalog import find
from autophagy.core.errors import AutophagyError, StoreError
from autophagy.core.parts import KINDS

from .config import Experiment
from .read import experiment

LARGEST = 1_000_000  # turns; a foreign run.json may ask for any number of them


def rebuild(notes: RunNotes) -> Experiment:
    """Returns the experiment that was run. Raises StoreError if that cannot be said for sure."""
    try:
        built = experiment(_bare(notes.experiment), name=notes.name)
    except AutophagyError as problem:
        raise StoreError(f"the experiment of run '{notes.name}' cannot be rebuilt here: {problem}") from None
    except RecursionError:
        raise StoreError(
            f"the experiment of run '{notes.name}' cannot be rebuilt here: it is nested too deeply."
        ) from None
    _check_versions(notes.name, notes.experiment)
    turns = sum(built.last_generation(arm) + 1 for arm in built.arms) * len(built.seeds)
    if turns > LARGEST:
        raise StoreError(f"run '{notes.name}' says that it has {turns} turns; more than {LARGEST} are not traced.")
    return built


def _bare(value: Any) -> Any:
    """The settings as a TOML file would say them: a part's version is not a setting, and what is absent is left out."""
    if isinstance(value, Mapping):
        dropped = "version" if _is_part(value) else None
        return {key: _bare(inner) for key, inner in value.items() if key != dropped and inner is not None}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _check_versions(run: str, value: Any) -> None:
    """Another version of a part has other keys, so the answer would be about artefacts that do not exist."""
    if isinstance(value, Mapping):
        if _is_part(value) and value["version"] not in (found := _versions(value["use"])):
            raise StoreError(
                f"run '{run}' was made with version {value['version']} of '{value['use']}', but here is "
                f"{' and '.join(map(str, found)) or 'none'}; install the autophagy or plugin it was made with."
            )
        for inner in value.values():
            _check_versions(run, inner)
    elif isinstance(value, list):
        for inner in value:
            _check_versions(run, inner)


def _versions(name: str) -> list[int]:
    found = []
    for kind in KINDS:
        try:
            found.append(find(kind, name).version)
        except AutophagyError:
            continue
    return found


def _is_part(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("use"), str) and "version" in value
