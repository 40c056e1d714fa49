"""The layers of StyleGAN2: equalised learning rates, modulated convolutions, resampling, minibatch statistics.

Feature maps are `(n, c, h, w)` in channels-last memory and of any floating type; weights are float32 and are cast to
the type of the features. Every operation can be differentiated twice, as R1 and path lengths need it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of the leaky rectifier below zero
GAIN = math.sqrt(2)  # makes up for the variance that the rectifier takes
FILTER = (1.0, 3.0, 3.0, 1.0)  # resampling, along each axis


class EqualLinear(nn.Module):
    """A linear layer whose weights are N(0, 1) and scaled when used, so that Adam moves all layers alike.

    Karras et al. 2018, section 4.1. `rate` is the layer's learning rate as a share of the network's.
    """

    def __init__(
        self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0, rectified: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self._rate, self._scale = rate, rate / math.sqrt(inputs)
        self._rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        gain = GAIN if self._rectified else 1.0
        found = F.linear(x, self.weight * (self._scale * gain), self.bias * (self._rate * gain))
        return F.leaky_relu(found, SLOPE) if self._rectified else found


class EqualConvolution(nn.Module):
    """A convolution with equalised learning rate; `halves` filters and halves the resolution.

    Without a rectifier it has no bias, as in the skip paths of the discriminator, and `gain` scales what comes out.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, rectified: bool = True, halves: bool = False, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if rectified else None
        self._gain = gain * (GAIN if rectified else 1.0)  # the rectifier passes a positive factor through
        self._scale = 1 / math.sqrt(inputs * kernel**2)
        self._halves = halves

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[-1]
        weight = (self.weight * (self._scale * self._gain)).to(x.dtype)
        bias = None if self.bias is None else (self.bias * self._gain).to(x.dtype)
        if self._halves:
            # the filter is 4 wide and the kernel moves by 2: both edges get what is missing for half the side
            found = F.conv2d(blurred(x, (kernel + 1) // 2), weight, bias, stride=2)
        else:
            found = F.conv2d(x, weight, bias, padding=kernel // 2)
        return found if bias is None else F.leaky_relu(found, SLOPE)


class ModulatedConvolution(nn.Module):
    """A convolution whose input channels are scaled by a style, for each image its own (Karras 2020, section 2.2).

    Scaling the features before and after a convolution that all images share equals a convolution with weights of
    their own (equations 1 and 3): one large product instead of n small ones.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, width: int, *, doubles: bool = False, normed: bool = True
    ) -> None:
        super().__init__()
        self.style = EqualLinear(width, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self._scale = 1 / math.sqrt(inputs * kernel**2)
        self._doubles, self._normed = doubles, normed

    def forward(self, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Returns features and the factor `(n, c, 1, 1)` they are still to be multiplied by, if there is one."""
        style = self.style(w)  # (n, inputs)
        weight = (self.weight * self._scale).to(x.dtype)
        x = x * style[:, :, None, None].to(x.dtype)
        if self._doubles:
            raised = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (n, c, 2h + 1, 2w + 1)
            found = blurred(raised, 1, gain=4.0)
        else:
            found = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        return found, self.demodulation(style)[:, :, None, None] if self._normed else None

    def demodulation(self, style: Tensor) -> Tensor:
        """What brings the modulated weights of every output channel to norm 1: `(n, outputs)`, of `(n, inputs)`."""
        squares = (self.weight * self._scale).square().sum((2, 3))  # (outputs, inputs)
        return (style.square() @ squares.T + 1e-8).rsqrt()


def blurred(x: Tensor, padding: int, *, gain: float = 1.0) -> Tensor:
    """Filters every channel with `FILTER` along both axes; `padding` zeros on every side, and 3 fewer come out."""
    taps = torch.tensor(FILTER, device=x.device) / sum(FILTER)
    kernel = (torch.outer(taps, taps) * gain).to(x.dtype)
    return F.conv2d(x, kernel.expand(x.shape[1], 1, 4, 4), padding=padding, groups=x.shape[1])


def doubled(x: Tensor) -> Tensor:
    """Twice the resolution: zeros between the pixels, then the filter."""
    n, c, h, w = x.shape
    spread = F.pad(x[:, :, :, None, :, None], (0, 1, 0, 0, 0, 1)).reshape(n, c, 2 * h, 2 * w)
    return blurred(F.pad(spread, (2, 1, 2, 1)), 0, gain=4.0)


def normalised(z: Tensor) -> Tensor:
    """Rows of mean square 1."""
    return z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def with_spread(x: Tensor, group: int) -> Tensor:
    """Adds a channel that holds the mean standard deviation over the images of each group (Karras 2018, section 3).

    Groups are of neighbours, so that a batch may be cut between them; the last may be smaller.
    """
    whole = len(x) - len(x) % group
    spreads = [_spread(part, min(group, len(part))) for part in (x[:whole], x[whole:]) if len(part)]
    return torch.cat([x, torch.cat(spreads)], 1)


def _spread(x: Tensor, group: int) -> Tensor:
    n, c, h, w = x.shape
    variance = x.reshape(n // group, group, c, h, w).var(1, unbiased=False)
    spread = (variance + 1e-8).sqrt().mean((1, 2, 3))  # (n / group,)
    return spread.repeat_interleave(group)[:, None, None, None].expand(n, 1, h, w)
