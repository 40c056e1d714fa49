"""Sweeps in TOML: a table [sweep] beside the [base] of an experiment; profiles override both."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from autophagy.core.errors import ConfigError, listed, nearest
from autophagy.core.settings import hints, shown
from autophagy.experiment.read import sweeps

from .sweep import Axis, Sweep

Raw = dict[str, Any]
AXES = ("panels", "across", "up")
SETTINGS = (*AXES, "replicates", "seed")


def sweep_text(name: str) -> str:
    """The TOML of a sweep that ships with the package."""
    return (resources.files("autophagy.recipes") / "sweeps" / f"{name}.toml").read_text(encoding="utf-8")


def is_sweep(file: str) -> bool:
    """Whether this is a shipped sweep, or a file with a table [sweep]. A file that cannot be read is none."""
    return (file in sweeps() and not Path(file).is_file()) or "sweep" in (_parsed(file) or {})


def read_sweep(file: str, *, profile: str | None = None, changes: Sequence[str] = ()) -> Sweep:
    """Reads a shipped sweep or a file. `changes` are of the experiment: `"base.model.unbiased=false"`.

    Raises ConfigError, in one sentence that names the key.
    """
    raw = tomllib.loads(sweep_text(file)) if file in sweeps() and not Path(file).is_file() else _parsed(file)
    if raw is None or "sweep" not in raw:
        raise ConfigError(f"{file} is no sweep.{nearest(file, sweeps())} There are: {listed(sweeps())}.")
    return sweep(raw, name=Path(file).stem, profile=profile, changes=changes)


def sweep(
    raw: Mapping[str, Any], *, name: str = "sweep", profile: str | None = None, changes: Sequence[str] = ()
) -> Sweep:
    """Builds a sweep from what a TOML file holds."""
    own, profiles = _table(raw.get("sweep"), "sweep"), _table(raw.get("profiles", {}), "profiles")
    scales = {key: _table(table, f"profiles.{key}") for key, table in profiles.items()}
    for key, table in scales.items():
        override = _table(table.pop("sweep", {}), f"profiles.{key}.sweep")
        own |= override if key == profile else {}
    for key in own:
        if key not in SETTINGS:
            hint = nearest(key, SETTINGS)
            raise ConfigError(f"sweep.{key}: there is no such setting.{hint} There are: {listed(SETTINGS)}.")
    if "arms" in raw:
        raise ConfigError("a sweep has one arm, its cell; put what arms.… says into [base], and leave [arms] out.")
    rest = {key: value for key, value in raw.items() if key not in ("sweep", "profiles")}
    experiment = {**rest, "arms": {"cell": {}}, "profiles": scales}
    panels, across, up = (_axis(own.pop(key, None), f"sweep.{key}") for key in AXES)
    return Sweep(experiment, panels, across, up, profile=profile, changes=tuple(changes), name=name, **own)


def _axis(raw: Any, where: str) -> Axis:
    table = _table(raw, where)
    if set(table) != set(hints(Axis)):
        raise ConfigError(f'{where} must be a table like {{ key = "bias", values = [1.0, 0.9] }}, but is {shown(raw)}.')
    try:
        return Axis(**table)
    except ConfigError as problem:
        raise ConfigError(f"{where}.{problem}") from None


def _parsed(file: str) -> Raw | None:
    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):  # no such file, no text, no TOML
        return None


def _table(value: Any, where: str) -> Raw:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table, but is {shown(value)}.")
    return dict(value)
