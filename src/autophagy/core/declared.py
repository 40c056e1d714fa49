"""What a metric declares of itself, checked when it is made: a misspelt direction would turn verdicts round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from .errors import ConfigError, listed
from .settings import shown

Axis = Literal["quality", "diversity", "distance", "task"]
Direction = Literal["higher", "lower"]
Read = Literal["sampler", "previous", "founder", "founder_samples", "first"]  # fields of `Generation`


def check(*, axis: str, axes: Mapping[str, str], better: Mapping[str, str], reads: Sequence[str]) -> None:
    """Raises ConfigError where a metric says what nobody would read."""
    _known(axis, Axis, "axis")
    for value, said in axes.items():
        _known(said, Axis, f"axes[{shown(value)}]")
    for value, said in better.items():
        _known(said, Direction, f"better[{shown(value)}]")
    for said in reads:
        _known(said, Read, "reads")


def values_fault(values: object) -> str | None:
    """What is wrong with what a metric returned; a dot in a name would part a value from its metric in a score's."""
    if not isinstance(values, Mapping):
        return f"returned {shown(values)}; it must return numbers by name, such as {{'distance': 1.5}}"
    for name, value in values.items():
        if not isinstance(name, str) or "." in name or not name.isprintable():
            return f"calls a value {shown(name)}; names of values have no dot and no control character"
        if not _is_number(value):
            return f"returned {shown(value)} as '{name}', which is no number"
    return None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's, of many numbers
        return False
    return not isinstance(value, (str, bytes))


def _known(said: object, allowed: Any, where: str) -> None:
    if said not in get_args(allowed):
        raise ConfigError(f"{where} must be one of {listed(get_args(allowed))}, but is {shown(said)}.")
