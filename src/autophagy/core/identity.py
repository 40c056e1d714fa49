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
from .parts import Part

KEY_LENGTH = 32  # hex digits: 128 bits
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def plain(value: Any) -> Any:
    """Turns a recipe into plain JSON; refuses anything whose identity is unclear."""
    if isinstance(value, Part):
        return {"use": value.name, "version": value.version, **_fields(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"a recipe cannot hold the number {value}; settings must be finite.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ConfigError(f"a {type(value).__name__} cannot be part of a recipe: use numbers, strings, lists or parts.")


def fingerprint(*recipe: Any) -> str:
    """Returns 32 hex digits that depend on the recipe and nothing else."""
    return key(plain(recipe))


def key(*plain_recipe: Any) -> str:
    """`fingerprint` for values that are plain JSON already: the plan makes hundreds of thousands of these."""
    return hashlib.sha256(_canonical(plain_recipe).encode()).hexdigest()[:KEY_LENGTH]


@lru_cache(maxsize=4096)
def part_key(part: Part) -> str:
    """The fingerprint of one part, remembered."""
    return fingerprint(part)


def _fields(value: Any) -> dict[str, Any]:
    return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
