"""A denoiser's training: take images, add noise, drop some classes, ask the network, step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from autophagy.core.seeds import Seed
from autophagy.training import Batches, Player, Task, autocast, moved
from autophagy.training.machine import Precision

from ._diffusion_noise import Noising

WARM = 100  # steps over which the learning rate rises, at most
LAST = 0.01  # share of the learning rate that the last step has


@dataclass
class Denoising(Task):
    """Learns to tell noise from image at every noise level.

    Attributes:
        player: the network, its optimiser and its average.
        images: `(n, c, h, w)` uint8, perhaps on disk.
        labels: `(n,)` int64 class numbers.
        absent: the number that stands for no class.
        dropped: share of the samples whose class is not told.
        batches: of rows.
        noising: the objective and its noise levels.
        precision: of the products.
    """

    player: Player
    images: np.ndarray
    labels: np.ndarray
    absent: int
    dropped: float
    batches: Batches
    noising: Noising
    precision: Precision

    def state(self) -> Mapping[str, Player]:
        return {"denoiser": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        network, device = self.player.network, next(self.player.network.parameters()).device
        rows, rng = self.batches.rows(number), seed.numpy()
        clean = moved(self.images[rows], device).float() / 127.5 - 1  # (n, c, h, w), −1 … 1
        sigma = self.noising.levels(moved(spread_evenly(len(rows), rng), device))  # (n,)
        label = moved(np.where(rng.random(len(rows)) < self.dropped, self.absent, self.labels[rows]), device)
        noise = moved(rng.standard_normal(clean.shape, np.float32), device)
        wide = sigma[:, None, None, None]
        noisy = torch.addcmul(clean, wide, noise)
        target = self.noising.target(clean, noisy, wide)
        entering, level = noisy * self.noising.scales(wide)[2], sigma.log() / 4

        def loss(some: slice) -> Tensor:
            with autocast(self.precision, device):
                answer = network(entering[some], level[some], label[some])
            return F.mse_loss(answer.float(), target[some])

        return {"loss": self.player.descend(len(rows), loss)}


def spread_evenly(n: int, rng: np.random.Generator) -> np.ndarray:
    """`(n,)` float32, each uniform in [0, 1), together evenly spread: losses of a batch then vary less."""
    return np.asarray((np.arange(n) / n + rng.random()) % 1, np.float32)


def rate(steps: int) -> Callable[[int], float]:
    """The learning rate's factor: up along a line, down along a cosine."""
    warm = min(WARM, -(-steps // 10))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return LAST + (1 - LAST) * (1 + float(np.cos(np.pi * (step - warm) / max(1, steps - warm)))) / 2

    return factor
