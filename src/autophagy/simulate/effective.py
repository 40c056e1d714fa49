"""Effective sample size: how many real points alone would give as good a Gaussian, in expected W2².

In one dimension the curve of that error over n is known on paper. In more it is
simulated, and steadied by what is known on paper of the same draws (control
variates): with S the fitted covariance and Σ the true one of eigenvalues λ, in
its axes, these are the second order of W2², ½ Σ (S − Σ)ᵢⱼ²/(λᵢ + λⱼ), the trace
of S, and its log determinant. What is left of the noise is a hundredth of it
for n ≫ d and a third at worst, near n = d, and is told with the curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autophagy.core.errors import PlanError
from autophagy.core.parts import Model
from autophagy.core.seeds import Seed
from autophagy.theory.closed_forms import c4

from .blocks import scaled
from .families import Family, GaussianFamily
from .laws import Normal

FEWEST, MOST = 2, 10**6
REPLICATES, ROOM = 10_000, 2**25  # a node, where the curve has to be measured, and numbers of their covariances


@dataclass(frozen=True)
class LearningCurve:
    """E W2² of a Gaussian fitted to n real points, as a function of n, and back.

    Attributes:
        unbiased: of the model.
        variance: σ0² in one dimension, where the curve is known on paper; else absent.
        logs: `(2, nodes)`: ln n, and ln of n times the error, measured; between nodes it is interpolated.
        doubts: `(nodes,)`: relative standard errors of those.
    """

    unbiased: bool
    variance: float | None = None
    logs: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    doubts: tuple[float, ...] = ()

    @classmethod
    def of(cls, model: Model, family: Family | None) -> LearningCurve:
        """Raises PlanError for a family that is not Gaussian."""
        if not isinstance(family, GaussianFamily):
            raise PlanError(
                f"model '{model.name}': an effective sample size is in Wasserstein distances between Gaussians; "
                'use model = "gaussian" and a source of known mean and covariance.'
            )
        if family.size == 1:
            return cls(family.model.unbiased, variance=float(family.truth.total))
        bend = 3 * family.size  # below it the curve has a shape, above it is all but straight
        sizes = np.unique(np.concatenate([np.geomspace(FEWEST, bend, 32), np.geomspace(bend, MOST, 32)]).astype(int))
        seed = Seed(("simulate", "learning curve"))  # the same for every n, so that the curve is smooth
        found = np.array([measured(family, int(n), seed) for n in sizes])  # (nodes, 2)
        logs = np.log(sizes), np.log(sizes * found[:, 0])
        doubts = tuple((found[:, 1] / found[:, 0]).tolist())
        return cls(family.model.unbiased, logs=(tuple(logs[0].tolist()), tuple(logs[1].tolist())), doubts=doubts)

    def error(self, n: float) -> float:
        """E W2² in squared units of the data; n may be any number above 1, or from 2 where the curve is measured.

        Beyond `MOST` it is taken to fall as 1/n, from which it differs by a part in a million there.
        """
        if n > MOST:
            return self.error(MOST) * MOST / n
        if self.variance is not None:
            return self.variance * _one_dimension(n, unbiased=self.unbiased)
        from scipy.interpolate import PchipInterpolator

        return float(math.exp(PchipInterpolator(*self.logs)(math.log(n)))) / n

    def doubt(self, n: float) -> float:
        """The standard error of `error(n)`, from its simulation; 0 on paper."""
        if self.variance is not None:
            return 0.0
        return self.error(n) * float(np.interp(math.log(n), self.logs[0], self.doubts))

    def size(self, error: float) -> float:
        """The n whose error this is: n_e. 1 at least, or 2 where the curve is measured; ∞ where there is no error."""
        from scipy.optimize import brentq

        low, high = (1 + 1e-6 if self.variance is not None else FEWEST), MOST
        if error >= self.error(low):
            return low
        if error <= self.error(high):
            return high * self.error(high) / error if error > 0 else math.inf
        return float(math.exp(brentq(lambda x: self.error(math.exp(x)) - error, math.log(low), math.log(high))))


def _one_dimension(n: float, *, unbiased: bool) -> float:
    """E W2²/σ0²: of the mean 1/n, of the standard deviation E(s − σ0)² with E s = c4 σ0 (√((n − 1)/n) times that)."""
    if unbiased:
        return 1 / n + 2 - 2 * c4(n)
    return 2 - 2 * c4(n) * math.sqrt(1 - 1 / n)


def measured(family: GaussianFamily, n: int, seed: Seed) -> tuple[float, float]:
    """E W2² and its standard error: the mean's share of it is known, the covariance's is simulated."""
    replicates = max(30, min(REPLICATES, ROOM // family.size**2))
    fit = family.fit([family.truth.law(replicates).draw(n, "moments", seed.numpy())])
    found = fit.read()
    spread = found["w2_squared"] - family.truth.total * found["mean_error"]
    known = np.column_stack([np.ones(replicates), *_known(family, fit.normal, n)])
    weights, *_ = np.linalg.lstsq(known, spread, rcond=None)
    rest = spread - known @ weights
    error = math.sqrt(float(rest @ rest) / (replicates - known.shape[1]) / replicates)
    return float(weights[0]) + family.truth.total / n, error


def _known(family: GaussianFamily, fit: Normal, n: int) -> list[np.ndarray]:
    """Numbers `(R,)` of fits to n points whose expectations are known, less these.

    Of m = n − 1 degrees of freedom S is a Σ^½ W Σ^½/m, W Wishart (Muirhead 1982, section 3.2).
    """
    values, axes = np.linalg.eigh(family.truth.covariance)
    values, freedom = np.clip(values, 0, None), n - 1
    shrunk = 1.0 if family.model.unbiased else freedom / n
    root = scaled(axes.T @ fit.root, fit.exponent)
    gap = root @ root.swapaxes(1, 2) - np.diag(values)  # (R, d, d)
    both = values + values[:, None]
    weight = np.divide(0.5, both, out=np.zeros_like(both), where=both > 0)
    square = np.outer(values, values) * shrunk**2 / freedom * (1 + np.eye(len(values)))
    square += np.diag(((shrunk - 1) * values) ** 2)
    second = np.einsum("rij,rij,ij->r", gap, gap, weight) - float((square * weight).sum())
    trace = np.einsum("rii->r", gap) - (shrunk - 1) * values.sum()
    if freedom < len(values) or family.truth.is_flat:
        return [second, trace]
    from scipy.special import digamma

    degrees = (freedom - np.arange(len(values))) / 2
    expected = float((np.log(2 * shrunk / freedom * values) + digamma(degrees)).sum())
    return [second, trace, np.linalg.slogdet(gap + np.diag(values))[1] - expected]
