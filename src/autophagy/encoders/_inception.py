"""Inception-v3 as FID uses it (Szegedy et al. 2016, as TensorFlow published it in 2015), by its published names.

It is not the network of later libraries: average pooling leaves out the padding,
and the last block pools by the maximum. Batch normalisation is folded into the
convolutions, and tensors lie channels-last, which is what the processor's
kernels want.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ._images import resized
from ._inception_weights import WEIGHTS
from ._torch_blocks import in_parallel

BLOCK = 8  # images that pass the network together; always so many, since kernels differ with it in the last bit
SIDE = 299  # pixels of an image
FEATURES = 2048
CHANNELS = {"pool1": 64, "conv4": 192}
EPSILON = 0.001  # of batch normalisation
ACROSS, DOWN = (0, 3), (3, 0)  # padding of 1 × 7 and 7 × 1 windows

Tensor = torch.Tensor


@lru_cache(maxsize=1)
def network(path: Path) -> Network:
    """The network with the converted weights at `path`, read once per process."""
    return Network({name: torch.from_numpy(array) for name, array in WEIGHTS.load(path).items()})


def features(net: Network, images: np.ndarray) -> np.ndarray:
    """uint8 `(n, 1 or 3, h, w)` → `(n, 2048)` float32, the same bits for an image whatever stands beside it."""
    return in_parallel(images, BLOCK, FEATURES, lambda block: net.pool3(prepared(block)))


def maps(net: Network, images: np.ndarray, layer: str, side: int | None) -> np.ndarray:
    """uint8 `(n, 1 or 3, h, w)` → `(n, c, h′, w′)` float32 of a layer, images resized to `side` unless that is None."""
    outputs: dict[str, Callable[[Tensor], Tensor]] = {"pool1": net.pool1, "conv4": net.conv4}
    height, width = images.shape[2:] if side is None else (side, side)

    def encode(block: np.ndarray) -> Tensor:
        planes = np.ascontiguousarray(resized(block.astype(np.float32), height, width))
        return outputs[layer](((torch.from_numpy(planes) - 128) / 128).expand(-1, 3, -1, -1)).flatten(1)

    rows, columns = (across(length, layer) for length in (height, width))
    found = in_parallel(images, BLOCK, CHANNELS[layer] * rows * columns, encode)
    return found.reshape(len(images), CHANNELS[layer], rows, columns)


def across(length: int, layer: str) -> int:
    """Positions of a layer along a side of so many pixels; none below 11 (pool1) or 19 (conv4)."""
    positions = ((length - 3) // 2 + 1 - 2 - 3) // 2 + 1
    return positions if layer == "pool1" else positions - 2


class Network:
    """The convolutions with their ReLU.

    `weights` are float tensors by the names of the published file: for each
    convolution X, `X.conv.weight` and `X.bn.weight`, `.bias`, `.running_mean`
    and `.running_var`. A KeyError names the first that is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        names = (name.removesuffix(".conv.weight") for name in weights if name.endswith(".conv.weight"))
        self._folded = {name: _folded(weights, name) for name in names}

    def pool1(self, images: Tensor) -> Tensor:
        """`(n, 3, h, w)` in −1 … 1 → `(n, 64, h′, w′)`, 73 × 73 of 299 × 299, after the first pooling."""
        x = images.contiguous(memory_format=torch.channels_last)
        x = self._chain(x, "", ("Conv2d_1a_3x3", 2, 0), ("Conv2d_2a_3x3", 1, 0), ("Conv2d_2b_3x3", 1, 1))
        return F.max_pool2d(x, 3, 2)

    def conv4(self, images: Tensor) -> Tensor:
        """`(n, 3, h, w)` in −1 … 1 → `(n, 192, h′, w′)`, 71 × 71 of 299 × 299, before the second pooling."""
        return self._chain(self.pool1(images), "", ("Conv2d_3b_1x1", 1, 0), ("Conv2d_4a_3x3", 1, 0))

    def pool3(self, images: Tensor) -> Tensor:
        """`(n, 3, 299, 299)` in −1 … 1 → `(n, 2048)`."""
        x = F.max_pool2d(self.conv4(images), 3, 2)  # (n, 192, 35, 35)
        for letter in "bcd":
            x = self._five(x, f"Mixed_5{letter}.")  # (n, 288, 35, 35)
        x = self._shrink_to_17(x, "Mixed_6a.")  # (n, 768, 17, 17)
        for letter in "bcde":
            x = self._seven(x, f"Mixed_6{letter}.")
        x = self._shrink_to_8(x, "Mixed_7a.")  # (n, 1280, 8, 8)
        x = self._wide(x, _mean_pool(x), "Mixed_7b.")
        x = self._wide(x, F.max_pool2d(x, 3, 1, 1), "Mixed_7c.")  # (n, 2048, 8, 8)
        return x.mean((2, 3))

    def _convolve(self, x: Tensor, name: str, stride: int = 1, padding: int | tuple[int, int] = 0) -> Tensor:
        return F.conv2d(x, *self._folded[name], stride, padding).relu_()

    def _chain(self, x: Tensor, block: str, *steps: tuple[str, int, int | tuple[int, int]]) -> Tensor:
        """Convolutions one after the other: name, stride, padding."""
        for name, stride, padding in steps:
            x = self._convolve(x, block + name, stride, padding)
        return x

    def _five(self, x: Tensor, block: str) -> Tensor:
        return _joined(
            self._convolve(x, f"{block}branch1x1"),
            self._chain(x, f"{block}branch5x5_", ("1", 1, 0), ("2", 1, 2)),
            self._chain(x, f"{block}branch3x3dbl_", ("1", 1, 0), ("2", 1, 1), ("3", 1, 1)),
            self._convolve(_mean_pool(x), f"{block}branch_pool"),
        )

    def _seven(self, x: Tensor, block: str) -> Tensor:
        twice = (("1", 1, 0), ("2", 1, DOWN), ("3", 1, ACROSS), ("4", 1, DOWN), ("5", 1, ACROSS))
        return _joined(
            self._convolve(x, f"{block}branch1x1"),
            self._chain(x, f"{block}branch7x7_", ("1", 1, 0), ("2", 1, ACROSS), ("3", 1, DOWN)),
            self._chain(x, f"{block}branch7x7dbl_", *twice),
            self._convolve(_mean_pool(x), f"{block}branch_pool"),
        )

    def _shrink_to_17(self, x: Tensor, block: str) -> Tensor:
        return _joined(
            self._convolve(x, f"{block}branch3x3", 2),
            self._chain(x, f"{block}branch3x3dbl_", ("1", 1, 0), ("2", 1, 1), ("3", 2, 0)),
            F.max_pool2d(x, 3, 2),
        )

    def _shrink_to_8(self, x: Tensor, block: str) -> Tensor:
        return _joined(
            self._chain(x, f"{block}branch3x3_", ("1", 1, 0), ("2", 2, 0)),
            self._chain(x, f"{block}branch7x7x3_", ("1", 1, 0), ("2", 1, ACROSS), ("3", 1, DOWN), ("4", 2, 0)),
            F.max_pool2d(x, 3, 2),
        )

    def _wide(self, x: Tensor, pooled: Tensor, block: str) -> Tensor:
        once = self._convolve(x, f"{block}branch3x3_1")
        twice = self._chain(x, f"{block}branch3x3dbl_", ("1", 1, 0), ("2", 1, 1))
        return _joined(
            self._convolve(x, f"{block}branch1x1"),
            self._convolve(once, f"{block}branch3x3_2a", 1, (0, 1)),
            self._convolve(once, f"{block}branch3x3_2b", 1, (1, 0)),
            self._convolve(twice, f"{block}branch3x3dbl_3a", 1, (0, 1)),
            self._convolve(twice, f"{block}branch3x3dbl_3b", 1, (1, 0)),
            self._convolve(pooled, f"{block}branch_pool"),
        )


