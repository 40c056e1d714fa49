"""Readings: what is told of a fit, as numbers `(R,)`, beside the truth that its real data were drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .blocks import product, scaled, triangular
from .laws import Normal

Readings = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class VectorTruth:
    """The mean `(d,)` and covariance `(d, d)` of real vectors."""

    mean: np.ndarray
    covariance: np.ndarray

    @cached_property
    def root(self) -> np.ndarray:
        """`(d, d)`, lower triangular with nothing negative on its diagonal; the covariance may be singular."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = triangular((vectors * np.sqrt(np.clip(values, 0, None)))[None])[0]
        return np.asarray(root * np.where(np.diagonal(root) < 0, -1.0, 1.0))

    @cached_property
    def total(self) -> float:
        return float(np.trace(self.covariance))

    @cached_property
    def noise(self) -> float:
        """The variance of the last number that those before it do not explain: a regression's label noise."""
        return float(self.root[-1, -1] ** 2)

    @cached_property
    def is_flat(self) -> bool:
        """Whether the vectors do not vary in every direction, as far as rounding tells."""
        values = np.linalg.eigvalsh(self.covariance)
        return bool(values[0] <= len(values) * np.finfo(np.float64).eps * values[-1])

    def law(self, replicates: int) -> Normal:
        d = len(self.mean)
        root = np.broadcast_to(self.root, (replicates, d, d))
        return Normal(np.broadcast_to(self.mean, (replicates, d)), root, np.zeros(replicates, np.int64))


def moments_read(fit: Normal, truth: VectorTruth) -> dict[str, np.ndarray]:
    """As shares of the truth's total variance: `mean_error` is ‖μ − μ0‖²/tr Σ0, `variance_ratio` tr Σ/tr Σ0."""
    gap = fit.mean - truth.mean
    spread = scaled(np.einsum("rdk,rdk->r", fit.root, fit.root), 2 * fit.exponent)
    return {
        "mean_error": np.einsum("rd,rd->r", gap, gap) / truth.total,
        "variance_ratio": spread / truth.total,
    }


def logarithm_read(fit: Normal, truth: VectorTruth) -> dict[str, np.ndarray]:
    """`log_variance` is (ln det Σ − ln det Σ0)/d, in nats an axis: −∞ for a singular fit, and it never underflows.

    Nothing where the truth itself is singular.
    """
    if truth.is_flat:
        return {}
    if fit.root.shape[2] < fit.root.shape[1]:
        return {"log_variance": np.full(len(fit.root), -np.inf)}
    own = _log_determinant(fit.root) + 2 * math.log(2) * fit.exponent
    return {"log_variance": own - _log_determinant(truth.root[None])[0]}


def wasserstein_read(fit: Normal, truth: VectorTruth) -> dict[str, np.ndarray]:
    """W2² and W2 between the fitted and the true Gaussian, in the units of the data. Dowson and Landau 1982."""
    gap = fit.mean - truth.mean
    shift = np.einsum("rd,rd->r", gap, gap)
    root = scaled(fit.root, fit.exponent)
    if root.shape[1] == 1:  # the general form would subtract nearly equal numbers
        width = np.abs(root[:, 0]).sum(1) - abs(truth.root[0, 0])
        squared = shift + width**2
    else:
        spread = np.einsum("rdk,rdk->r", root, root) + truth.total
        squared = shift + np.maximum(spread - 2 * _nuclear(truth.root.T @ root), 0)
    return {"w2_squared": squared, "w2": np.sqrt(squared)}


def symbols_read(p: np.ndarray, truth: np.ndarray) -> Readings:
    """Of probabilities `(R, k)` beside the true ones `(k,)`: as the metric `symbols`, but of the fit, not its draws."""
    gini, real = 1 - np.einsum("rk,rk->r", p, p), 1 - float(truth @ truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(p > 0, p * np.log(p), 0).sum(1)
    possible = truth > 0
    return {
        **({"gini_ratio": gini / real} if real > 0 else {}),  # of one symbol there is none
        "entropy": entropy,
        "lost": np.count_nonzero(p[:, possible] == 0, axis=1).astype(float),
        "total_variation": np.abs(p - truth).sum(1) / 2,
    }


def weights_read(weights: np.ndarray, noise: np.ndarray, truth: VectorTruth) -> Readings:
    """Of weights `(R, p)` and the standard deviation `(R,)` of the noise: `weight_error` is ‖ŵ − w0‖²/σ0².

    With features from N(0, I) that is the excess test error in units of the
    label noise (Dohmatob et al. 2024). `noise_ratio` is σ̂²/σ0², `log_noise` its logarithm.
    """
    variance = truth.noise
    gap = weights - truth.root[-1, :-1]
    with np.errstate(divide="ignore"):
        log_noise = 2 * np.log(noise) - math.log(variance)
    return {
        "weight_error": np.einsum("rp,rp->r", gap, gap) / variance,
        "noise_ratio": noise**2 / variance,
        "log_noise": log_noise,
    }


def _log_determinant(root: np.ndarray) -> np.ndarray:
    """ln det(root rootᵀ)/d of triangular roots `(R, d, d)`."""
    with np.errstate(divide="ignore"):
        return np.asarray(2 * np.log(np.abs(np.diagonal(root, axis1=1, axis2=2))).mean(1))


def _nuclear(matrix: np.ndarray) -> np.ndarray:
    """The sum of the singular values of `(R, d, k)`; NaN where one is not finite."""
    gram = product(matrix, matrix.swapaxes(1, 2))
    is_finite = np.isfinite(gram).all((1, 2))
    values = np.linalg.eigvalsh(np.where(is_finite[:, None, None], gram, 0))
    return np.where(is_finite, np.sqrt(np.clip(values, 0, None)).sum(1), np.nan)
