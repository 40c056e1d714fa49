"""The KL autoencoder of `tiny-sd`: photographs of 32 × 32 pixels become 8 × 8 places of four numbers, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from autophagy.core.seeds import Seed
from autophagy.training import Batches, Player, Task, first_weights

from .data import photographs, trained_on
from .parts import SEED, Place, player, tensor

STEPS, BATCH, RATE = 3500, 32, 2e-3
CHANNELS = (16, 32, 32)
KL = 1e-4  # weight of the divergence from a standard normal, per latent number
AVERAGE = 0.998


def train(place: Place) -> None:
    images, captions = photographs("train", place.garments)
    images = images[trained_on(captions)]
    with first_weights(SEED.child("autoencoder")):
        network = made(1.0).to(memory_format=torch.channels_last)
    batches = Batches(len(images), BATCH, SEED.child("autoencoder", "order"))
    learner = player(network, STEPS, RATE, average=AVERAGE)
    place.train("autoencoder", Rebuilding(learner, images, batches), STEPS)
    if learner.average is None:
        raise RuntimeError("the autoencoder is averaged")
    final: Any = learner.average.network
    few = tensor(images[:: max(1, len(images) // 5000)])
    with torch.inference_mode():
        spread = float(final.encode(few).latent_dist.sample(torch.Generator().manual_seed(0)).std())
    kept = made(1 / spread)  # latents times this have a spread of one, as the noise has
    kept.load_state_dict(final.state_dict())
    kept.save_pretrained(place.sd / "vae")


def made(scaling: float) -> Any:
    return AutoencoderKL(
        block_out_channels=CHANNELS,
        down_block_types=["DownEncoderBlock2D"] * len(CHANNELS),
        up_block_types=["UpDecoderBlock2D"] * len(CHANNELS),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
        scaling_factor=scaling,
    )


@dataclass
class Rebuilding(Task):
    """Learns to rebuild photographs from few numbers that are nearly normal."""

    player: Player
    images: np.ndarray
    batches: Batches

    def state(self) -> Mapping[str, Player]:
        return {"autoencoder": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        rows = self.batches.rows(number)
        network: Any = self.player.network
        pixels = tensor(self.images[rows])
        noise = torch.from_numpy(seed.numpy().standard_normal((len(rows), 4, 8, 8), np.float32))

        def loss(some: slice) -> Tensor:
            code: Any = network.encode(pixels[some]).latent_dist
            rebuilt = network.decode(code.mean + code.std * noise[some]).sample
            near = F.mse_loss(rebuilt, pixels[some]) + 0.2 * F.l1_loss(rebuilt, pixels[some])
            total: Tensor = near + KL * code.kl().mean() / noise[0].numel()
            return total

        return {"loss": self.player.descend(len(rows), loss)}
