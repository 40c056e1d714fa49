"""Blocks: points that were drawn together, for many replicates side by side, by no more than a reader must know.

Gaussian points that are always taken whole are their mean and their scatter.
Symbols are their counts. Only what is taken in parts again and again, or is a
kernel density's training set, is kept point by point. `R` is the number of
replicates, always the first axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Form = Literal["moments", "points", "counts"]
FAINT = 2.0**-200  # a root below this is lifted, so that 2,000 generations cannot underflow it
LIFT = 200  # powers of two


@dataclass(frozen=True)
class Moments:
    """`n` points by their mean and their scatter Σ (x − mean)(x − mean)ᵀ = root rootᵀ · 4^exponent.

    Attributes:
        mean: `(R, d)`
        root: `(R, d, k)`, k ≤ d; lower triangular where k = d, whatever it went through.
        exponent: `(R,)` ints: powers of two that the root has been divided by.
    """

    n: int
    mean: np.ndarray
    root: np.ndarray
    exponent: np.ndarray


@dataclass(frozen=True)
class Points:
    """Points themselves, `(R, n, d)`."""

    x: np.ndarray

    @property
    def n(self) -> int:
        return int(self.x.shape[1])


@dataclass(frozen=True)
class Counts:
    """How often each of k symbols is among `n`, `(R, k)` int64."""

    n: int
    counts: np.ndarray


Block = Moments | Points | Counts


def moments(block: Block) -> Moments:
    """Mean and scatter of a block of vectors."""
    if isinstance(block, Moments):
        return block
    if isinstance(block, Counts):
        raise TypeError("symbols have no mean.")
    mean = block.x.mean(1)  # (R, d)
    root = triangular((block.x - mean[:, None]).swapaxes(1, 2))
    return Moments(block.n, mean, root, np.zeros(len(mean), np.int64))


def pooled(blocks: Sequence[Moments]) -> Moments:
    """The moments of all points together."""
    if len(blocks) == 1:
        return blocks[0]
    n = sum(block.n for block in blocks)
    mean = sum(block.n / n * block.mean for block in blocks[1:]) + blocks[0].n / n * blocks[0].mean  # (R, d)
    exponent = np.max([block.exponent for block in blocks], axis=0)  # (R,)
    within = [scaled(block.root, block.exponent - exponent) for block in blocks]
    between = [scaled(math.sqrt(block.n) * (block.mean - mean), -exponent)[..., None] for block in blocks]
    return Moments(n, mean, triangular(np.concatenate([*within, *between], axis=2)), exponent)


def triangular(columns: np.ndarray) -> np.ndarray:
    """A root `(R, d, ≤ d)` of columns columnsᵀ, columns `(R, d, m)`; lower triangular if m ≥ d.

    By orthogonal steps, as in square-root filters: no covariance is formed, so
    none has to be positive definite in spite of rounding.
    """
    _, d, m = columns.shape
    if d == 1:
        return np.asarray(np.sqrt(np.einsum("rdm,rdm->r", columns, columns)))[:, None, None]
    if m < d:
        return columns
    return np.asarray(np.linalg.qr(columns.swapaxes(1, 2), mode="r")).swapaxes(1, 2)


def lifted(root: np.ndarray, exponent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same root, times a power of two in replicates where it has become faint; exact."""
    if not root.shape[2] or (np.abs(root[:, 0, 0]) >= FAINT).all():
        return root, exponent
    largest = np.abs(root).max((1, 2))  # (R,)
    lift = np.where((largest < FAINT) & (largest > 0), LIFT, 0)
    return scaled(root, lift), exponent - lift


def scaled(x: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """`x` times two to the `powers` `(R,)`, which are nearly always nought."""
    if not powers.any():
        return x
    return np.asarray(np.ldexp(x, powers.reshape(-1, *(1,) * (x.ndim - 1))))


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b for stacks `(R, i, j)` and `(R, j, k)`; numbers are not sent through the machinery for matrices."""
    return np.asarray(a * b if a.shape[1:] == b.shape[1:] == (1, 1) else a @ b)


# ── parts of blocks ──────────────────────────────────────────────────────────


def stacked(blocks: Sequence[Block]) -> Points:
    """All points in one block."""
    rows = [block.x for block in blocks if isinstance(block, Points)]
    if len(rows) != len(blocks):
        raise TypeError("only points can be stacked.")
    return Points(rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1))


def some(block: Points, count: int, rng: np.random.Generator) -> Points:
    """`count` of the points, without replacement, chosen anew for every replicate: the first steps of a shuffle."""
    if count == block.n:
        return block
    replicates = len(block.x)
    order = np.tile(np.arange(block.n, dtype=np.int32), (replicates, 1))
    partner = rng.integers(np.arange(count), block.n, size=(replicates, count))  # of the i-th place, at or after it
    every = np.arange(replicates)
    for i in range(count):
        j = partner[:, i]
        order[every, i], order[every, j] = order[every, j], order[every, i]
    return Points(np.take_along_axis(block.x, order[:, :count, None], axis=1))


def added(blocks: Sequence[Counts]) -> Counts:
    """The counts of all symbols together."""
    if len(blocks) == 1:
        return blocks[0]
    return Counts(sum(block.n for block in blocks), np.sum([block.counts for block in blocks], axis=0))


def some_symbols(block: Counts, count: int, rng: np.random.Generator) -> Counts:
    """The counts of `count` symbols drawn without replacement: multivariate hypergeometric, one symbol after the other.

    Symbols of one kind are alike, so whole counts are all that draws from one block, however many, have in common.
    """
    if count == block.n:
        return block
    taken = np.zeros_like(block.counts)
    wanted = np.full(len(taken), count, np.int64)  # (R,)
    left = np.full(len(taken), block.n, np.int64)
    for symbol in range(taken.shape[1]):
        here = block.counts[:, symbol]
        left = left - here
        taken[:, symbol] = rng.hypergeometric(here, left, wanted)
        wanted = wanted - taken[:, symbol]
    return Counts(count, taken)
