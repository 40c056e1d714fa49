"""How an n-gram model chooses the next unit of many texts at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._n_gram_counts import UNSEEN, Signs, Table
from ._n_gram_mixing import Smoothing

ROOM = 2**22  # probabilities that are worked out at a time
BELOW_ONE = float(np.nextafter(1, 0))


@dataclass(frozen=True)
class Chooser(ABC):
    tables: tuple[Table, ...]
    signs: Signs
    smoothing: Smoothing

    @abstractmethod
    def choose(self, known: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """Returns `(n,)` units after contexts with these numbers, `(n, order)`; `chances` are `(n,)` in [0, 1)."""

    def shares(self, known: np.ndarray) -> np.ndarray:
        """Returns `(n, 1 + order)`: Smoothing's, given that no unknown unit comes."""
        found = self.smoothing.shares(self.tables, known, self.signs.outcomes)
        if self.signs.is_open:
            found[:, 0] *= self.signs.drawn / self.signs.outcomes
            found /= found.sum(1, keepdims=True)
        return found


@dataclass(frozen=True)
class Plain(Chooser):
    """λ = 1: first the order that decides, then a unit as often as it was seen."""

    def choose(self, known: np.ndarray, chances: np.ndarray) -> np.ndarray:
        which, left = self._order(known, chances)
        found = (left * self.signs.drawn).astype(np.int64)
        for m, table in enumerate(self.tables):
            mine = which == m + 1
            context = known[mine, m]
            target = table.sums[table.first[context]] + (left[mine] * table.totals[context]).astype(np.int64)
            found[mine] = table.units[np.searchsorted(table.sums, target, side="right") - 1]
        return found

    def _order(self, known: np.ndarray, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which share each chance falls into, `(n,)`, and how far into it, `(n,)` in [0, 1)."""
        steps = np.cumsum(self.shares(known), 1)
        steps[steps >= steps[:, -1:]] = 1.0  # shares of nothing at the end are never reached
        which = (chances[:, None] >= steps).sum(1)
        row = np.arange(len(known))
        below = np.where(which > 0, steps[row, which - 1], 0.0)
        return which, np.clip((chances - below) / (steps[row, which] - below), 0.0, BELOW_ONE)


@dataclass(frozen=True)
class Sharpened(Chooser):
    """λ < 1 without smoothing: only units that were seen have a chance."""

    bias: float

    def choose(self, known: np.ndarray, chances: np.ndarray) -> np.ndarray:
        depth = (known != UNSEEN).sum(1) - 1
        found = np.empty(len(known), np.int64)
        for m, (table, sums) in enumerate(zip(self.tables, self._sums, strict=True)):
            mine = depth == m
            context = known[mine, m]
            low, high = table.first[context], table.first[context + 1]
            target = sums[low] + chances[mine] * (sums[high] - sums[low])
            found[mine] = table.units[np.clip(np.searchsorted(sums, target, side="right") - 1, low, high - 1)]
        return found

    @cached_property
    def _sums(self) -> tuple[np.ndarray, ...]:
        """Of each table `(g + 1,)`, the running sum of (p / the largest p of its context)^(1/λ)."""
        found = []
        for table in self.tables:
            peaks = np.repeat(np.maximum.reduceat(table.counts, table.first[:-1]), table.kinds)
            found.append(np.concatenate([[0.0], np.cumsum((table.counts / peaks) ** (1 / self.bias))]))
        return tuple(found)


@dataclass(frozen=True)
class Dense(Chooser):
    """λ < 1 with smoothing: the whole vocabulary's chances, once for each context."""

    bias: float

    def choose(self, known: np.ndarray, chances: np.ndarray) -> np.ndarray:
        contexts, owner = np.unique(known, axis=0, return_inverse=True)
        found = np.empty(len(known), np.int64)
        size = max(1, ROOM // self.signs.drawn)
        for start in range(0, len(contexts), size):
            steps = np.cumsum(self._heights(contexts[start : start + size]), 1)
            for row in range(len(steps)):
                mine = owner == start + row
                found[mine] = np.searchsorted(steps[row, :-1], chances[mine] * steps[row, -1], side="right")
        return found

    def _heights(self, known: np.ndarray) -> np.ndarray:
        """`(n, drawn)` (p / the largest p)^(1/λ)."""
        shares = self.shares(known)
        heights = np.repeat(shares[:, :1] / self.signs.drawn, self.signs.drawn, axis=1)
        for m, table in enumerate(self.tables):
            for row in np.flatnonzero(shares[:, m + 1]):
                seen = slice(*table.first[known[row, m] : known[row, m] + 2])
                heights[row, table.units[seen]] += shares[row, m + 1] * table.counts[seen] / table.totals[known[row, m]]
        return np.asarray((heights / heights.max(1, keepdims=True)) ** (1 / self.bias))
