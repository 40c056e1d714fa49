"""StyleGAN2: a generator in two parts (what, and how it looks) with skips, and a residual discriminator.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and improving the image quality of StyleGAN", 2020.
Images are `(n, c, side, side)` floats from −1 to 1, the side a power of two from 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .stylegan2_layers import (
    GAIN,
    SLOPE,
    EqualConvolution,
    EqualLinear,
    ModulatedConvolution,
    doubled,
    normalised,
    with_spread,
)

SMALLEST = 4  # pixels: where the generator begins and the discriminator ends
GROUP = 4  # images that the discriminator judges with a look at their spread


@dataclass(frozen=True)
class Shape:
    """What both networks must agree on.

    Attributes:
        colours: channels of an image.
        side: pixels, a power of two.
        base: channels of features at one pixel's resolution: at side r there are base / r of them …
        most: … but no more than this.
        latent: numbers in z and in w.
        layers: of the mapping network.
        dtype: of the feature maps; weights and what is small stay float32.
    """

    colours: int
    side: int
    base: int
    most: int
    latent: int
    layers: int
    dtype: torch.dtype = torch.float32

    def channels(self, side: int) -> int:
        return max(1, min(self.base // side, self.most))

    @property
    def sides(self) -> list[int]:
        """4, 8, …, side."""
        return [2**k for k in range(int(math.log2(SMALLEST)), int(math.log2(self.side)) + 1)]

    @property
    def styles(self) -> int:
        """How many layers of the generator take a w of their own."""
        return 2 * len(self.sides)

    @property
    def noises(self) -> int:
        """Numbers of noise that one image takes."""
        return 2 * sum(side**2 for side in self.sides) - SMALLEST**2


class Generator(nn.Module):
    """z → w → image. `middle` is the running mean of w that truncation pulls towards."""

    middle: Tensor  # (latent,)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.mapping = nn.Sequential(
            *(EqualLinear(shape.latent, shape.latent, rate=0.01, rectified=True) for _ in range(shape.layers))
        )
        self.constant = nn.Parameter(torch.randn(1, shape.channels(SMALLEST), SMALLEST, SMALLEST))
        self.blocks = nn.ModuleList(SynthesisBlock(shape, side) for side in shape.sides)
        self.register_buffer("middle", torch.zeros(shape.latent))

    def forward(self, z: Tensor, noise: Tensor, truncation: float = 1.0) -> Tensor:
        """Images of `(n, latent)` z and `(n, noises)` noise, all N(0, 1)."""
        return self.draw(self.truncated(self.map(z), truncation)[:, None].expand(-1, self.shape.styles, -1), noise)

    def map(self, z: Tensor) -> Tensor:
        """w, `(n, latent)`."""
        w: Tensor = self.mapping(normalised(z))
        return w

    def recentre(self, w: Tensor, share: float) -> None:
        """Moves the middle that share of the way towards the mean of w, `(n, latent)`."""
        self.middle.lerp_(w.mean(0), share)

    def truncated(self, w: Tensor, truncation: float) -> Tensor:
        """w moved towards the middle: at `truncation` ψ only that share of the way from it is left."""
        return w if truncation == 1 else self.middle.lerp(w, truncation)

    def draw(self, styles: Tensor, noise: Tensor) -> Tensor:
        """Images of `(n, styles, latent)` and noise."""
        x = self.constant.to(self.shape.dtype).expand(len(styles), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x, image = self.blocks[0](x, styles, noise)
        style, pixel = 1, SMALLEST**2  # how many of them are used up
        for side, block in zip(self.shape.sides[1:], self.blocks[1:], strict=True):
            x, colours = block(x, styles[:, style:], noise[:, pixel:])
            image = doubled(image) + colours
            style, pixel = style + 2, pixel + 2 * side**2
        found: Tensor = image
        return found


class SynthesisBlock(nn.Module):
    """The layers of one resolution; all but the first double it on entering."""

    def __init__(self, shape: Shape, side: int) -> None:
        super().__init__()
        own, below = shape.channels(side), shape.channels(side // 2)
        self.side = side
        self.layers = nn.ModuleList([SynthesisLayer(own, own, shape.latent)])
        if side > SMALLEST:
            self.layers.insert(0, SynthesisLayer(below, own, shape.latent, doubles=True))
        self.colours = ModulatedConvolution(own, shape.colours, 1, shape.latent, normed=False)
        self.bias = nn.Parameter(torch.zeros(shape.colours))

    def forward(self, x: Tensor, styles: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Features, and the colours they add to the image. Its own styles and noise come first in those given."""
        pixels = self.side**2
        for k, layer in enumerate(self.layers):
            own = noise[:, k * pixels : (k + 1) * pixels]
            x = layer(x, styles[:, k], own.view(-1, 1, self.side, self.side))
        colours, _ = self.colours(x, styles[:, len(self.layers)])
        return x, colours.float() + self.bias[:, None, None]


class SynthesisLayer(nn.Module):
    """A modulated convolution, noise, bias and a rectifier."""

    def __init__(self, inputs: int, outputs: int, latent: int, *, doubles: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConvolution(inputs, outputs, 3, latent, doubles=doubles)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        x, factor = self.convolution(x, w)
        added = (noise * (self.strength * GAIN)).to(x.dtype)  # (n, 1, h, w)
        x = torch.addcmul(added, x, (factor * GAIN).to(x.dtype))
        return F.leaky_relu(x + (self.bias * GAIN).to(x.dtype)[:, None, None], SLOPE)


class Discriminator(nn.Module):
    """Images → `(n,)` logits of being real. Groups of `group` neighbours are judged with a look at their spread."""

    def __init__(self, shape: Shape, group: int = GROUP) -> None:
        super().__init__()
        self.shape, self.group = shape, group
        last = shape.channels(SMALLEST)
        self.entry = EqualConvolution(shape.colours, shape.channels(shape.side), 1)
        self.blocks = nn.ModuleList(ResidualBlock(shape, side) for side in reversed(shape.sides[1:]))
        self.convolution = EqualConvolution(last + 1, last, 3)
        self.hidden = EqualLinear(last * SMALLEST**2, last, rectified=True)
        self.exit = EqualLinear(last, 1)

    def forward(self, images: Tensor) -> Tensor:
        # the layout of images of one colour is ambiguous, so it is said after the first convolution
        x = self.entry(images.to(self.shape.dtype)).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
        x = self.convolution(with_spread(x.float(), self.group))
        logits: Tensor = self.exit(self.hidden(x.permute(0, 2, 3, 1).flatten(1)))[:, 0]
        return logits


class ResidualBlock(nn.Module):
    """Halves the resolution."""

    def __init__(self, shape: Shape, side: int) -> None:
        super().__init__()
        own, below = shape.channels(side), shape.channels(side // 2)
        half = math.sqrt(0.5)  # two paths of variance 1 make a sum of variance 1
        self.first = EqualConvolution(own, own, 3)
        self.second = EqualConvolution(own, below, 3, halves=True, gain=half)
        self.skip = EqualConvolution(own, below, 1, halves=True, rectified=False, gain=half)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.second(self.first(x)) + self.skip(x)
        return found
