"""Families: how the models of closed form learn from blocks, for all replicates at once.

Each follows the model of the same name in `models/`, whose settings it takes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from autophagy.core.known import KnownDistribution, KnownMoments
from autophagy.core.parts import Model, Source, Stream
from autophagy.core.seeds import Seed
from autophagy.models.categorical import Categorical
from autophagy.models.gaussian import Gaussian
from autophagy.models.kde import Kde
from autophagy.models.linear_regression import LinearRegression
from autophagy.sources.normal import Normal as NormalSource

from .blocks import Block, Counts, Form, Moments, Points, added, lifted, moments, pooled, scaled, stacked, triangular
from .laws import Endless, Kernel, Law, Normal, Symbols
from .readings import Readings, VectorTruth, logarithm_read, moments_read, symbols_read, wasserstein_read, weights_read


class Fit(ABC):
    """A model fitted in every replicate."""

    @abstractmethod
    def law(self, bias: float) -> Law:
        """What it draws from, at λ = `bias`."""

    @abstractmethod
    def read(self) -> Readings:
        """What is told of it; NaN where a replicate has diverged."""


class Family(ABC):
    """One model, on one source.

    `reads` is the form in which it takes its training set; `foretold` the
    reading that a forecast's kept variance is about, if any.
    """

    reads: ClassVar[Form] = "moments"
    foretold: ClassVar[str | None] = "variance_ratio"

    @abstractmethod
    def fit(self, blocks: Sequence[Block]) -> Fit: ...

    @property
    @abstractmethod
    def size(self) -> int:
        """Numbers of one point: dimensions, or symbols."""

    def fewest(self) -> int:
        """Training points below which there is no answer."""
        return 1


# ── vectors ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class VectorFamily(Family):
    """A family of vectors whose true moments are known."""

    truth: VectorTruth

    @property
    def size(self) -> int:
        return len(self.truth.mean)


@dataclass(frozen=True)
class GaussianFamily(VectorFamily):
    model: Gaussian

    def fit(self, blocks: Sequence[Block]) -> GaussianFit:
        train = pooled([moments(block) for block in blocks])
        root = train.root / math.sqrt(train.n - int(self.model.unbiased))
        return GaussianFit(Normal(train.mean, *lifted(root, train.exponent)), self.truth)

    def fewest(self) -> int:
        return self.model.fewest(self.size)


@dataclass(frozen=True)
class GaussianFit(Fit):
    normal: Normal
    truth: VectorTruth

    def law(self, bias: float) -> Normal:
        return Normal(self.normal.mean, math.sqrt(bias) * self.normal.root, self.normal.exponent)

    def read(self) -> Readings:
        fit, truth = self.normal, self.truth
        return {**moments_read(fit, truth), **logarithm_read(fit, truth), **wasserstein_read(fit, truth)}


@dataclass(frozen=True)
class RegressionFamily(VectorFamily):
    model: LinearRegression
    foretold: ClassVar = None

    def fit(self, blocks: Sequence[Block]) -> RegressionFit:
        train = pooled([moments(block) for block in blocks])
        n, p = train.n, train.mean.shape[1] - 1
        about_zero = math.sqrt(n) * train.mean[..., None]
        root = triangular(np.concatenate((scaled(train.root, train.exponent), about_zero), axis=2))  # of Σ v vᵀ
        weights = self._weights(root, n)
        if self.model.ridge:
            gap = root[:, p] - np.einsum("rp,rpk->rk", weights, root[:, :p])
            rest = np.sqrt(np.einsum("rk,rk->r", gap, gap))
        else:  # what is left beneath the features, without subtracting
            rest = np.abs(root[:, p, p]) if root.shape[2] > p else np.zeros(len(root))
        return RegressionFit(weights, rest / math.sqrt(n - p * int(self.model.unbiased)), self.truth)

    def _weights(self, root: np.ndarray, n: int) -> np.ndarray:
        """`(R, p)`: least squares from the root of Σ v vᵀ, v = (x, y)."""
        replicates, p = len(root), root.shape[1] - 1
        if self.model.ridge:
            penalty = np.zeros((replicates, p + 1, p))
            penalty[:, np.arange(p), np.arange(p)] = math.sqrt(n * self.model.ridge)
            root = triangular(np.concatenate((root, penalty), axis=2))
        features = root[:, :p, :p].swapaxes(1, 2)  # upper triangular
        is_finite = np.isfinite(root).all((1, 2))
        safe = np.where(is_finite[:, None, None], features, np.eye(p))
        found = np.linalg.solve(safe, root[:, p, :p, None])[..., 0]
        return np.where(is_finite[:, None], found, np.nan)

    def fewest(self) -> int:
        return self.model.fewest(self.size)


@dataclass(frozen=True)
class RegressionFit(Fit):
    weights: np.ndarray  # (R, p)
    noise: np.ndarray  # (R,), a standard deviation
    truth: VectorTruth

    def law(self, bias: float) -> Normal:
        replicates, p = self.weights.shape
        root = np.zeros((replicates, p + 1, p + 1))
        root[:, np.arange(p), np.arange(p)] = 1
        root[:, p, :p] = self.weights
        root[:, p, p] = math.sqrt(bias) * self.noise
        return Normal(np.zeros((replicates, p + 1)), root, np.zeros(replicates, np.int64))

    def read(self) -> Readings:
        return weights_read(self.weights, self.noise, self.truth)


@dataclass(frozen=True)
class KdeFamily(VectorFamily):
    model: Kde
    reads: ClassVar[Form] = "points"

    def fit(self, blocks: Sequence[Block]) -> KdeFit:
        return KdeFit(stacked(blocks), self.model, self.truth)


@dataclass(frozen=True)
class KdeFit(Fit):
    points: Points
    model: Kde
    truth: VectorTruth

    def law(self, bias: float) -> Kernel:
        return Kernel(self.points.x, math.sqrt(bias) * self._root())

    def read(self) -> Readings:
        """Of the training set, without the kernel, as the forecast."""
        found = self._moments
        normal = Normal(found.mean, found.root / math.sqrt(found.n), found.exponent)
        return {**moments_read(normal, self.truth), **logarithm_read(normal, self.truth)}

    @cached_property
    def _moments(self) -> Moments:
        return moments(self.points)

    def _root(self) -> np.ndarray:
        """The kernel's, `(R, d, k)`."""
        (replicates, n, d), rule = self.points.x.shape, self.model.bandwidth
        if not isinstance(rule, str):
            return np.broadcast_to(rule * np.eye(d), (replicates, d, d))
        size = n if rule == "scott" else n * (d + 2) / 4
        return np.asarray(size ** (-1 / (d + 4)) / math.sqrt(max(n - 1, 1)) * self._moments.root)


