"""What both adversarial families share: images in a frame, noise by address, gradients that are learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from autophagy.core.seeds import Seed
from autophagy.training import moved

Judge = Callable[[Tensor], Tensor]  # (n, *shape) → (n,)


@dataclass(frozen=True)
class Frame:
    """Images of one size inside a larger one that a network can halve as often as it wants to.

    Attributes:
        size: (h, w) of the images, pixels.
        outer: (h, w) of the frame; its pixels repeat the edges of the image in its middle.
    """

    size: tuple[int, int]
    outer: tuple[int, int]

    @property
    def _before(self) -> tuple[int, int]:
        return (self.outer[0] - self.size[0]) // 2, (self.outer[1] - self.size[1]) // 2

    def around(self, images: np.ndarray, device: torch.device) -> Tensor:
        """`(n, c, *outer)` float32 in −1..1, of `(n, c, *size)` uint8."""
        top, left = self._before
        bottom, right = self.outer[0] - self.size[0] - top, self.outer[1] - self.size[1] - left
        framed = np.pad(images, ((0, 0), (0, 0), (top, bottom), (left, right)), "edge")
        return moved(framed, device).float().div_(127.5).sub_(1)

    def within(self, images: Tensor) -> Tensor:
        """The `(n, c, *size)` middle of what a network has drawn."""
        (top, left), (height, width) = self._before, self.size
        return images[:, :, top : top + height, left : left + width]


def normal(seed: Seed, device: torch.device, *shape: int) -> Tensor:
    """Independent N(0, 1), drawn by NumPy so that every device draws the same."""
    return moved(seed.numpy().standard_normal(shape, np.float32), device)


def laid_out(network: nn.Module) -> nn.Module:
    """The same network, its weights channels-last: convolutions are faster so, and differ in their last bits."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@contextmanager
def still(network: nn.Module) -> Iterator[None]:
    """Gradients pass through the network; none are worked out for its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def slopes(judge: Judge, samples: Tensor) -> Tensor:
    """Squared norms `(n,)` of the gradient of each sample's score in the sample, themselves differentiable."""
    samples = samples.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(samples).sum(), samples, create_graph=True)
    return gradient.float().flatten(1).square().sum(1)


def unit_slope_penalty(judge: Judge, samples: Tensor) -> Tensor:
    """Mean (‖∇‖ − 1)². Gulrajani et al. 2017, equation 3."""
    return ((slopes(judge, samples) + 1e-12).sqrt() - 1).square().mean()  # a root has no slope at 0


def flat_slope_penalty(judge: Judge, samples: Tensor) -> Tensor:
    """Mean ‖∇‖² / 2: R1 of Mescheder et al. 2018, equation 9, for γ = 1."""
    return slopes(judge, samples).mean() / 2
