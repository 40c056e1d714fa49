"""What a denoiser is told beside the noisy image: how noisy it is, and of which class."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WAVES = 32  # sines and as many cosines
SLOWEST, FASTEST = 0.5, 64.0  # radians for each unit of the level, which spans about −1.5 … 1.5


class NoiseCondition(nn.Module):
    """One vector for each image. Class number `classes` stands for "no class", as classifier-free guidance needs it.

    Attributes:
        classes: how many there are; 0 for a network that knows none.
    """

    frequencies: Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        waves = torch.exp(torch.linspace(math.log(SLOWEST), math.log(FASTEST), WAVES))
        self.register_buffer("frequencies", waves, persistent=False)
        self.level = nn.Sequential(nn.Linear(2 * WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width) if classes else None

    def forward(self, level: Tensor, label: Tensor) -> Tensor:
        """Takes levels `(n,)`, a quarter of ln σ, and class numbers `(n,)`; returns `(n, width)`."""
        angle = level[:, None] * self.frequencies  # (n, waves)
        told: Tensor = self.level(torch.cat([angle.sin(), angle.cos()], 1))
        return F.silu(told if self.label is None else told + self.label(label).to(told.dtype))


def zeroed(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
    """A layer that gives nothing at first, so that what it is added to begins as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def padded(images: Tensor, multiple: int) -> Tensor:
    """Images `(n, c, h, w)` with zeros to the right and below, until both sides are a multiple."""
    right, below = -images.shape[3] % multiple, -images.shape[2] % multiple
    return F.pad(images, (0, right, 0, below)) if right or below else images
