"""How a flow learns, the coordinates it learns in, and the sampler it becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from autophagy.core.errors import DataError, Diverged
from autophagy.core.parts import Begin, Density
from autophagy.core.seeds import Seed
from autophagy.networks.flow import Flow
from autophagy.training import Batches, Player, Task, moved, threads
from autophagy.training.first_weights import first_weights
from autophagy.training.loop import Stateful

from ._inputs import arrays
from ._principal import centred, principal
from ._trained import NetworkSampler, stretches

BUILT = ("kind", "shape", "dimensions", "couplings", "hidden", "bins")  # the facts that decide which weights there are
CHART = "chart.safetensors"
CLIP = 5.0  # the largest norm of a gradient


def network_of(facts: Mapping[str, Any], seed: Seed) -> Flow:
    """A flow with random weights, by the facts in `BUILT`."""
    with first_weights(seed):
        return Flow(facts["dimensions"], facts["kind"], facts["couplings"], facts["hidden"], facts["bins"])


@dataclass(frozen=True)
class Chart:
    """Coordinates of samples, `(n, q)`: of mean 0 and variance 1 on every axis over the training set.

    Attributes:
        centre: `(p,)`, what is taken away from the p numbers of a sample.
        basis: `(q, p)` orthonormal rows that they are then projected on; `(0, p)` for vectors, which keep their axes.
        scale: `(q,)`, the standard deviations they are then divided by.
        shape: of a sample; images have three sides.
    """

    centre: np.ndarray
    basis: np.ndarray
    scale: np.ndarray
    shape: tuple[int, ...]

    @classmethod
    def of_vectors(cls, samples: np.ndarray) -> Chart:
        """The axes that `(n, p)` vectors come with. Raises Diverged where they are too far apart for a variance."""
        with np.errstate(over="ignore", invalid="ignore"):
            deviation = samples.std(0)
        if not np.isfinite(deviation).all():
            raise Diverged("model 'flow' found a variance that is not finite; the samples are too far apart.")
        none = np.zeros((0, samples.shape[1]))
        return cls(samples.mean(0), none, np.where(deviation > 0, deviation, 1.0), samples.shape[1:])

    @classmethod
    def of_images(cls, images: np.ndarray, directions: int) -> Chart:
        """The leading principal components of `(n, c, h, w)` uint8, as wide as they are once dequantised."""
        rows = images.reshape(len(images), -1)
        centre, basis = principal(rows, directions)
        squares = sum((((gaps @ basis.T) ** 2).sum(0) for gaps in centred(rows, centre)), np.zeros(len(basis)))
        return cls(centre, basis, np.sqrt(squares / len(rows) + 1 / 12), images.shape[1:])

    @property
    def is_of_images(self) -> bool:
        return len(self.shape) == 3

    def coordinates(self, samples: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
        """Returns `(n, q)` float32; `noise` is added to the pixels first. Far from 0, 32 bits would not be enough."""
        rows = samples.reshape(len(samples), -1) - self.centre  # (n, p) float64
        if noise is not None:
            rows += noise
        places = rows @ self.basis.T if self.is_of_images else rows
        return np.asarray(places / self.scale, np.float32)

    def samples(self, coordinates: np.ndarray) -> np.ndarray:
        """Returns `(n, *shape)`: vectors in 64 bits, images rounded and clipped to 0–255. Raises Diverged."""
        if not np.isfinite(coordinates).all():
            raise Diverged("the flow drew numbers that are not finite.")
        places = coordinates * self.scale
        rows = (places @ self.basis if self.is_of_images else places) + self.centre
        if self.is_of_images:
            rows = np.clip(np.rint(rows), 0, 255).astype(np.uint8)
        return np.asarray(rows.reshape(-1, *self.shape))

    def save(self, folder: Path) -> None:
        save_file({"centre": self.centre, "basis": self.basis, "scale": self.scale}, folder / CHART)

    @classmethod
    def load(cls, folder: Path, shape: tuple[int, ...]) -> Chart:
        centre, basis, scale = arrays(folder / CHART, "centre", "basis", "scale")
        return cls(centre, basis, scale, shape)


class FlowTask(Task):
    """One player, down the negative log-likelihood of a batch's coordinates; images get fresh noise every time.

    The learning rate falls to 0 by half a cosine over `steps`: on 10,000 points of the Rosenbrock density that halves
    what a constant rate leaves of the divergence from the truth.
    """

    def __init__(
        self,
        network: Flow,
        optimiser: torch.optim.Optimizer,
        samples: np.ndarray,
        chart: Chart,
        batches: Batches,
        steps: int,
    ) -> None:
        self.network, self.samples, self.chart, self.batches = network, samples, chart, batches
        self.player = Player(network, optimiser, clip=CLIP, rate=lambda k: (1 + math.cos(math.pi * k / steps)) / 2)
        self.device = next(network.parameters()).device

    def state(self) -> Mapping[str, Stateful]:
        return {"player": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        samples = self.samples[self.batches.rows(number)]
        noise = None
        if self.chart.is_of_images:  # bytes are points; a density would pile up on them without end
            noise = seed.numpy().random((len(samples), self.chart.centre.size)) - 0.5
        places = moved(self.chart.coordinates(samples, noise), self.device)
        return {"nll": self.player.descend(len(samples), lambda rows: -self.network.log_prob(places[rows]).mean())}


class FittedFlow(NetworkSampler, Density):
    """Draws z ~ N(0, λI) and maps it back to samples."""

    network: Flow

    def __init__(self, network: Flow, chart: Chart, facts: Mapping[str, Any], threads: int = 1) -> None:
        super().__init__(network, facts, threads)
        self.chart = chart

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        def draw(rows: slice, own: Seed) -> Tensor:
            noise = own.numpy().standard_normal((self.together, self.network.dimensions), np.float32)
            drawn: Tensor = self.network(moved(noise, self.device) * bias**0.5)
            return drawn[: rows.stop - rows.start]

        return self.chart.samples(self._drawn(n, seed, draw))

    def log_prob(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n,)` nats: of vectors in their own units; of images the density of their projection on the basis,
        in grey levels.
        """
        if samples.shape[1:] != self.chart.shape:
            raise DataError(f"the flow has learned samples of shape {self.chart.shape}, but got {samples.shape[1:]}.")
        with threads(self.threads), torch.inference_mode():
            parts = [
                self.network.log_prob(moved(self.chart.coordinates(samples[rows]), self.device)).double().cpu().numpy()
                for rows in stretches(len(samples), self.together)
            ]
        return np.asarray(np.concatenate([*parts, np.zeros(0)]) - np.log(self.chart.scale).sum())

    def save(self, folder: Path) -> None:
        super().save(folder)
        self.chart.save(folder)
