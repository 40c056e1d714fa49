"""Learning curves: real-only founders of several sizes, as arms of their own that end with generation 0.

Each is the arm it belongs to in everything that its founder depends on, but for
the size of the real set. A lineage's fixed set takes the first rows of its
order, so the sizes are nested (of a stream: if it draws its rows one after the
other, as `normal` does and `gaussian-mixture` does not); all draw as many
samples, so metrics compare them at equal n. Arms whose founders are the same share one curve, and a founder
of n is computed once with every arm whose real set has n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError

from .config import Arm


def with_founders(arms: Mapping[str, Arm], sizes: Mapping[str, tuple[int, ...]]) -> dict[str, Arm]:
    """The arms, and after them a founder for each of the sizes asked for by an arm's name. Raises ConfigError."""
    found = dict(arms)
    for name, asked in sizes.items():
        for size in asked:
            title, founder = _founder(name, arms[name], size)
            if founder in found.values():
                continue
            if title in found:
                raise ConfigError(
                    f"arms.{name}.learning_curve needs the name '{title}' for its founder of {size}, but another arm "
                    "has it; rename that arm."
                )
            found[title] = founder
    return found


def _founder(name: str, arm: Arm, size: int) -> tuple[str, Arm]:
    if arm.founder == "pretrained":
        raise ConfigError(
            f"arms.{name}.learning_curve asks for founders fitted on real data, but this arm's is pretrained; "
            'leave it out, or say founder = "fit".'
        )
    samples = arm.samples or arm.real
    if samples is None:
        raise ConfigError(
            f"arms.{name}.learning_curve: say samples = … (or real = …) too, so that founders of every size draw "
            "as many samples and can be compared."
        )
    loop = build("loop", "real-only")  # what a later generation eats, starts from or reuses is nothing to a founder
    alone = replace(arm, loop=loop, samples=samples, generations=0, start="scratch", exhausted="refuse")
    if arm.per_group is not None:
        return f"{name}, n={size} per group", replace(alone, per_group=size)  # as `config.FOUNDER` reads names
    return f"{name}, n={size}", replace(alone, real=size)
