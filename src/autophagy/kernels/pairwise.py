"""All distances within one set, streamed into a histogram on a logarithmic scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array
from .distances import Screen, triangle
from .tables import where

SHIFT = 12  # of a float32's 23 digits of fraction, those that share a bin: bins are at most 2⁻¹¹ wide, relatively
DOUBT = 2.0**20  # distances that are not this many times their error bound are worked out again, exactly
BINS = (0x7F80_0000 >> SHIFT) + 1  # up to and including infinity


@dataclass(frozen=True)
class Spread:
    """Euclidean distances of unordered pairs: all those of a set, or of several sets together.

    Attributes:
        pairs: how many there are, n (n − 1) / 2.
        mean, least: exact for bytes, to 1e-6 relatively for floats.
        counts: `(BINS,)` pairs for each bin of distances; a distance's bin is the top of its float32.
    """

    pairs: int
    mean: float
    least: float
    counts: np.ndarray

    def __add__(self, other: Spread) -> Spread:
        """The pairs of both, as one set of distances; no pair goes across."""
        if not self.pairs or not other.pairs:
            return self if self.pairs else other
        pairs = self.pairs + other.pairs
        mean = (self.pairs * self.mean + other.pairs * other.mean) / pairs
        return Spread(pairs, mean, min(self.least, other.least), self.counts + other.counts)

    def quantile(self, share: float) -> float:
        """The distance below which that share of the pairs lies, to 0.05 %; NaN without pairs."""
        if not self.pairs:
            return float("nan")
        rank = share * (self.pairs - 1)  # as numpy's default: between the ranks
        below = int(rank)
        low, high = (self._at(min(below + i, self.pairs - 1)) for i in (0, 1))
        return low + (rank - below) * (high - low) if rank > below and np.isfinite(high) else low

    def _at(self, rank: int) -> float:
        """The distance that so many are smaller than, as if those of a bin lay evenly in it."""
        upto = np.cumsum(self.counts)
        at = int(np.searchsorted(upto, rank, side="right"))
        low, high = (_edge(at + i) for i in (0, 1))
        inside = (rank - int(upto[at] - self.counts[at]) + 0.5) / int(self.counts[at])
        return low if at == 0 or not np.isfinite(high) else float(low + inside * (high - low))


def nothing() -> Spread:
    """No pair at all."""
    return Spread(0, float("nan"), float("nan"), np.zeros(BINS, np.int64))


def spread(rows: Array) -> Spread:
    """Measures every unordered pair of `rows` `(n, d)`: uint8, or finite floats."""
    pairs, counts = len(rows) * (len(rows) - 1) // 2, np.zeros(BINS, np.int64)
    if not pairs:
        return nothing()
    total, least = 0.0, np.inf
    screen = Screen(rows, rows)
    for part, others in triangle(len(rows), screen.shape):
        squares = _squares(screen, part, others)
        distances = np.sqrt(squares[np.tri(len(squares)) == 0] if part == others else squares.ravel())
        total += float(distances.sum())
        least = min(least, float(distances.min(initial=np.inf)))
        with np.errstate(over="ignore"):  # beyond float32 is the last bin
            bins = distances.astype(np.float32).view(np.int32) >> SHIFT
        if len(bins):
            first, last = int(bins.min()), int(bins.max())
            counts[first : last + 1] += np.bincount(bins - first)
    return Spread(pairs, total / pairs, least, counts)


def _squares(screen: Screen, rows: slice, others: slice) -> np.ndarray:
    """Returns `(r, c)` float64, those that rounding has spoilt worked out again."""
    tile = screen.tile(rows, others, screen.levels - 1)
    squares, slack = tile.squares(), tile.slack()
    if slack > 0:
        i, j = where(squares < DOUBT * slack)
        squares[i, j] = screen.exact(i + rows.start, j + others.start)
    return squares


def _edge(at: int) -> float:
    """The smallest distance of a bin."""
    return float(np.array(min(at, BINS - 1) << SHIFT, np.int32).view(np.float32))
