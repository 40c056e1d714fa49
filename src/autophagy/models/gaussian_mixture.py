"""A mixture of full-covariance Gaussians, fitted by EM: the model whose modes are lost one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Begin, Density, LinearFamily, Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive
from autophagy.core.workspace import Workspace

from ._em import Climb, Initialisation, Mixture, begun, log_joint, log_sum, picked, square_roots
from ._inputs import arrays, vectors
from ._threads import one_thread

FILE = "mixture.safetensors"


@register("gaussian-mixture")
@dataclass(frozen=True)
class GaussianMixture(Model):
    """k Gaussians; draws component k with weight w_k and then from N(μ_k, λΣ_k). λ leaves the weights alone.

    The fitted mixture has the very mean and covariance (divisor N) of its training set, for any k; so its total
    variance under λ = 1 goes the way a single Gaussian's goes, however many modes are lost. Training sets with
    fewer than k distinct points get a component for each of them.

    Attributes:
        components: k.
        ridge: keeps the densities of nearly singular components finite while EM assigns points to them, as a share
            of the components' mean variance. Unlike scikit-learn's `reg_covar` it is never drawn from, so it adds
            no variance to the next generation.
        tolerance: EM ends when the mean log-likelihood of a sample rises by less, in nats.
        max_iterations: EM ends after this many rounds anyway.
        restarts: independent beginnings, of which the likeliest is kept; one where a fit goes on from earlier weights.
        initialisation: "k-means" (k-means++, then Lloyd's rounds), or first centres only: "k-means++", "random-points".
    """

    takes = ("vectors",)
    continues = True
    components: Count = 2
    ridge: Positive = 1e-6
    tolerance: Positive = 1e-3
    max_iterations: Count = 200
    restarts: Count = 1
    initialisation: Initialisation = "k-means"

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        points = vectors(train, self.name)  # (n, d)
        climb = Climb(self.ridge, self.tolerance, self.max_iterations)
        with one_thread():
            summits = [climb.run(points, beginning) for beginning in self._beginnings(points, start, seed)]
        best, _ = max(summits, key=lambda summit: summit[1])
        return FittedMixture(best, self.ridge)

    def load(self, folder: Path) -> Sampler:
        return FittedMixture(Mixture(*arrays(folder / FILE, "weights", "means", "covariances")), self.ridge)

    def linear_family(self) -> LinearFamily:
        return LinearFamily(takes_bias=False)  # λ shrinks the modes, not what lies between them

    def _beginnings(self, points: np.ndarray, start: Sampler | None, seed: Seed) -> list[Mixture]:
        if start is None:
            rngs = (seed.child("restart", i).numpy() for i in range(self.restarts))
            return [begun(points, self.components, self.initialisation, rng) for rng in rngs]
        if not isinstance(start, FittedMixture) or start.mixture.means.shape[1] != points.shape[1]:
            raise DataError(
                f"model 'gaussian-mixture' can only start from a Gaussian mixture in {points.shape[1]} dimensions."
            )
        return [start.mixture]


@dataclass(frozen=True)
class FittedMixture(Density):
    """Weights, means and maximum-likelihood covariances; the ridge is only in `log_prob`."""

    mixture: Mixture
    ridge: float

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        # two streams, so that the first rows are the same, up to the last bit, however many are drawn
        component = picked(self.mixture.weights, seed.child("component").numpy().random(n))  # (n,)
        drawn = seed.child("noise").numpy().standard_normal((n, self.mixture.means.shape[1]))  # (n, d)
        with one_thread():
            for k, root in enumerate(square_roots(bias * self.mixture.covariances)):
                rows = component == k
                drawn[rows] = self.mixture.means[k] + drawn[rows] @ root
        return drawn

    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        return log_sum(log_joint(np.asarray(samples, np.float64), self.mixture, self.ridge))

    def save(self, folder: Path) -> None:
        save_file(dict(vars(self.mixture)), folder / FILE)
