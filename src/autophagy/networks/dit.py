"""A transformer over patches of a noisy image, steered by adaptive layer norms that begin as the identity.

Peebles and Xie, "Scalable diffusion models with transformers", 2023 (DiT, adaLN-Zero). What is chosen for processors:
few tokens (a patch of 4 turns 28 × 28 pixels into 49), so that nearly all work is in products of 16-bit matrices;
attention as two batched products, which on few tokens are several times faster than torch's fused kernel. And for short
fits: every block begins with a look at neighbouring tokens (a convolution of each channel by itself, as Chu et al. 2023
have one for positions), since who is whose neighbour is what attention alone learns late.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .noise_condition import NoiseCondition, padded, zeroed

HEAD = 32  # channels of an attention head
AS_LOUD = 0.5  # as a token of noise: a smaller embedding of places is drowned by it, and layouts are learned late


class DiT(nn.Module):
    """Denoises `(n, c, h, w)` images.

    Attributes:
        patch: pixels of a token's side.
    """

    def __init__(self, shape: tuple[int, int, int], *, classes: int, width: int, depth: int, patch: int) -> None:
        super().__init__()
        colours, height, length = shape
        self.patch = patch
        grid = -(-height // patch), -(-length // patch)
        self.condition = NoiseCondition(width, classes)
        self.enter = nn.Linear(colours * patch**2, width)
        self.place = nn.Parameter(AS_LOUD * torch.randn(1, grid[0] * grid[1], width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.modulate = zeroed(nn.Linear(width, 2 * width))
        self.leave = zeroed(nn.Linear(width, colours * patch**2))

    def forward(self, images: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """Takes noisy images, noise levels `(n,)` and class numbers `(n,)`; returns `(n, c, h, w)`."""
        height, length = images.shape[2:]
        whole = padded(images, self.patch)
        told = self.condition(level, label)  # (n, width)
        x = self.enter(F.pixel_unshuffle(whole, self.patch).flatten(2).transpose(1, 2))  # (n, tokens, width)
        x = x + self.place.to(x.dtype)
        rows = whole.shape[2] // self.patch
        for block in self.blocks:
            x = block(x, told, rows)
        scale, shift = self.modulate(told)[:, None].chunk(2, -1)
        x = self.leave(_modulated(x, scale, shift))  # (n, tokens, c · patch²)
        pixels = F.pixel_shuffle(x.transpose(1, 2).unflatten(2, (rows, -1)), self.patch)
        return pixels[:, :, :height, :length]


class Block(nn.Module):
    """A look at neighbours, then attention and a two-layer network, these two behind a modulation and gate each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = next(heads for heads in range(max(1, width // HEAD), 0, -1) if width % heads == 0)
        self.near = zeroed(nn.Conv2d(width, width, 3, padding=1, groups=width))
        self.modulate = zeroed(nn.Linear(width, 6 * width))
        self.attend = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, told: Tensor, rows: int) -> Tensor:
        """Takes tokens `(n, t, width)` in so many rows and what is known of images `(n, width)`; returns tokens."""
        maps = x.transpose(1, 2).reshape(len(x), x.shape[2], rows, -1)
        x = x + self.near(maps).flatten(2).transpose(1, 2)
        scale, shift, gate, scale2, shift2, gate2 = self.modulate(told)[:, None].chunk(6, -1)
        x = torch.addcmul(x, gate, self.gather(self._attention(_modulated(x, scale, shift))))
        inner = F.gelu(self.widen(_modulated(x, scale2, shift2)), approximate="tanh")
        return torch.addcmul(x, gate2, self.narrow(inner))

    def _attention(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        query, key, value = self.attend(x).view(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if x.is_cuda:
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (n, heads, t, t)
            mixed = scores.softmax(-1) @ value
        return mixed.transpose(1, 2).reshape(n, tokens, width)


def _modulated(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + scale)
