"""The U-Net of Hugging Face's diffusers behind our networks' call. Needs the package."""

from __future__ import annotations

import math
from typing import Any

from diffusers import UNet2DModel
from torch import Tensor, nn

from .noise_condition import padded

GROUPS = 32  # of channels that are normalised together, at most
MIDDLE, STRETCH = 2.0, 250.0  # that turn a level, −1.5 … 1.5, into one of the thousand time steps it expects


class DiffusersUNet(nn.Module):
    """Denoises `(n, c, h, w)` images with `UNet2DModel`: two blocks a resolution, attention at the coarsest."""

    def __init__(self, shape: tuple[int, int, int], *, classes: int, width: int, depth: int) -> None:
        """`width` channels at the finest resolution, twice as many at the depth − 1 coarser ones."""
        super().__init__()
        colours, height, length = shape
        self.stride = 2 ** (depth - 1)
        self.classes = classes
        self.network: Any = UNet2DModel(
            sample_size=(height + -height % self.stride, length + -length % self.stride),
            in_channels=colours,
            out_channels=colours,
            block_out_channels=(width, *[2 * width] * (depth - 1)),
            down_block_types=(*["DownBlock2D"] * (depth - 1), "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", *["UpBlock2D"] * (depth - 1)),
            norm_num_groups=math.gcd(GROUPS, width),
            attention_head_dim=math.gcd(32, width),
            num_class_embeds=classes + 1 if classes else None,
        )

    def forward(self, images: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """Takes noisy images, noise levels `(n,)` and class numbers `(n,)`; returns `(n, c, h, w)`."""
        height, length = images.shape[2:]
        known = label if self.classes else None
        (answer,) = self.network(padded(images, self.stride), (level + MIDDLE) * STRETCH, known, return_dict=False)
        found: Tensor = answer
        return found[:, :, :height, :length]
