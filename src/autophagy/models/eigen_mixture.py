"""Mixtures of Gaussians in a basis of eigenimages: recognisable digits after a fraction of a second."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from autophagy.core.catalog import register
from autophagy.core.errors import Damaged, Diverged, listed
from autophagy.core.parts import Begin, Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive
from autophagy.core.workspace import Workspace

from ._em import Climb, Mixture, begun, picked, square_roots
from ._inputs import arrays, checked
from ._principal import centred, principal
from ._threads import one_thread

ARRAYS, FACTS = "eigen-mixture.safetensors", "eigen-mixture.json"
COLUMNS = ("mean", "basis", "owner", "weights", "means", "roots")


@register("eigen-mixture", version=2)  # 1 had rounding in pixels that never change
@dataclass(frozen=True)
class EigenMixture(Model):
    """A Gaussian mixture for every class or caption, in the training set's leading principal components.

    Draws from N(μ_k, λΣ_k) in that basis, nothing outside it, and rounds and clips to 0–255. So a generation loses
    diversity in three ways, none of them put there for the purpose: what the basis leaves out (most of it at once),
    what clipping takes (a Gaussian has no edge at black, ink has) and what n images don't show of a distribution.
    Meant for small images: the cost grows with the cube of the number of pixels or of images, whichever is less.

    Attributes:
        directions: eigenimages kept; fewer where the training set has fewer.
        components: Gaussians for each class; fewer where a class has fewer distinct images.
        ridge: softens densities while EM assigns images to components, as a share of their mean variance; never drawn.
        tolerance: EM ends when the mean log-likelihood of an image rises by less, in nats.
        max_iterations: EM ends after this many rounds anyway.
    """

    takes = ("images",)
    conditional = True
    only_seen = True
    directions: Count = 60
    components: Count = 5
    ridge: Positive = 0.01
    tolerance: Positive = 1e-3
    max_iterations: Count = 50

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        checked(train, self.name)
        with one_thread():
            return self._fit(train, seed, workspace)

    def load(self, folder: Path) -> Sampler:
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            shape = tuple(int(side) for side in facts["shape"])
            classes = None if facts["classes"] is None else tuple(facts["classes"])
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise Damaged(f"{FACTS} must hold a shape and classes, but cannot be read: {problem!r}.") from None
        return FittedEigenMixture(shape, classes, *arrays(folder / ARRAYS, *COLUMNS))

    def _fit(self, train: Pool, seed: Seed, workspace: Workspace) -> FittedEigenMixture:
        images = train.samples  # (n, c, h, w) uint8
        rows = images.reshape(len(images), -1)  # (n, d)
        mean, basis = principal(rows, self.directions)  # (d,), (q, d)
        places = np.concatenate([gaps @ basis.T for gaps in centred(rows, mean)])  # (n, q)
        if train.condition is None:
            return _fitted(images.shape[1:], None, mean, basis, [self._mixture(places, seed.child("all"))])
        classes, member = np.unique(train.condition, return_inverse=True)  # (g,), (n,)
        mixtures: list[Mixture] = []
        for g, label in enumerate(classes.tolist()):
            mixtures.append(self._mixture(places[member == g], seed.child("class", label)))
            workspace.progress(g + 1, len(classes), "classes")
        return _fitted(images.shape[1:], tuple(classes.tolist()), mean, basis, mixtures)

    def _mixture(self, places: np.ndarray, seed: Seed) -> Mixture:
        """One class's mixture; its weights add up to the number of its images."""
        beginning = begun(places, self.components, "k-means", seed.numpy())
        found, _ = Climb(self.ridge, self.tolerance, self.max_iterations).run(places, beginning)
        return Mixture(found.weights * len(places), found.means, found.covariances)


@dataclass(frozen=True)
class FittedEigenMixture(Sampler):
    """All classes' components in one table, d pixels and q directions; `classes` is None if there were no labels."""

    shape: tuple[int, ...]  # (c, h, w)
    classes: tuple[int | str, ...] | None
    mean: np.ndarray  # (d,) float32
    basis: np.ndarray  # (q, d) float32
    owner: np.ndarray  # (k,) int64, an index into `classes`
    weights: np.ndarray  # (k,) float64, in training images
    means: np.ndarray  # (k, q) float32
    roots: np.ndarray  # (k, q, q) float32, symmetric square roots of covariances

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        # two streams, so that the first images are the same however many are drawn
        component = self._components(seed.child("component").numpy().random(n), condition)  # (n,)
        places = seed.child("noise").numpy().standard_normal((n, len(self.basis)), np.float32)  # (n, q)
        with one_thread():
            for k in np.unique(component).tolist():
                rows = component == k
                places[rows] = self.means[k] + np.float32(np.sqrt(bias)) * (places[rows] @ self.roots[k])
            pixels: np.ndarray = places @ self.basis  # (n, d)
        pixels += self.mean
        np.clip(np.rint(pixels, out=pixels), 0, 255, out=pixels)
        return np.asarray(pixels.astype(np.uint8).reshape(n, *self.shape))

    def save(self, folder: Path) -> None:
        save_file({name: getattr(self, name) for name in COLUMNS}, folder / ARRAYS)
        facts = {"shape": self.shape, "classes": self.classes}
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    def _components(self, uniform: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """The component `(n,)` of each draw: of the class asked for, or of any class as often as it was trained on."""
        if condition is None:
            return picked(self.weights, uniform)
        known = {label: g for g, label in enumerate(self.classes or ())}
        wanted, member = np.unique(condition, return_inverse=True)  # (w,), (n,)
        chosen = np.empty(len(uniform), np.int64)
        for w, label in enumerate(wanted.tolist()):
            if label not in known:
                raise Diverged(
                    f"the class {label!r} has died out: it is to be drawn, but the training set had only "
                    f"{_shortened(self.classes)}."
                )
            own = np.flatnonzero(self.owner == known[label])  # the class's components
            chosen[member == w] = own[picked(self.weights[own], uniform[member == w])]
        return chosen


def _fitted(
    shape: tuple[int, ...],
    classes: tuple[int | str, ...] | None,
    mean: np.ndarray,
    basis: np.ndarray,
    mixtures: list[Mixture],
) -> FittedEigenMixture:
    return FittedEigenMixture(
        shape=shape,
        classes=classes,
        mean=mean.astype(np.float32),
        basis=np.ascontiguousarray(basis, np.float32),
        owner=np.repeat(np.arange(len(mixtures)), [len(m.weights) for m in mixtures]),
        weights=np.concatenate([m.weights for m in mixtures]),
        means=np.concatenate([m.means for m in mixtures]).astype(np.float32),
        roots=np.concatenate([square_roots(m.covariances) for m in mixtures]).astype(np.float32),
    )


def _shortened(classes: tuple[int | str, ...] | None, limit: int = 12) -> str:
    names = [str(label) for label in (classes or ())[:limit]]
    return listed(names) + (" …" if len(classes or ()) > limit else "")
