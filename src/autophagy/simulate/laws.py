"""Laws: distributions that a block is drawn from, one for each replicate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from autophagy.core.parts import Stream
from autophagy.core.seeds import Seed

from .blocks import Block, Counts, Form, Moments, Points, moments, product, scaled


class Law(ABC):
    """Independent points of every replicate."""

    @abstractmethod
    def draw(self, n: int, form: Form, rng: np.random.Generator) -> Block:
        """Draws `n` points in the form that their readers ask for."""


@dataclass(frozen=True)
class Normal(Law):
    """N(mean, root rootᵀ · 4^exponent): `(R, d)`, `(R, d, k)`, `(R,)`."""

    mean: np.ndarray
    root: np.ndarray
    exponent: np.ndarray

    def draw(self, n: int, form: Form, rng: np.random.Generator) -> Block:
        return self._points(n, rng) if form == "points" else self._moments(n, rng)

    def _moments(self, n: int, rng: np.random.Generator) -> Moments:
        replicates, _, k = self.root.shape
        noise = rng.standard_normal((replicates, k, 1)) / math.sqrt(n)
        mean = self.mean + scaled(product(self.root, noise)[..., 0], self.exponent)
        root = product(self.root, bartlett(n - 1, k, replicates, rng))
        return Moments(n, mean, root, self.exponent)

    def _points(self, n: int, rng: np.random.Generator) -> Points:
        replicates, _, k = self.root.shape
        noise = rng.standard_normal((replicates, n, k)) @ self.root.swapaxes(1, 2)
        return Points(self.mean[:, None] + scaled(noise, self.exponent))


@dataclass(frozen=True)
class Kernel(Law):
    """One of the training points `(R, n, d)`, plus N(0, root rootᵀ); root `(R, d, k)`."""

    x: np.ndarray
    root: np.ndarray

    def draw(self, n: int, form: Form, rng: np.random.Generator) -> Block:
        replicates, size, _ = self.x.shape
        chosen = rng.integers(size, size=(replicates, n, 1))
        noise = rng.standard_normal((replicates, n, self.root.shape[2])) @ self.root.swapaxes(1, 2)
        points = Points(np.take_along_axis(self.x, chosen, axis=1) + noise)
        return points if form == "points" else moments(points)


@dataclass(frozen=True)
class Symbols(Law):
    """Symbol i with probability `p[:, i]`, `(R, k)`."""

    p: np.ndarray

    def draw(self, n: int, form: Form, rng: np.random.Generator) -> Block:
        return Counts(n, rng.multinomial(n, self.p))


@dataclass(frozen=True)
class Endless(Law):
    """Real vectors of any source without end: rows are independent, so a lineage's are as good as its neighbour's."""

    source: Stream
    replicates: int
    seed: Seed

    def draw(self, n: int, form: Form, rng: np.random.Generator) -> Block:
        seed = self.seed.child(int(rng.integers(2**32)))  # a block's part and its rest are two draws
        rows = np.asarray(self.source.draw(self.replicates * n, seed), np.float64)
        points = Points(rows.reshape(self.replicates, n, -1))
        return points if form == "points" else moments(points)


def bartlett(freedom: int, k: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """A root `(R, k, min(k, freedom))` of Wishart matrices of the identity: the scatter of freedom + 1 normal points.

    Lower triangular, χ with freedom − j degrees on the diagonal, normals below
    it (Bartlett 1933). With fewer degrees than k it is as narrow as they are few.
    """
    width = max(0, min(k, freedom))
    if k == width == 1:
        return np.asarray(np.sqrt(rng.chisquare(freedom, replicates)))[:, None, None]
    root = np.zeros((replicates, k, width))
    for j in range(width):
        root[:, j, j] = np.sqrt(rng.chisquare(freedom - j, replicates))
    below = np.tril_indices(k, -1, width)
    root[:, below[0], below[1]] = rng.standard_normal((replicates, len(below[0])))
    return root
