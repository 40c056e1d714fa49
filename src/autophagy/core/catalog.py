"""Finding parts by name: ours by file name, other people's by entry point or by the file they lie in."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import types
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from .errors import ConfigError, listed, nearest
from .parts import KINDS, Part
from .settings import hints, shown

P = TypeVar("P", bound=Part)
ENTRY_POINTS = "autophagy.parts"
FILES = "AUTOPHAGY_PARTS"  # an environment variable: files with parts, joined as PATH is; workers inherit it
_found: dict[tuple[str, str], type[Part]] = {}
_code: dict[type[Part], str] = {}  # of other people's parts, as it was when they were imported


def register(name: str, *, version: int = 1) -> Callable[[type[P]], type[P]]:
    """Names a part. Its kind is the base class it implements."""

    def mark(cls: type[P]) -> type[P]:
        kind = next((k for k, base in KINDS.items() if issubclass(cls, base)), None)
        if kind is None:
            raise ConfigError(f"{cls.__qualname__} is no part; let it inherit from one of {listed(_bases())}.")
        if not cls.__module__.startswith(f"autophagy.{kind}s."):  # ours may not have been loaded yet
            _import_ours(kind, name)
        taken = _found.get((kind, name))
        if taken is not None and (taken.__module__, taken.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ConfigError(f"{kind} '{name}' is already {taken.__module__}.{taken.__qualname__}; pick another name.")
        said = vars(cls).get("version", version)
        if said != version and taken is not cls:
            raise ConfigError(f"{cls.__qualname__} says version = {said} in its body; say it in register(…).")
        cls.name, cls.version = name, version
        if not cls.__module__.startswith("autophagy."):
            _code[cls] = _digest(cls)
        _found[kind, name] = cls
        return cls

    return mark


def find(kind: str, name: str) -> type[Part]:
    """Returns the class registered under `name`, importing the one file it lives in."""
    _import_files()  # first of all, so that a name which is taken is told
    if (kind, name) not in _found:
        _import_ours(kind, name)
    if (kind, name) not in _found:
        _import_entry_points()
    if (kind, name) in _found:
        return _found[kind, name]
    known = known_names(kind)
    raise ConfigError(f"there is no {kind} named '{name}'.{nearest(name, known)} There are: {listed(known)}.")


def build(kind: str, recipe: object, where: str = "") -> Any:
    """Makes a part from `"name"`, from `{use = "name", field = value}`, or passes one through."""
    where = where or kind
    if isinstance(recipe, KINDS[kind]):
        if not hasattr(recipe, "name"):
            raise ConfigError(f'{where}: {_called(type(recipe))} has no name; put @register("…") above it.')
        return recipe
    if not isinstance(recipe, (str, Mapping)) or (isinstance(recipe, Mapping) and "use" not in recipe):
        hint = f"; say {recipe.__name__}(…)" if isinstance(recipe, type) and issubclass(recipe, KINDS[kind]) else ""
        raise ConfigError(f'{where} must be a name or a table with use = "name", but is {shown(recipe)}{hint}.')
    settings: dict[str, Any] = {"use": recipe} if isinstance(recipe, str) else dict(recipe)
    name = settings.pop("use")
    if not isinstance(name, str):
        raise ConfigError(f"{where}.use must be a text, but is {shown(name)}.")
    try:
        cls = find(kind, name)
    except ConfigError as problem:
        raise ConfigError(f"{where}: {problem}") from None
    _check_whole(cls, where)
    fields = hints(cls)
    for field in settings:
        if field not in fields:
            hint = nearest(field, fields)
            raise ConfigError(f"{where}.{field}: {kind} '{name}' has no such setting.{hint} It has: {listed(fields)}.")
    values = {field: _nested(value, fields[field], f"{where}.{field}") for field, value in settings.items()}
    try:
        return cls(**values)
    except ConfigError as problem:
        raise ConfigError(f"{where}.{problem}") from None
    except TypeError as problem:
        missing = [
            f.name
            for f in dataclasses.fields(cls)
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in values
        ]
        if not missing:  # its own doing
            raise ConfigError(f"{where}: {kind} '{name}' cannot be made: {problem}.") from problem
        raise ConfigError(f"{where}: {kind} '{name}' also needs the settings {listed(missing)}.") from None


def code_of(cls: type[Part]) -> str:
    """A digest of the code of a part of other people; empty for ours, and where Python cannot say (a notebook)."""
    return _code.get(cls, "")


def default(kind: str, name: str) -> Callable[[], Any]:
    """A default for a field that is itself a part: `field(default_factory=default("encoder", "pixels"))`."""
    return lambda: build(kind, name)


def known_names(kind: str) -> list[str]:
    """Every name of a kind: our files, and whatever has been registered or announced by other packages."""
    package = importlib.import_module(f"autophagy.{kind}s")
    ours = [m.name.replace("_", "-") for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")]
    _import_files()
    _import_entry_points()
    for name in ours:
        _import_ours(kind, name)
    return sorted(name for k, name in _found if k == kind)


def _check_whole(cls: type[Part], where: str) -> None:
    """Raises ConfigError for a class that lacks what makes it a part; decorators may stand in either order."""
    called = f"{where}: {_called(cls)}"
    if cls.__abstractmethods__:
        raise ConfigError(
            f"{called} does not define {listed(f'{name}()' for name in sorted(cls.__abstractmethods__))}."
        )
    if "__dataclass_fields__" in vars(cls):
        return
    for name, hint in inspect.get_annotations(cls).items():
        if "ClassVar" not in str(hint):
            raise ConfigError(f"{called} has {name}, which is no setting; put @dataclass(frozen=True) above the class.")


def _called(cls: type[Part]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _bases() -> list[str]:
    return [base.__name__ for base in KINDS.values()]


def _nested(value: Any, hint: Any, where: str) -> Any:
    """Builds the parts inside a setting, wherever its type says that a part belongs there."""
    if get_origin(hint) is Annotated:
        return _nested(value, get_args(hint)[0], where)
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [h for h in get_args(hint) if _kind(h)]
        return _nested(value, kinds[0], where) if kinds and value is not None else value
    if get_origin(hint) is tuple and isinstance(value, (list, tuple)) and _kind(get_args(hint)[0]):
        return tuple(_nested(v, get_args(hint)[0], f"{where}[{i}]") for i, v in enumerate(value))
    kind = _kind(hint)
    return build(kind, value, where) if kind else value


def _kind(hint: Any) -> str | None:
    if not isinstance(hint, type):
        return None
    return next((kind for kind, base in KINDS.items() if issubclass(hint, base)), None)


def _import_ours(kind: str, name: str) -> None:
    module = f"autophagy.{kind}s.{name.replace('-', '_')}"
    if not name.replace("-", "_").isidentifier() or name.startswith("_"):
        return
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:  # our file is there; a package it needs is not
            raise


def _digest(cls: type[Part]) -> str:
    """Of the module a class lies in, comments and docstrings aside; in a script, where much else does, of it alone."""
    try:
        is_script = cls.__module__ == "__main__"
        tree = ast.parse(inspect.getsource(cls if is_script else sys.modules[cls.__module__]))
    except (OSError, TypeError, SyntaxError, KeyError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def _import_files() -> None:
    for file in filter(None, os.environ.get(FILES, "").split(os.pathsep)):
        _import_file(Path(file))


@cache
def _import_entry_points() -> None:
    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except (Exception, SystemExit) as error:  # another package's fault; to be named, and not to hide our parts
            raise ConfigError(
                f"the plugin '{point.name}' ({point.value}) cannot be loaded: {type(error).__name__}: {error}; "
                "mend it or uninstall its package."
            ) from error


@cache
def _import_file(path: Path) -> None:
    """Imports a file as the module of its name, so that worker processes can as well."""
    if path.suffix != ".py" or not path.stem.isidentifier() or not path.is_file():
        raise ConfigError(
            f"{shown(str(path), 200)} is no file of Python with the name of a module, such as my_model.py."
        )
    if (folder := str(path.parent.absolute())) not in sys.path:
        sys.path.append(folder)  # last, so that no module of Python or of a package is hidden
    found = importlib.util.find_spec(path.stem)
    if found is None or not found.has_location or not path.samefile(found.origin or os.devnull):
        raise ConfigError(f"{path} has the name of another module, {path.stem}; give the file another one.")
    try:
        importlib.import_module(path.stem)
    except (Exception, SystemExit) as error:  # somebody else's fault, to be named
        told = str(error).removesuffix(".")
        raise ConfigError(f"{path} cannot be loaded: {type(error).__name__}: {told}.") from error
