"""Kernel density estimation: every training point remembered, and blurred."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.catalog import register
from autophagy.core.errors import Diverged
from autophagy.core.parts import Begin, Density, LinearFamily, Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Range
from autophagy.core.workspace import Workspace

from ._em import EPS, TINY, log_sum, square_roots
from ._inputs import arrays, vectors

FILE = "kde.safetensors"
Bandwidth = Annotated[float, Range(0, 1e100, above=True)]  # whose square is a number too
LOST = 1e-10  # nats that rounding may take from a density before it is worked out the slow way


@register("kde")
@dataclass(frozen=True)
class Kde(Model):
    """A Gaussian kernel on every training point; draws a point and adds √λ times the kernel's noise.

    So λ → 0 draws copies of the training set, the best quality there is and no new diversity. A fixed bandwidth
    adds h² to the variance of every axis in every generation; a rule widens with the data instead.

    Attributes:
        bandwidth: h, the standard deviation of an isotropic kernel in units of the samples; or "scott" or
            "silverman", whose kernel is the training covariance (divisor n − 1) times a factor squared:
            n^(−1/(d+4)), or (n(d+2)/4)^(−1/(d+4)) (Silverman 1986, as in scipy's `gaussian_kde`).
    """

    takes = ("vectors",)
    bandwidth: Bandwidth | Literal["scott", "silverman"] = "scott"

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        points = vectors(train, self.name)  # (n, d)
        with np.errstate(over="ignore", invalid="ignore"):  # what these would warn of is raised below
            kernel = self._kernel(points)
        if not np.isfinite(kernel).all():
            raise Diverged("model 'kde' found a bandwidth that is not finite; the samples are too far apart.")
        return FittedKde(np.array(points), kernel)  # a copy: the pool's memory may be a file that goes away

    def load(self, folder: Path) -> Sampler:
        return FittedKde(*arrays(folder / FILE, "points", "kernel"))

    def linear_family(self) -> LinearFamily | None:
        if isinstance(self.bandwidth, str):
            return None
        return LinearFamily(takes_bias=False, added=self.bandwidth**2)

    def _kernel(self, points: np.ndarray) -> np.ndarray:
        """The kernel's covariance `(d, d)`."""
        n, d = points.shape
        if not isinstance(self.bandwidth, str):
            return self.bandwidth**2 * np.eye(d)
        size = n if self.bandwidth == "scott" else n * (d + 2) / 4
        gap = points - points.mean(0)
        return np.asarray(size ** (-2 / (d + 4)) * (gap.T @ gap) / max(n - 1, 1))


@dataclass(frozen=True)
class FittedKde(Density):
    points: np.ndarray  # (n, d)
    kernel: np.ndarray  # (d, d), a covariance

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        # two streams, so that the first rows are the same, up to the last bit, however many are drawn
        chosen = (seed.child("point").numpy().random(n) * len(self.points)).astype(np.int64)  # (n,)
        noise = seed.child("noise").numpy().standard_normal((n, self.points.shape[1]))  # (n, d)
        return np.asarray(self.points[chosen] + noise @ square_roots(bias * self.kernel))

    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        centre = self.points.mean(0)
        whiten = self._whiten()
        points = (self.points - centre) @ whiten.T  # (n, d), in units of the kernel
        asked = (np.asarray(samples, np.float64) - centre) @ whiten.T  # (m, d)
        n, d = points.shape
        height = float(np.log(np.diagonal(whiten)).sum()) - 0.5 * d * np.log(2 * np.pi) - np.log(n)
        log_kernel = _log_kernel if _reach(points, asked) * EPS < LOST else _log_kernel_far
        rows = max(1, 2**22 // n)  # of `asked` at a time, so that no m × n matrix is ever whole
        blocks = [asked[i : i + rows] for i in range(0, len(asked), rows)]
        return np.concatenate([np.empty(0), *(height + log_sum(log_kernel(points, block)) for block in blocks)])

    def save(self, folder: Path) -> None:
        save_file({"points": self.points, "kernel": self.kernel}, folder / FILE)

    def _whiten(self) -> np.ndarray:
        d = len(self.kernel)
        floor = 1e-12 * float(np.trace(self.kernel)) / d + (EPS * float(np.abs(self.points).max())) ** 2 + TINY
        return np.linalg.inv(np.linalg.cholesky(self.kernel + floor * np.eye(d)))


def _reach(*sets: np.ndarray) -> float:
    """The largest square of a distance from the centre, in units of the kernel."""
    return max(float(np.square(rows).sum(1).max(initial=0)) for rows in sets)


def _log_kernel(points: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Returns `(n, m)`: minus half the squared distances."""
    return np.asarray(points @ asked.T - 0.5 * np.square(points).sum(1)[:, None] - 0.5 * np.square(asked).sum(1))


def _log_kernel_far(points: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The same from differences, some ten times slower: nothing cancels where kernels are narrow."""
    from scipy.spatial.distance import cdist

    return np.asarray(-0.5 * cdist(points, asked, "sqeuclidean"))
