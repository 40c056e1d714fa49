"""What a network itself draws, its first weights and its dropout: from a seed and from nothing global."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from autophagy.core.seeds import Seed


@contextmanager
def first_weights(seed: Seed, device: torch.device | None = None) -> Iterator[None]:
    """Networks made within, on the CPU, have weights that follow from `seed`; torch's generators stay as they were.

    With a `device`, so does what is drawn there, as dropout is.
    """
    there = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=there):
        torch.default_generator.manual_seed(seed.small)
        for each in there:
            with torch.cuda.device(each):
                torch.cuda.manual_seed(seed.small)
        yield
