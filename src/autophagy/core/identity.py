"""Fingerprints: the same recipe has the same key on every machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from .errors import ConfigError
from .parts import Part, Source

KEY_LENGTH = 32  # hex digits: 128 bits
PLACE = "place"  # in a field's metadata: it only says where a part's content lies


def _kept_encoder() -> Callable[[Any], str]:
    """Canonical JSON. `JSONEncoder` makes CPython's own encoder anew for every text, which is half of the time."""
    usual = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)  # None in other Pythons
    if make is None:
        return usual.encode
    pieces = make(None, usual.default, json.encoder.encode_basestring_ascii, None, ":", ",", True, False, True)
    return lambda value: "".join(pieces(value, 0))


_canonical = _kept_encoder()


def plain(value: Any, *, with_content: bool = False) -> Any:
    """Turns a recipe into plain JSON; refuses anything whose identity is unclear.

    With content, parts also say which bytes lie behind their settings, and not where those lie; real data have a key of
    their own for that.
    """
    if isinstance(value, Part):
        content = value.content() if with_content and not isinstance(value, Source) else ""
        stamp = {"content": content} if content else {}
        fields = _fields(value, with_content, with_places=not content)
        return {"use": value.name, "version": value.version, **stamp, **fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value, with_content)
    if isinstance(value, (list, tuple)):
        return [plain(v, with_content=with_content) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain(v, with_content=with_content) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"a recipe cannot hold the number {value}; settings must be finite.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ConfigError(f"a {type(value).__name__} cannot be part of a recipe: use numbers, strings, lists or parts.")


def fingerprint(*recipe: Any) -> str:
    """Returns 32 hex digits that depend on the recipe, and on what lies behind it, and nothing else."""
    return key(plain(recipe, with_content=True))


def key(*plain_recipe: Any) -> str:
    """`fingerprint` for values that are plain JSON already: the plan makes hundreds of thousands of these."""
    return hashlib.sha256(_canonical(plain_recipe).encode()).hexdigest()[:KEY_LENGTH]


def part_key(part: Part) -> str:
    """The fingerprint of one part; remembered, unless it depends on files, which may change."""
    return fingerprint(part) if _has_content(part) else _remembered(part)


_remembered = lru_cache(maxsize=4096)(fingerprint)


@lru_cache(maxsize=4096)
def _has_content(part: Part) -> bool:
    """Whether it is, or holds, a part of a kind that looks at what lies behind its settings."""
    parts = (each for each in parts_within(part) if not isinstance(each, Source))
    return any(type(each).content is not Part.content for each in parts)


def parts_within(part: Part) -> Iterator[Part]:
    """The part itself, and those in its fields, however deep."""
    return (each for each in _within(part) if isinstance(each, Part))


def _within(value: Any) -> Iterator[Any]:
    yield value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _within(getattr(value, field.name))
    elif isinstance(value, (list, tuple, Mapping)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _within(each)


def _fields(value: Any, with_content: bool, *, with_places: bool = True) -> dict[str, Any]:
    return {
        field.name: plain(getattr(value, field.name), with_content=with_content)
        for field in dataclasses.fields(value)
        if with_places or not field.metadata.get(PLACE)
    }
