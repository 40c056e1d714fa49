"""Variational autoencoders for images in 0..1: a convolutional one and one of dense layers (Kingma and Welling 2014).

Images are `(n, c, h, w)` floats, codes `(n, latent)`. Both networks give logits of
pixels, `(n, c, h, w)`: a pixel's mean is their sigmoid.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, int, int]  # colours, height, width of an image
KERNEL, STRIDE, EDGE = 4, 2, 1  # of every convolution: each halves both sides, or doubles them


class Autoencoder(nn.Module):
    """An encoder and a decoder, for networks that have both to derive from."""

    latent: int

    @abstractmethod
    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log variance of each image's code, `(n, latent)` float32."""

    @abstractmethod
    def decode(self, codes: Tensor) -> Tensor:
        """Returns logits of pixels, `(n, c, h, w)` float32."""

    def means(self, codes: Tensor) -> Tensor:
        """Returns the mean images of codes, `(n, c, h, w)` in 0..1."""
        return torch.sigmoid(self.decode(codes))


class ConvolutionalVae(Autoencoder):
    """Two convolutions down, two up, ReLU between them, one dense layer on either side of the code.

    Sides that four does not divide are filled up with black on the right and
    below, and cut off again. All maps lie in memory channels last.
    """

    def __init__(self, shape: Shape, channels: int, latent: int) -> None:
        super().__init__()
        colours, self.height, self.width = shape
        self.rows, self.columns = -(-self.height // 4), -(-self.width // 4)
        self.latent, self.deep = latent, 2 * channels
        flat = self.deep * self.rows * self.columns
        self.down1 = nn.Conv2d(colours, channels, KERNEL, STRIDE, EDGE)
        self.down2 = nn.Conv2d(channels, self.deep, KERNEL, STRIDE, EDGE)
        self.to_code = nn.Linear(flat, 2 * latent)  # mean and log variance side by side
        self.from_code = nn.Linear(latent, flat)
        self.up2 = nn.ConvTranspose2d(self.deep, channels, KERNEL, STRIDE, EDGE)
        self.up1 = NarrowUp(channels, colours, KERNEL, STRIDE, EDGE)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        black = (0, 4 * self.columns - self.width, 0, 4 * self.rows - self.height)
        x = F.pad(images, black).contiguous(memory_format=torch.channels_last)
        x = F.relu(self.down1(x))  # (n, channels, h/2, w/2)
        x = F.relu(self.down2(x))  # (n, deep, h/4, w/4)
        mean, log_variance = self.to_code(x.permute(0, 2, 3, 1).flatten(1)).float().chunk(2, 1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        x = self.from_code(codes).view(-1, self.rows, self.columns, self.deep).permute(0, 3, 1, 2)
        x = F.relu(self.up2(x))  # (n, channels, h/2, w/2)
        logits: Tensor = self.up1(x)
        return logits[..., : self.height, : self.width]


class NarrowUp(nn.ConvTranspose2d):
    """A transposed convolution to few channels, as one product and a sum of overlapping patches.

    The same function; torch's own is slow to so few channels, up to a fifth of a whole step.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """`(n, channels, h, w)`, channels last → `(n, colours, 2h, 2w)` float32."""
        h, w = x.shape[2:]
        patches = F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1).t())  # (n, h, w, colours · 16)
        patches = patches.float().flatten(1, 2).transpose(1, 2)
        image = F.fold(patches, (STRIDE * h, STRIDE * w), KERNEL, padding=EDGE, stride=STRIDE)
        return image if self.bias is None else image + self.bias[:, None, None]


class DenseVae(Autoencoder):
    """One hidden layer with ReLU on either side of the code."""

    def __init__(self, shape: Shape, hidden: int, latent: int) -> None:
        super().__init__()
        self.shape, self.latent = shape, latent
        pixels = shape[0] * shape[1] * shape[2]
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(images.flatten(1)).float().chunk(2, 1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        logits: Tensor = self.decoder(codes).float()
        return logits.view(-1, *self.shape)


def bound(logits: Tensor, images: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """The negative evidence lower bound of each image, `(n,)` nats: cross-entropy of its pixels and KL of its code."""
    pixels = F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)
    return pixels + 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
