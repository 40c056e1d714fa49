"""How much of a machine's matrix products a piece of work uses, and how fast a sampler draws."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from autophagy.core.parts import Sampler
from autophagy.core.seeds import Seed

from .timing import seconds

LARGE = 2048


def peak(precision: str) -> float:
    """FLOP/s of a large product."""
    matrix = torch.randn(LARGE, LARGE, dtype=getattr(torch, precision))
    return 2 * LARGE**3 / statistics.median(seconds(lambda: matrix @ matrix) for _ in range(5))


def products(work: Callable[[], object]) -> int:
    """Operations of the products in a piece of work."""
    with _Counter() as counter:
        work()
    return counter.total


def drawn(sampler: Sampler, n: int) -> float:
    """Samples drawn in a second; the median of three."""

    def draw() -> None:
        sampler.sample(n, condition=None, bias=1.0, seed=Seed(("draw",)))

    draw()
    return n / statistics.median(seconds(draw) for _ in range(3))


class _Counter(TorchDispatchMode):
    """Adds up the operations of products; torch's own counter fails on a gradient that is learned from."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=found)
        return found
