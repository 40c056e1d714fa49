"""Effective sample size: how many real points alone would give as good a Gaussian, in expected W2²."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autophagy.core.errors import PlanError
from autophagy.core.parts import Model
from autophagy.core.seeds import Seed
from autophagy.theory.closed_forms import c4

from .families import Family, GaussianFamily

FEWEST, MOST, NODES = 2, 10**6, 32
REPLICATES = 10_000  # a node, where the curve has to be measured


@dataclass(frozen=True)
class LearningCurve:
    """E W2² of a Gaussian fitted to n real points, as a function of n, and back.

    Attributes:
        unbiased: of the model.
        variance: σ0² in one dimension, where the curve is known on paper; else absent.
        logs: `(2, nodes)`: ln n, and ln of n times the error, measured; between nodes it is interpolated.
    """

    unbiased: bool
    variance: float | None = None
    logs: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

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
        sizes = np.unique(np.geomspace(FEWEST, MOST, NODES).astype(int))
        heights = [math.log(n * _measured(family, int(n))) for n in sizes]
        return cls(family.model.unbiased, logs=(tuple(np.log(sizes).tolist()), tuple(heights)))

    def error(self, n: float) -> float:
        """E W2² in squared units of the data; n may be any number above 1, or from 2 where the curve is measured."""
        if self.variance is not None:
            return self.variance * _one_dimension(n, unbiased=self.unbiased)
        from scipy.interpolate import PchipInterpolator

        return float(math.exp(PchipInterpolator(*self.logs)(math.log(n)))) / n

    def size(self, error: float) -> float:
        """The n whose error this is: n_e. At the curve's ends, its end."""
        from scipy.optimize import brentq

        low, high = (1 + 1e-6 if self.variance is not None else FEWEST), MOST
        if error >= self.error(low):
            return low
        if error <= self.error(high):
            return float(high)
        return float(math.exp(brentq(lambda x: self.error(math.exp(x)) - error, math.log(low), math.log(high))))


def _one_dimension(n: float, *, unbiased: bool) -> float:
    """E W2²/σ0²: of the mean 1/n, of the standard deviation E(s − σ0)² with E s = c4 σ0 (√((n − 1)/n) times that)."""
    if unbiased:
        return 1 / n + 2 - 2 * c4(n)
    return 2 - 2 * c4(n) * math.sqrt(1 - 1 / n)


def _measured(family: GaussianFamily, n: int) -> float:
    """The mean's share of the error is known, the covariance's is simulated."""
    rng = Seed(("simulate", "learning curve")).numpy()  # the same for every n, so that the curve is smooth
    law = family.truth.law(REPLICATES)
    found = family.fit([law.draw(n, "moments", rng)]).read()
    spread = found["w2_squared"] - family.truth.total * found["mean_error"]
    return float(spread.mean()) + family.truth.total / n
