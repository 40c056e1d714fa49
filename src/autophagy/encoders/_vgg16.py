"""The convolutions of VGG16 (Simonyan and Zisserman 2015) in torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ._alexnet import SCALE, SHIFT
from ._images import square_rgb
from ._torch_blocks import in_parallel
from ._vgg16_weights import WEIGHTS

DEPTHS = 2, 2, 3, 3, 3  # convolutions of each stage; pooling by 2 goes before each but the first
MAPS = 64, 128, 256, 512, 512
BLOCK = 4  # images that pass the network together; always so many, since kernels differ with it in the last bit

Tensor = torch.Tensor


@lru_cache(maxsize=1)
def network(path: Path) -> Network:
    """The network with the converted weights at `path`, read once per process."""
    return Network({name: torch.from_numpy(array) for name, array in WEIGHTS.load(path).items()})


def features(net: Network, images: np.ndarray, stage: int, side: int) -> np.ndarray:
    """uint8 `(n, 1 or 3, h, w)` → `(n, MAPS[stage])` float32, the same bits for an image whatever stands beside it."""

    def encode(block: np.ndarray) -> Tensor:
        return net.maps(prepared(block, side), stage).mean((2, 3))

    return in_parallel(images, BLOCK, MAPS[stage], encode)


def prepared(images: np.ndarray, side: int) -> Tensor:
    """uint8 `(n, 1 or 3, h, w)` → `(n, 3, side, side)`, normalised as ImageNet's images are."""
    colours = square_rgb(images, side) / np.float32(127.5) - 1
    return torch.from_numpy((colours - SHIFT[:, None, None]) / SCALE[:, None, None])


class Network:
    """The thirteen convolutions, each with its ReLU; `weights` are `conv1.weight`, `conv1.bias` … `conv13.bias`."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self._layers = [
            (weights[f"conv{i}.weight"].contiguous(memory_format=torch.channels_last), weights[f"conv{i}.bias"])
            for i in range(1, 1 + sum(DEPTHS))
        ]

    def maps(self, images: Tensor, stage: int) -> Tensor:
        """Normalised `(n, 3, h, w)` → `(n, MAPS[stage], h // 2^stage, w // 2^stage)`; stages are 0 … 4."""
        x, layers = images.contiguous(memory_format=torch.channels_last), iter(self._layers)
        for number, depth in enumerate(DEPTHS[: stage + 1]):
            x = F.max_pool2d(x, 2) if number else x
            for _ in range(depth):
                x = F.conv2d(x, *next(layers), padding=1).relu_()
        return x