def prepared(images: np.ndarray) -> Tensor:
    """uint8 `(n, 1 or 3, h, w)` → float32 `(n, 3, 299, 299)`, (x − 128) / 128 of TensorFlow 1's bilinear resize."""
    height, width = images.shape[2:]
    planes = torch.from_numpy(images).float()
    planes = _resize(height) @ (planes @ _resize(width).T)
    return ((planes - 128) / 128).expand(-1, 3, -1, -1)


@lru_cache(maxsize=16)
def _resize(old: int) -> Tensor:
    """`(299, old)`: each new pixel between two old ones. Corners meet, centres do not, and nothing is antialiased."""
    place = np.arange(SIDE, dtype=np.float32) * np.float32(old / SIDE)  # as published, in single precision
    low = place.astype(np.int64)
    matrix = np.zeros((SIDE, old), np.float32)
    rows = np.arange(SIDE)
    matrix[rows, low] = 1 - (place - low)
    matrix[rows, np.minimum(low + 1, old - 1)] += place - low
    return torch.from_numpy(matrix)


def _folded(weights: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """A convolution and its batch normalisation as one convolution with a bias; multiplied out in float64."""
    weight, gain, offset, mean, variance = (
        weights[f"{name}.{part}"].double()
        for part in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    )
    scale = gain / torch.sqrt(variance + EPSILON)  # (maps,)
    folded = (weight * scale[:, None, None, None]).float()
    return folded.contiguous(memory_format=torch.channels_last), (offset - mean * scale).float()


def _mean_pool(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _joined(*branches: Tensor) -> Tensor:
    return torch.cat(branches, 1)
