"""A small U-Net over patches of a noisy image.

After Ho, Jain and Abbeel, "Denoising diffusion probabilistic models", 2020. What is chosen for processors: patches of
2 × 2 pixels enter as channels, since most of a U-Net's time goes into its finest resolution; tensors lie channels-last,
where normalising over channels (Ba et al. 2016) is one pass over memory and a 16-bit convolution is fast.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .noise_condition import NoiseCondition, padded, zeroed


class UNet(nn.Module):
    """Denoises `(n, c, h, w)` images.

    Attributes:
        stride: sides are padded to a multiple of it: the patch, doubled at each lower resolution.
    """

    def __init__(self, shape: tuple[int, int, int], *, classes: int, width: int, depth: int, patch: int) -> None:
        """`width` channels at the finest resolution, twice as many at the depth − 1 coarser ones."""
        super().__init__()
        pixels, told = shape[0] * patch**2, 2 * width
        widths = [width] + [2 * width] * (depth - 1)
        self.patch, self.stride = patch, patch * 2 ** (depth - 1)
        self.condition = NoiseCondition(told, classes)
        sides = [-(-side // self.stride) * self.stride // patch for side in shape[1:]]  # of the finest resolution
        self.enter = Placed(pixels, width, 1, sides)
        self.down = nn.ModuleList(Residual(w, w, told) for w in widths)
        self.shrink = nn.ModuleList(
            Placed(a, b, 2, [side >> r for side in sides]) for r, (a, b) in enumerate(pairwise(widths), 1)
        )
        self.middle = Residual(widths[-1], widths[-1], told)
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(Residual(2 * w, w, told) for w in widths[:-1])
        self.leave = zeroed(nn.Conv2d(width, pixels, 3, padding=1))
        for weights in self.parameters():
            if weights.dim() == 4:
                weights.data = weights.data.contiguous(memory_format=torch.channels_last)

    def forward(self, images: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """Takes noisy images, noise levels `(n,)` and class numbers `(n,)`; returns `(n, c, h, w)`."""
        height, length = images.shape[2:]
        told = self.condition(level, label)  # (n, 2 width)
        x = F.pixel_unshuffle(padded(images, self.stride), self.patch).contiguous(memory_format=torch.channels_last)
        x, kept = self.enter(x), []
        for block, shrink in zip(self.down, self.shrink, strict=False):
            kept.append(x := block(x, told))
            x = shrink(x)
        x = self.middle(self.down[-1](x, told), told)
        for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            x = F.interpolate(grow(x), scale_factor=2.0)
            x = block(torch.cat([x, kept.pop()], 1), told)
        pixels: Tensor = F.pixel_shuffle(self.leave(x), self.patch)
        return pixels[:, :, :height, :length]


class Placed(nn.Module):
    """A convolution that also learns what is where: without it, a small network learns late where digits have ink."""

    def __init__(self, entering: int, leaving: int, stride: int, sides: list[int]) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(entering, leaving, 3, stride, 1)
        self.place = nn.Parameter(0.2 * torch.randn(1, leaving, *sides))

    def forward(self, x: Tensor) -> Tensor:
        """Takes maps `(n, entering, h, w)`; returns `(n, leaving, *sides)`."""
        maps: Tensor = self.convolve(x)
        return maps + self.place.to(maps.dtype)


class Residual(nn.Module):
    """Two convolutions beside a shortcut; what is known of the image scales and shifts their inputs."""

    def __init__(self, entering: int, leaving: int, told: int) -> None:
        super().__init__()
        self.split = entering, entering, leaving, leaving
        self.modulate = zeroed(nn.Linear(told, sum(self.split)))
        self.first = nn.Conv2d(entering, leaving, 3, padding=1)
        self.second = zeroed(nn.Conv2d(leaving, leaving, 3, padding=1))
        self.shortcut = nn.Identity() if entering == leaving else nn.Conv2d(entering, leaving, 1)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Takes maps `(n, entering, h, w)` and `(n, told)`; returns `(n, leaving, h, w)`."""
        scale, shift, scale2, shift2 = self.modulate(told)[:, :, None, None].split(self.split, 1)
        inner = self.first(F.silu(_modulated(x, scale, shift)))
        inner = self.second(F.silu(_modulated(inner, scale2, shift2)))
        total: Tensor = self.shortcut(x) + inner
        return total


def _modulated(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalised over channels, at every place by itself."""
    normal = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)
    return torch.addcmul(shift, normal, 1 + scale)
