"""Which rows of a training set each step sees, from the number of the step alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autophagy.core.seeds import Seed


@dataclass(frozen=True)
class Batches:
    """Epochs of shuffled rows laid end to end and cut into batches: step k always sees the same rows.

    A batch may reach into the next epoch, so every batch is full and every row
    is seen once in each epoch, also where there are fewer rows than a batch has.

    Attributes:
        n: rows of the training set.
        size: rows of a batch.
        seed: of the order.
    """

    n: int
    size: int
    seed: Seed

    def rows(self, step: int) -> np.ndarray:
        """Returns the rows of a step, `(size,)` int64."""
        first, last = step * self.size, (step + 1) * self.size
        epochs = range(first // self.n, (last - 1) // self.n + 1)
        orders = [_order(self.n, self.seed.child("epoch", epoch)) for epoch in epochs]
        begin = first - epochs[0] * self.n
        return np.concatenate(orders)[begin : begin + self.size]

    def steps(self, epochs: float) -> int:
        """Returns how many steps see every row `epochs` times, rounded up; at least one."""
        return max(1, -(-round(epochs * self.n) // self.size))


@lru_cache(maxsize=4)
def _order(n: int, seed: Seed) -> np.ndarray:
    return seed.numpy().permutation(n)
