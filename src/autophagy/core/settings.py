"""Settings: the fields of a part, checked against their types and ranges when the part is made."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from .errors import ConfigError, listed, nearest


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both included unless `above` excludes the lower one."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False

    def holds(self, value: float) -> bool:
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        low = f"{'above' if self.above else 'at least'} {self.low:g}" if self.low > -math.inf else ""
        high = f"at most {self.high:g}" if self.high < math.inf else ""
        return " and ".join(part for part in (low, high) if part)


Count = Annotated[int, Range(1)]  # how many: 1, 2, …
Whole = Annotated[int, Range(0)]  # how many, none included
Positive = Annotated[float, Range(0, above=True)]
Fraction = Annotated[float, Range(0, 1)]  # a share, both ends allowed
Share = Annotated[float, Range(0, 1, above=True)]  # a share that is not nothing


@lru_cache(maxsize=512)
def hints(cls: type) -> Mapping[str, Any]:
    """The types of a dataclass's fields, ranges included."""
    found = get_type_hints(cls, include_extras=True)
    return {f.name: found[f.name] for f in dataclasses.fields(cls)}


def check(value: Any) -> None:
    """Checks every field of a frozen dataclass, in place: 1 becomes 1.0 and [..] becomes (..) where the type asks."""
    cls: type = type(value)
    for name, hint in hints(cls).items():
        object.__setattr__(value, name, fitted(getattr(value, name), hint, name))


def fitted(value: Any, hint: Any, where: str) -> Any:
    """Returns `value` as the type `hint` wants it, or raises a ConfigError that names `where`.

    Ranges are lists, and numbers of numpy's are numbers: experiments are written in notebooks too.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ranged(fitted(value, arguments[0], where), arguments[1:], where)
    if origin in (Union, types.UnionType):
        return _either(value, arguments, where)
    if origin is Literal:
        return _one_of(value, arguments, where)
    if origin is tuple:
        return _row(value, arguments, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _table(value, arguments, where)
    return _plain(value, origin or hint, where)


def _ranged(value: Any, limits: tuple[Any, ...], where: str) -> Any:
    for limit in limits:
        if isinstance(limit, Range) and not limit.holds(value):
            raise ConfigError(f"{where} must be {limit}, but is {value!r}.")
    return value


def _either(value: Any, hints: tuple[Any, ...], where: str) -> Any:
    is_left_out = value is None or (value is False and bool not in hints)  # TOML has no word for nothing but false
    if is_left_out and type(None) in hints:
        return None
    problems: list[ConfigError] = []
    for hint in (h for h in hints if h is not type(None)):
        try:
            return fitted(value, hint, where)
        except ConfigError as problem:
            problems.append(problem)
    if len(problems) == 1:
        raise problems[0]
    raise ConfigError(f"{where} must be {' or '.join(described(h) for h in hints)}, but is {shown(value)}.")


def _one_of(value: Any, allowed: tuple[Any, ...], where: str) -> Any:
    if isinstance(value, str) and value in allowed:
        return value
    hint = nearest(value, [str(a) for a in allowed]) if isinstance(value, str) else ""
    raise ConfigError(f"{where} must be one of {listed(str(a) for a in allowed)}, but is {shown(value)}.{hint}")


def _row(value: Any, arguments: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple, range)):
        raise ConfigError(f"{where} must be a list, but is {shown(value)}.")
    if arguments[-1] is Ellipsis:
        return tuple(fitted(v, arguments[0], f"{where}[{i}]") for i, v in enumerate(value))
    if len(value) != len(arguments):
        raise ConfigError(f"{where} must have {len(arguments)} entries, but has {len(value)}.")
    return tuple(fitted(v, h, f"{where}[{i}]") for i, (v, h) in enumerate(zip(value, arguments, strict=True)))


def _table(value: Any, arguments: tuple[Any, ...], where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table, but is {shown(value)}.")
    return {str(k): fitted(v, arguments[1], f"{where}.{_named(str(k))}") for k, v in value.items()}


def _named(key: str) -> str:
    """A key as it stands in a message: one that could not be seen is quoted."""
    return key if key and key.isprintable() else shown(key)


def _plain(value: Any, kind: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**63 else math.inf
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where} must be {described(kind)}, but is {shown(value)}.")
    if kind is float and not math.isfinite(value):
        raise ConfigError(f"{where} must be a finite number, but is {value}.")
    if kind is int and abs(value) >= 2**63:
        raise ConfigError(f"{where} must fit in 64 bits, but is {shown(value)}.")
    return value


def described(hint: Any) -> str:
    """A type in a reader's words: "a whole number", "a list"."""
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "absent"}
    if get_origin(hint) is Annotated:
        kind, *limits = get_args(hint)
        return " ".join([described(kind), *(str(limit) for limit in limits)])
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(described(h) for h in get_args(hint))
    if get_origin(hint) is tuple:
        return "a list"
    if isinstance(get_origin(hint), type):
        return "a table"
    return words.get(hint) or f"a {getattr(hint, '__name__', hint)}".lower()


def shown(value: Any, limit: int = 60) -> str:
    """A value as it may be quoted in a message: short, on one line, without control characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
