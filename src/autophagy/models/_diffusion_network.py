"""The networks that a diffusion model can have, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import nn

from autophagy.core.seeds import Seed
from autophagy.networks.dit import DiT
from autophagy.networks.unet import UNet
from autophagy.training.first_weights import first_weights

Backbone = Literal["dit", "unet", "diffusers"]
# what is no matrix within a network, by a part of its name: ours, then those of diffusers
OUTER = ("enter", "leave", "condition", "modulate", "place", "near", "conv_in", "conv_out", "embedding")


def hidden(network: nn.Module) -> Iterator[nn.Parameter]:
    """The weights of linear layers and convolutions within a network, between its first and its last."""
    for name, weights in network.named_parameters():
        if weights.dim() > 1 and not any(part in name for part in OUTER):
            yield weights


def network_of(
    backbone: Backbone,
    shape: tuple[int, int, int],
    *,
    classes: int,
    width: int,
    depth: int,
    patch: int,
    seed: Seed,
) -> nn.Module:
    """A network with random weights for `(c, h, w)` images; `(noisy, level, class number)` → `(n, c, h, w)`."""
    with first_weights(seed):
        if backbone == "dit":
            return DiT(shape, classes=classes, width=width, depth=depth, patch=patch)
        if backbone == "unet":
            return UNet(shape, classes=classes, width=width, depth=depth, patch=patch)
        from autophagy.networks.diffusers_unet import DiffusersUNet

        return DiffusersUNet(shape, classes=classes, width=width, depth=depth)