# ── symbols ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CategoricalFamily(Family):
    model: Categorical
    truth: np.ndarray  # (k,), as long as the alphabet
    reads: ClassVar[Form] = "counts"
    foretold: ClassVar[str | None] = "gini_ratio"

    @property
    def size(self) -> int:
        return len(self.truth)

    def fit(self, blocks: Sequence[Block]) -> CategoricalFit:
        train = added([block for block in blocks if isinstance(block, Counts)])
        known = train.counts > 0 if self.model.alphabet is None else True
        mass = train.counts + self.model.smoothing * known
        return CategoricalFit(mass / mass.sum(1, keepdims=True), self.truth)


@dataclass(frozen=True)
class CategoricalFit(Fit):
    p: np.ndarray  # (R, k)
    truth: np.ndarray

    def law(self, bias: float) -> Symbols:
        if bias == 1:
            return Symbols(self.p)
        heights = (self.p / self.p.max(1, keepdims=True)) ** (1 / bias)  # the commonest stays 1 where others underflow
        return Symbols(heights / heights.sum(1, keepdims=True))

    def read(self) -> Readings:
        return symbols_read(self.p, self.truth)


# ── which model and source they are ──────────────────────────────────────────

_OF_VECTORS: Mapping[type[Model], Callable[[VectorTruth, Any], Family]] = {
    Gaussian: GaussianFamily,
    LinearRegression: RegressionFamily,
    Kde: KdeFamily,
}
MODELS: tuple[type[Model], ...] = (*_OF_VECTORS, Categorical)


def family(model: Model, source: Source) -> Family | None:
    """The family of a model on a source; None if there is no closed form for the two."""
    if isinstance(model, Categorical) and type(model) is Categorical and isinstance(source, KnownDistribution):
        return CategoricalFamily(model, alphabet(model, source))
    if type(model) in _OF_VECTORS and isinstance(source, KnownMoments):
        return _OF_VECTORS[type(model)](VectorTruth(*source.moments()), model)
    return None


def alphabet(model: Categorical, source: KnownDistribution) -> np.ndarray:
    """The true probabilities, with noughts for symbols that only the model has."""
    law = source.distribution()
    return np.pad(law, (0, max(0, (model.alphabet or 0) - len(law))))


def real_law(family: Family, source: Source, replicates: int, seed: Seed) -> Law:
    """What real points are drawn from."""
    if isinstance(family, CategoricalFamily):
        return Symbols(np.broadcast_to(family.truth, (replicates, len(family.truth))))
    if isinstance(source, NormalSource) and isinstance(family, VectorFamily):
        return family.truth.law(replicates)
    if isinstance(source, Stream):
        return Endless(source, replicates, seed)
    raise TypeError(f"source '{source.name}' has an end.")
