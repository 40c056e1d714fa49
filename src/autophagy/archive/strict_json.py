"""JSON that every reader accepts: canonical, and with NaN and infinities as texts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def dumps(value: Any) -> str:
    """One line, sorted keys; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def wrapped(scores: Mapping[str, float]) -> dict[str, float | str]:
    """Numbers as strict JSON can hold them: NaN becomes "NaN"."""
    return {name: value if math.isfinite(value) else _name(value) for name, value in scores.items()}


def unwrapped(scores: Mapping[str, float | str]) -> dict[str, float]:
    return {name: _NUMBERS[value] if isinstance(value, str) else float(value) for name, value in scores.items()}


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
