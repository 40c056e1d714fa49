"""Generators and critics for Wasserstein GANs with gradient penalty: convolutions for images, layers for vectors.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved training of Wasserstein GANs", 2017: no normalisation
over a batch anywhere, since the penalty is each sample's own.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of the critics' leaky rectifiers
KERNEL = 4  # divisible by the stride of 2, so that no pixel is painted more often than its neighbours
SMALLEST = 4  # pixels, about: the side at which an image generator begins


def depth(height: int, width: int) -> int:
    """How often an image is halved until its shorter side has about 4 pixels; at least once."""
    found = 1
    while min(height, width) > SMALLEST * 2**found:
        found += 1
    return found


class ImageGenerator(nn.Module):
    """`(n, latent)` → `(n, colours, height, width)` from −1 to 1; both sides are multiples of 2 to the `depth`."""

    def __init__(self, latent: int, colours: int, height: int, width: int, channels: int) -> None:
        super().__init__()
        times = depth(height, width)
        widths = [channels * 2**k for k in reversed(range(times))]  # from the smallest image on
        self._begin = (height >> times, width >> times, widths[0])
        self.entry = nn.Linear(latent, widths[0] * (height >> times) * (width >> times))
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(own, following, KERNEL, stride=2, padding=1)
            for own, following in zip(widths, [*widths[1:], colours], strict=True)
        )
        _scaled(self)

    def forward(self, z: Tensor) -> Tensor:
        x = self.entry(z).view(-1, *self._begin).permute(0, 3, 1, 2)  # channels-last
        for layer in self.layers:
            x = layer(F.relu(x))
        return torch.tanh(x.float())


class ImageCritic(nn.Module):
    """`(n, colours, height, width)` → `(n,)` scores, higher for what looks real."""

    def __init__(self, colours: int, height: int, width: int, channels: int) -> None:
        super().__init__()
        times = depth(height, width)
        widths = [colours, *(channels * 2**k for k in range(times))]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, own, KERNEL, stride=2, padding=1) for before, own in pairwise(widths)
        )
        self.exit = nn.Linear(widths[-1] * (height >> times) * (width >> times), 1)
        _scaled(self)

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for layer in self.layers:
            # the layout of images of one colour is ambiguous, so it is said again after the first convolution
            x = F.leaky_relu(layer(x).contiguous(memory_format=torch.channels_last), SLOPE)
        scores: Tensor = self.exit(x.permute(0, 2, 3, 1).flatten(1))[:, 0]  # as they lie
        return scores.float()


class VectorGenerator(nn.Module):
    """`(n, latent)` → `(n, dimensions)`, three hidden layers."""

    def __init__(self, latent: int, dimensions: int, hidden: int) -> None:
        super().__init__()
        self.layers = _layers(latent, hidden, dimensions)
        _scaled(self)

    def forward(self, z: Tensor) -> Tensor:
        found: Tensor = self.layers(z)
        return found.float()


class VectorCritic(nn.Module):
    """`(n, dimensions)` → `(n,)` scores, three hidden layers."""

    def __init__(self, dimensions: int, hidden: int) -> None:
        super().__init__()
        self.layers = _layers(dimensions, hidden, 1)
        _scaled(self)

    def forward(self, samples: Tensor) -> Tensor:
        scores: Tensor = self.layers(samples)[:, 0]
        return scores.float()


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    sizes = [inputs, hidden, hidden, hidden]
    parts: list[nn.Module] = []
    for before, own in pairwise(sizes):
        parts += [nn.Linear(before, own), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(hidden, outputs))


def _scaled(network: nn.Module) -> None:
    """Draws weights that keep the variance of what passes through (He et al. 2015); biases are 0."""
    for name, weight in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        else:
            nn.init.kaiming_normal_(weight, a=SLOPE)
