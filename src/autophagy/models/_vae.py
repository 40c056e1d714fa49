"""How a VAE learns, and what is left when it has: a sampler that can also encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autophagy.core.parts import Begin, Encodes
from autophagy.core.seeds import Seed
from autophagy.networks.vae import Autoencoder, ConvolutionalVae, DenseVae, bound
from autophagy.training import Batches, Player, Task, autocast, moved, threads
from autophagy.training.first_weights import first_weights
from autophagy.training.loop import Stateful
from autophagy.training.machine import Precision

from ._trained import NetworkSampler, finite, stretches

BUILT = ("network", "shape", "latent", "channels", "hidden")  # the facts that decide which weights there are


def network_of(facts: Mapping[str, Any], seed: Seed) -> Autoencoder:
    """A network with random weights, by the facts in `BUILT`."""
    colours, height, width = facts["shape"]
    with first_weights(seed):
        if facts["network"] == "convolutional":
            return ConvolutionalVae((colours, height, width), facts["channels"], facts["latent"])
        return DenseVae((colours, height, width), facts["hidden"], facts["latent"])


@dataclass(frozen=True)
class Redraw:
    """Rows of a training set that are drawn anew whenever a batch has them.

    Attributes:
        decoder: whose mean images, of codes z ~ N(0, I), stand in for them.
        rows: `(n,)` bool.
    """

    decoder: Autoencoder
    rows: np.ndarray


class VaeTask(Task):
    """One player, down the negative evidence lower bound. It is summed over a batch, not averaged, as the notebook has
    it: that makes the weight decay weaker by the size of the batch.

    `images` are `(n, c, h, w)` uint8, perhaps mapped from a file; only a batch of them is opened at a time.
    """

    def __init__(
        self,
        network: Autoencoder,
        optimiser: torch.optim.Optimizer,
        images: np.ndarray,
        batches: Batches,
        precision: Precision,
        redraw: Redraw | None,
    ) -> None:
        self.network, self.images, self.batches = network, images, batches
        self.precision, self.redraw = precision, redraw
        self.player = Player(network, optimiser)
        self.device = next(network.parameters()).device

    def state(self) -> Mapping[str, Stateful]:
        return {"player": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        rows = self.batches.rows(number)
        images = self.opened(rows, seed.child("redraw"))  # (n, c, h, w) in 0..1
        noise = codes(len(rows), self.network.latent, seed.child("noise"), self.device)

        def loss(piece: slice) -> Tensor:
            with autocast(self.precision, self.device):
                mean, log_variance = self.network.encode(images[piece])
                logits = self.network.decode(mean + torch.exp(log_variance / 2) * noise[piece])
            return bound(logits, images[piece], mean, log_variance).mean() * len(rows)

        return {"bound": self.player.descend(len(rows), loss) / len(rows)}

    @torch.no_grad()
    def opened(self, rows: np.ndarray, seed: Seed) -> Tensor:
        """Returns the images of a batch, `(n, c, h, w)` in 0..1, those that are to be redrawn among them."""
        images = moved(self.images[rows], self.device).float() / 255
        if self.redraw is not None and self.redraw.rows[rows].any():
            fresh = torch.from_numpy(self.redraw.rows[rows]).to(self.device)
            z = codes(int(fresh.sum()), self.redraw.decoder.latent, seed, self.device)
            with autocast(self.precision, self.device):
                images[fresh] = self.redraw.decoder.means(z)
        return images


class FittedVae(NetworkSampler, Encodes):
    """Draws z ~ N(0, λI) and gives the decoder's means, rounded to bytes."""

    network: Autoencoder

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        def draw(rows: slice, own: Seed) -> Tensor:
            z = codes(self.together, self.network.latent, own, self.device) * bias**0.5
            logits = finite(self.network.decode(z)[: rows.stop - rows.start])
            return logits.sigmoid().mul(255).round().to(torch.uint8)

        return self._drawn(n, seed, draw)

    def encode_means(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, latent)` float32 of images `(n, c, h, w)` uint8."""
        with threads(self.threads), torch.inference_mode():
            parts = [
                self.network.encode(moved(samples[rows], self.device).float() / 255)[0].cpu().numpy()
                for rows in stretches(len(samples), self.together)
            ]
        return np.concatenate([np.zeros((0, self.network.latent), np.float32), *parts])


def codes(n: int, latent: int, seed: Seed, device: torch.device) -> Tensor:
    """`(n, latent)` standard normal numbers."""
    return moved(seed.numpy().standard_normal((n, latent), np.float32), device)
