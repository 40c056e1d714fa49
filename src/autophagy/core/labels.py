"""Short names for parts and scores, told apart by the settings that differ from the defaults."""

from __future__ import annotations

import dataclasses
from typing import Any

from autophagy.core.parts import Metric, Part


def metric_label(metric: Metric, probe: str | None = None) -> str:
    """`frechet[lenet]`, `precision-recall[pixels, k=3]`, `pairwise-distance@other` on a probe."""
    settings = ", ".join(_settings(metric))
    return metric.name + (f"[{settings}]" if settings else "") + (f"@{probe}" if probe else "")


def part_label(part: Part) -> str:
    settings = ", ".join(_settings(part))
    return f"{part.name}({settings})" if settings else part.name


def _settings(part: Part) -> list[str]:
    found = []
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Part):  # which encoder it was is always part of a metric's name
            found.append(part_label(value))
        elif value != _default(field):
            found.append(f"{field.name}={_shown(value)}")
    return found


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(v) for v in value) + "]"
    return part_label(value) if isinstance(value, Part) else f"{value:.12g}" if isinstance(value, float) else str(value)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
