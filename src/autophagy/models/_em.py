"""Gaussian mixtures with full covariances, by expectation–maximisation (Dempster, Laird and Rubin 1977).

Written out here and not borrowed, because a chain of thousands of fits shows what a single fit hides: a
regulariser that is added to the covariances is added again in every generation and stops a collapse that is
real. Here the ridge only softens the densities that assign points to components; what is drawn from is the
maximum-likelihood estimate. So a mixture has exactly the mean and covariance (divisor N) of its training set,
whatever its components are, and `theory` covers its loops as it does a Gaussian's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from autophagy.core.errors import Diverged

Initialisation = Literal["k-means", "k-means++", "random-points"]
EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Mixture:
    """k components in d dimensions; a covariance may be singular, even zero."""

    weights: np.ndarray  # (k,)
    means: np.ndarray  # (k, d)
    covariances: np.ndarray  # (k, d, d)


@dataclass(frozen=True)
class Climb:
    """How long and how softly EM climbs.

    Attributes:
        ridge: added to the diagonal of every covariance inside densities, as a share of the components' mean variance.
        tolerance: it ends when the mean log-likelihood of a sample rises by less, in nats.
        iterations: at most this many.
    """

    ridge: float = 1e-6
    tolerance: float = 1e-3
    iterations: int = 100

    def run(self, points: np.ndarray, mixture: Mixture) -> tuple[Mixture, float]:
        """Climbs from `mixture` on `points` `(n, d)`; returns the summit and the mean log-likelihood one step below."""
        reached = -np.inf
        with np.errstate(over="ignore", invalid="ignore"):  # what these would warn of is raised below
            for _ in range(self.iterations):
                before = reached
                joint = log_joint(points, mixture, self.ridge)  # (k, n)
                total = log_sum(joint)  # (n,)
                reached = float(total.mean())
                if not np.isfinite(reached):
                    raise Diverged(f"a Gaussian mixture of {len(points)} samples has a log-likelihood of {reached}.")
                mixture = maximised(points, np.exp(joint - total), mixture)
                if abs(reached - before) < self.tolerance:
                    break
        return mixture, reached


def maximised(points: np.ndarray, share: np.ndarray, before: Mixture) -> Mixture:
    """The M-step: `share` `(k, n)` says how much of each point every component owns.

    A component that owns nothing keeps its place with weight 0.
    """
    mass = share.sum(1)  # (k,)
    owns = mass > TINY * len(points)
    mass_or_one = np.where(owns, mass, 1.0)
    means = np.where(owns[:, None], share @ points / mass_or_one[:, None], before.means)
    gaps = points.T - means[:, :, None]  # (k, d, n)
    covariances = (gaps * (share / mass_or_one[:, None])[:, None]) @ gaps.transpose(0, 2, 1)  # (k, d, d)
    covariances = np.where(owns[:, None, None], covariances, before.covariances)
    return Mixture(mass / mass.sum(), means, covariances)


def log_joint(points: np.ndarray, mixture: Mixture, ridge: float) -> np.ndarray:
    """Returns `(k, n)`: log weight plus log density, in nats, of every point `(n, d)` under every component."""
    d = points.shape[1]
    diagonal = np.einsum("kii->k", mixture.covariances)
    floor = ridge * float(mixture.weights @ diagonal) / d
    floor += (EPS * float(np.abs(mixture.means).max())) ** 2 + TINY  # so that a single point still has a density
    try:
        whiten = np.linalg.inv(np.linalg.cholesky(mixture.covariances + floor * np.eye(d)))  # (k, d, d)
    except np.linalg.LinAlgError:
        raise Diverged(f"a component's covariance plus a ridge of {ridge:g} is not positive definite.") from None
    scaled = whiten @ (points.T - mixture.means[:, :, None])  # (k, d, n)
    with np.errstate(divide="ignore"):  # a component of weight 0 has log weight −inf
        height = np.log(mixture.weights) + np.log(np.einsum("kii->ki", whiten)).sum(1) - 0.5 * d * np.log(2 * np.pi)
    return np.asarray(height[:, None] - 0.5 * np.square(scaled).sum(1))


def log_sum(joint: np.ndarray) -> np.ndarray:
    """Returns `(n,)`: the logarithm of the sum of exp over the components, `(k, n)`."""
    top = joint.max(0)
    return np.asarray(top + np.log(np.exp(joint - top).sum(0)))


def square_roots(covariances: np.ndarray) -> np.ndarray:
    """The symmetric square roots of `(k, d, d)`: unique, so a draw depends on no sign that an eigensolver picks."""
    values, vectors = np.linalg.eigh(covariances)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))[..., None, :]) @ np.swapaxes(vectors, -1, -2))


def picked(heights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Indices `(n,)` drawn with probabilities in proportion to `heights` `(k,)`, from `(n,)` numbers in [0, 1)."""
    steps = np.cumsum(heights)
    return np.searchsorted(steps[:-1] / steps[-1], uniform, side="right")


# ── where to start ───────────────────────────────────────────────────────────


def begun(points: np.ndarray, components: int, how: Initialisation, rng: np.random.Generator) -> Mixture:
    """A first mixture of at most `components`: each point belongs wholly to its nearest centre.

    There are fewer where there are fewer distinct points.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        centred = points - points.mean(0)  # distances far from the origin would lose their digits
        if not np.isfinite(np.square(centred).sum()):
            raise Diverged("the samples are so far apart that their covariance is not a finite number.")
    if how == "random-points":
        centres = centred[rng.choice(len(points), min(components, len(points)), replace=False)]
    else:
        centres = _spread(centred, components, rng)
    owner = _nearest(centred, centres)
    if how == "k-means":
        owner = _settled(centred, owner)
    owner = np.unique(owner, return_inverse=True)[1]  # centres that own nothing are left out
    share = (owner == np.arange(owner.max() + 1)[:, None]).astype(np.float64)  # (k, n)
    k, d = len(share), points.shape[1]
    return maximised(points, share, Mixture(np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))))


def _spread(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """k-means++ (Arthur and Vassilvitskii 2007), the best of 2 + ln k candidates at each step."""
    chosen = [int(rng.integers(len(points)))]
    gap = _squares(points, points[chosen])[0]  # (n,) squared distance to the nearest centre
    while len(chosen) < count and gap.sum() > 0:
        heights = np.cumsum(gap)
        wanted = rng.random(2 + int(np.log(count))) * heights[-1]
        candidates = np.minimum(np.searchsorted(heights, wanted, side="right"), len(points) - 1)
        gaps = np.minimum(gap, _squares(points, points[candidates]))  # (c, n)
        best = int(gaps.sum(1).argmin())
        chosen.append(int(candidates[best]))
        gap = gaps[best]
    return points[chosen]


def _settled(points: np.ndarray, owner: np.ndarray, rounds: int = 100) -> np.ndarray:
    """Lloyd's rounds of k-means. scikit-learn's sum centres in whatever order its threads finish."""
    for _ in range(rounds):
        member = owner == np.arange(owner.max() + 1)[:, None]  # (k, n)
        member = member[member.any(1)]
        moved = _nearest(points, member @ points / member.sum(1)[:, None])
        if np.array_equal(moved, owner):
            break
        owner = moved
    return owner


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.asarray(_squares(points, centres).argmin(0))  # (n,)


def _squares(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances `(k, n)`; by differences, so that equal points are exactly 0 apart."""
    return np.asarray(np.square(points.T - centres[:, :, None]).sum(1))
