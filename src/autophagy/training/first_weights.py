"""Random first weights of a network, from a seed and from nothing global."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from autophagy.core.seeds import Seed


@contextmanager
def first_weights(seed: Seed) -> Iterator[None]:
    """Networks made within, on the CPU, have weights that follow from `seed`; torch's generators stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed.small)
        yield
