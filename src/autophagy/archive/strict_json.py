"""JSON that every reader accepts: canonical, and with NaN and infinities as texts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def dumps(value: Any) -> str:
    """One line, sorted keys; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def json_fault(value: Any) -> str:
    """Why `dumps` would refuse a value; empty if it would not."""
    try:
        dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        return str(error)
    return ""


def is_scores(value: Any) -> bool:
    """Whether these are numbers as `wrapped` makes them."""
    return isinstance(value, Mapping) and all(
        each in _NUMBERS if isinstance(each, str) else type(each) in (int, float) for each in value.values()
    )


def wrapped(scores: Mapping[str, float]) -> dict[str, float | str]:
    """Numbers as strict JSON can hold them: NaN becomes "NaN"."""
    return {name: _wrap(value) for name, value in scores.items()}


def unwrapped(scores: Mapping[str, float | str]) -> dict[str, float]:
    return {name: _unwrap(value) for name, value in scores.items()}


def shortened(values: Iterable[float]) -> list[float | str]:
    """Many numbers, six digits of each, as strict JSON can hold them."""
    return [_wrap(float(f"{value:.6g}")) for value in values]


def lengthened(values: Iterable[float | str]) -> list[float]:
    return [_unwrap(value) for value in values]


def _wrap(value: float) -> float | str:
    return value if math.isfinite(value) else _name(value)


def _unwrap(value: float | str) -> float:
    return _NUMBERS[value] if isinstance(value, str) else float(value)


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
