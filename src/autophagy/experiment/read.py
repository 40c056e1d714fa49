"""TOML → Experiment: `[base]` is shared, `[arms.NAME]` says only what differs, a profile overrides for its scale."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, listed, nearest
from autophagy.core.parts import Loop
from autophagy.core.settings import Count, fitted, hints, shown

from .config import Arm, Experiment, Probe, check_name
from .founders import with_founders
from .overlay import Raw, copied, extended, overlay

_TOP = ("seeds", "generations", "keep_models", "keep_samples")
_PARTS = {"source": "source", "model": "model"}
_ROWS = {"curators": "curator", "metrics": "metric"}
_CURVE = "learning_curve"  # makes further arms, and is no setting of its own arm


def recipes() -> list[str]:
    """Names of the recipes that ship with the package."""
    return _shipped(".")


def sweeps() -> list[str]:
    """Names of the sweeps that ship with the package; they are read by autophagy.simulate."""
    return _shipped("sweeps")


def _shipped(folder: str) -> list[str]:
    files = (resources.files("autophagy.recipes") / folder).iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def read(
    file: str | Path, *, profile: str | None = None, changes: Sequence[str] = (), name: str | None = None
) -> Experiment:
    """Reads a TOML file, or the shipped recipe of that name.

    `changes` are `"a.b=c"` texts: a key path and a TOML value (a bare word is a text). The experiment is named
    after the file, or `name`. Raises ConfigError, in one sentence that names the key.
    """
    stem, raw = _parsed(str(file))
    if name is None:
        _check_stem(stem)
    found = experiment(raw, name=stem if name is None else name, profile=profile, changes=changes)
    return replace(found, recipe=_digest(raw))


def digest(file: str | Path) -> str:
    """Of what a file or shipped recipe says, comments aside, as `Experiment.recipe` has it. Raises ConfigError."""
    return _digest(_parsed(str(file))[1])


def _digest(raw: Raw) -> str:
    return hashlib.sha256(json.dumps(raw, sort_keys=True, default=str).encode()).hexdigest()[:16]


def experiment(
    raw: Mapping[str, Any], *, name: str = "experiment", profile: str | None = None, changes: Sequence[str] = ()
) -> Experiment:
    """Builds an experiment from what a TOML file holds."""
    raw = _table(raw, "an experiment")
    merged = _with_profile(extended(raw, _shipped_recipe), profile)
    if isinstance(changes, str):
        raise ConfigError(f"changes must be a list of texts such as [{shown(changes)}], but is one text.")
    for change in changes:
        _set(merged, change)
    _known(merged, (*_TOP, "base", "arms"), "")
    base, arms = _table(merged.get("base", {}), "base"), _table(merged.get("arms", {}), "arms")
    tables = {arm: _table(own, f"arms.{arm}") for arm, own in arms.items()}
    _check_unused(base, tables)
    built = {arm: _arm(base, own, arm) for arm, own in tables.items()}
    curves = {arm: _curve(base, own, arm) for arm, own in tables.items()}
    found = Experiment(with_founders(built, curves), name=name, **{key: merged[key] for key in _TOP if key in merged})
    for arm, own in tables.items():
        _check_end({**base, **own}.get("loop"), found.last_generation(arm), f"arms.{arm}.loop")
    return found


def profiles(file: str | Path) -> list[str]:
    """Names of the profiles that a file or recipe has."""
    raw = extended(_parsed(str(file))[1], _shipped_recipe)
    return sorted(_table(raw.get("profiles", {}), "profiles"))


def _shipped_recipe(name: str) -> Raw:
    if name not in recipes():
        raise ConfigError(f"extends: there is no shipped recipe '{name}'.{nearest(name, recipes())}")
    return tomllib.loads((resources.files("autophagy.recipes") / f"{name}.toml").read_text(encoding="utf-8"))


def _check_stem(stem: str) -> None:
    try:
        check_name("experiment", stem)
    except ConfigError as problem:
        raise ConfigError(
            f"{str(problem).removesuffix('.')}; it is the file's, so rename the file, or run it under another name: "
            "autophagy run FILE --name NAME"
        ) from None


def _parsed(file: str) -> tuple[str, Raw]:
    name, text = _text(file)
    try:
        raw = _toml(text, file)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from None
    if "sweep" in raw:
        raise _is_sweep(file)
    return name, raw


def _toml(text: str, whose: str) -> Raw:
    """Raises TOMLDecodeError or RecursionError for no TOML, ConfigError for a number that Python will not read."""
    try:
        raw = tomllib.loads(text)
        repr(raw)  # hexadecimal numbers of any length are read, but are in no message's power to show
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        digits = sys.get_int_max_str_digits()
        raise ConfigError(
            f"{whose} has a number of more than {digits:,} digits; a whole number must fit in 64 bits."
        ) from None
    return raw


def _is_sweep(file: str) -> ConfigError:
    return ConfigError(f"{file} is a sweep, not one experiment; run: autophagy simulate {shlex.quote(file)}")


def _text(file: str) -> tuple[str, str]:
    path = Path(file)
    if file in recipes() and not path.is_file():
        return file, (resources.files("autophagy.recipes") / f"{file}.toml").read_text(encoding="utf-8")
    try:
        return path.stem, path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not a text file in UTF-8.") from None
    except (OSError, ValueError):
        if file in sweeps():
            raise _is_sweep(file) from None
        hint = nearest(file, [*recipes(), *sweeps()])
        raise ConfigError(
            f"{file} is no file that can be read and no recipe.{hint} Recipes: {listed(recipes())}. "
            f"Sweeps, for autophagy simulate: {listed(sweeps())}."
        ) from None


def _with_profile(raw: Mapping[str, Any], profile: str | None) -> Raw:
    merged = {key: copied(value) for key, value in raw.items() if key != "profiles"}
    known = _table(raw.get("profiles", {}), "profiles")
    for name, own in known.items():  # of all of them: a slip in one should not wait until it is asked for
        _known(_table(own, f"profiles.{name}"), (*_TOP, "base", "arms"), f"profiles.{name}.")
    if profile is None:
        return merged
    if profile not in known:
        raise ConfigError(f"there is no profile '{profile}'.{nearest(profile, known)} There are: {listed(known)}.")
    for key, value in known[profile].items():
        merged[key] = (
            overlay(merged.get(key), value, depth=2 if key == "arms" else 1) if key in ("base", "arms") else value
        )
    return merged


def _set(raw: Raw, change: str) -> None:
    path, text = _split(change)
    *way, last = path
    table: Any = raw
    for step in way:
        inner = table.setdefault(step, {})
        if isinstance(inner, str):  # model = "gaussian" is short for a table
            inner = table[step] = {"use": inner}
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {'.'.join(path)}: {step} is not a table but {shown(inner)}.")
        table = inner
    table[last] = value_of(text.strip(), f"--set {'.'.join(path)}")


def _split(change: str) -> tuple[list[str], str]:
    """The key path, as TOML reads it (so `arms."λ=0.8".bias` works), and the text of the value."""
    for at in (i for i, letter in enumerate(change) if letter == "="):
        with suppress(ValueError, RecursionError):
            table: Any = tomllib.loads(f"{change[:at]} = 0")
            found: list[str] = []
            while isinstance(table, dict) and len(table) == 1:
                ((key, table),) = table.items()
                found.append(key)
            if found and table == 0:
                return found, change[at + 1 :]
    left, equals, text = change.partition("=")
    path = [step.strip() for step in left.split(".")]
    if not equals or not all(path):
        raise ConfigError(f"--set takes key.path=value, e.g. base.samples=500, but got {shown(change)}.")
    return path, text


def value_of(text: str, whose: str) -> Any:
    """The value of `--set`: TOML, or a text as it is. ConfigError if it has a number of thousands of digits."""
    try:
        return _toml(f"value = {text}", whose)["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _arm(base: Raw, own: Raw, name: str) -> Arm:
    raw = {key: value for key, value in {**base, **own}.items() if key != _CURVE}
    fields = hints(Arm)

    def where(key: str) -> str:
        return f"arms.{name}.{key}" if key in own else f"base.{key}"

    known = (*fields, _CURVE)
    for key in raw:
        if key not in fields:
            raise ConfigError(
                f"{where(key)}: there is no such setting.{nearest(key, known)} There are: {listed(known)}."
            )
    for key in ("source", "model", "loop"):
        if key not in raw:
            raise ConfigError(f"arms.{name}.{key} is missing; say it here or in [base].")
    values = {key: _setting(key, value, where(key)) for key, value in raw.items()}
    values = {key: fitted(value, fields[key], where(key)) for key, value in values.items()}
    try:
        return Arm(**values)
    except ConfigError as problem:
        raise ConfigError(f"arms.{name}: {problem}") from None


def _check_unused(base: Raw, arms: Mapping[str, Raw]) -> None:
    """Raises ConfigError for a wrong value that every arm overrides, too."""
    fields = hints(Arm)
    for key, value in base.items():
        if key in fields and all(key in own for own in arms.values()):
            fitted(_setting(key, value, f"base.{key}"), fields[key], f"base.{key}")


def _check_end(loop: Any, last: int, where: str) -> None:
    """The last phase lasts to the end; where it says for how long, that must be so."""
    if not isinstance(loop, list) or not isinstance(loop[-1], Mapping) or "generations" not in loop[-1]:
        return
    lengths = [fitted(phase["generations"], Count, f"{where}[{i}].generations") for i, phase in enumerate(loop)]
    if sum(lengths) != last:
        raise ConfigError(
            f"{where}: its phases end with generation {sum(lengths)}, but the arm with generation {last}; make them "
            "one, or leave out how long the last phase lasts."
        )


def _curve(base: Raw, own: Raw, name: str) -> tuple[int, ...]:
    """Sizes of the real-only founders that an arm asks for."""
    where = f"arms.{name}.{_CURVE}" if _CURVE in own else f"base.{_CURVE}"
    sizes: tuple[int, ...] = fitted({**base, **own}.get(_CURVE, ()), tuple[Count, ...], where)
    return tuple(sorted(set(sizes)))


def _setting(key: str, value: Any, where: str) -> Any:
    if key in _PARTS:
        return build(_PARTS[key], value, where)
    if key == "loop":
        return build("loop", _phases(value, where) if isinstance(value, list) else value, where)
    if key in _ROWS:
        rows = value if isinstance(value, list) else [value]
        return tuple(build(_ROWS[key], row, f"{where}[{i}]") for i, row in enumerate(rows))
    if key == "probes":
        return {name: _probe(raw, f"{where}.{name}") for name, raw in _table(value, where).items()}
    return value


def _phases(rows: list[Any], where: str) -> Raw:
    """`[{use = …, generations = 5}, {use = …}]` → the settings of the loop `phases`."""
    tables = [
        {"use": row} if isinstance(row, (str, Loop)) else _table(row, f"{where}[{i}]") for i, row in enumerate(rows)
    ]
    if not tables:
        raise ConfigError(f"{where} is an empty list; name a loop, or several that follow one another.")
    lengths = [table.pop("generations", None) for table in tables]
    for i, length in enumerate(lengths[:-1]):
        if length is None:
            raise ConfigError(f"{where}[{i}].generations is missing: say how long this phase lasts.")
    loops = [_loop(table, f"{where}[{i}]") for i, table in enumerate(tables)]
    return {"use": "phases", "loops": loops, "generations": lengths[:-1]}


def _loop(table: Raw, where: str) -> Raw | Loop:
    """One phase without its length: a table, or the loop itself where one stands in it."""
    loop = table.get("use")
    if not isinstance(loop, Loop):
        return table
    _known(table, ("use",), f"{where}.")
    return loop


def _probe(raw: Any, where: str) -> Probe:
    table = _table(raw, where)
    _known(table, tuple(hints(Probe)), f"{where}.")
    try:
        return Probe(**table)
    except ConfigError as problem:
        raise ConfigError(f"{where}.{problem}") from None


def _table(value: Any, where: str) -> Raw:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table, but is {shown(value)}.")
    return dict(value)


def _known(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(
                f"{where}{key}: there is no such setting.{nearest(key, known)} There are: {listed(known)}."
            )
