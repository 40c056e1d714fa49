"""Fingerprints: the same recipe has the same key on every machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .errors import ConfigError
from .parts import Encoder, Part

KEY_LENGTH = 32  # hex digits: 128 bits
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def plain(value: Any, *, with_content: bool = False) -> Any:
    """Turns a recipe into plain JSON; refuses anything whose identity is unclear.

    With content, encoders also say which weights lie behind their settings.
    """
    if isinstance(value, Part):
        content = value.content() if with_content and isinstance(value, Encoder) else ""
        stamp = {"content": content} if content else {}
        return {"use": value.name, "version": value.version, **stamp, **_fields(value, with_content)}
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


@lru_cache(maxsize=4096)
def part_key(part: Part) -> str:
    """The fingerprint of one part, remembered."""
    return fingerprint(part)


def _fields(value: Any, with_content: bool) -> dict[str, Any]:
    return {f.name: plain(getattr(value, f.name), with_content=with_content) for f in dataclasses.fields(value)}
