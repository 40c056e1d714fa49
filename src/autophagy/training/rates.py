"""How a learning rate goes over the steps of a fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

Schedule = Literal["constant", "constant-with-warmup", "cosine", "linear"]


def rate(schedule: Schedule, warmup: int, steps: int) -> Callable[[int], float] | None:
    """The learning rate's factor at step 0, 1, …, as diffusers' schedules of these names have it."""
    if schedule == "constant":
        return None

    def factor(step: int) -> float:
        if step < warmup:
            return step / warmup
        if schedule == "constant-with-warmup":
            return 1.0
        done = (step - warmup) / max(1, steps - warmup)
        return max(0.0, 1 - done) if schedule == "linear" else max(0.0, (1 + math.cos(math.pi * done)) / 2)

    return factor
