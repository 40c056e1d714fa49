"""The forward pass of our LeNet in NumPy: as fast as torch on one thread, without its start-up and memory.

A convolution makes several neighbouring columns of output at a time from the
patch of input they share: one product with a banded matrix. The band multiplies
some zeros, but far less has to be copied than for one column at a time.

Every image has its own products (`(n, r, k) @ (k, m)`, not `(n · r, k) @ (k, m)`):
a product's last bits depend on where in it a row lies, and two copies of an image
must be at distance 0 wherever they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided
from safetensors.numpy import load_file

WEIGHTS = Path(__file__).parents[1] / "data" / "lenet" / "lenet.safetensors"
SIDE = 28  # pixels of an image
EDGE = 2  # black pixels put around it
KERNEL = 5  # pixels, of both convolutions
FEATURES = 84
SLOPE = np.float32(0.1)  # of the dense layers below zero
TOGETHER = 4, 2  # columns of output made at a time by the two convolutions: the fastest of those tried


@dataclass(frozen=True)
class Network:
    """Weights laid out for the products below; each `(inputs, outputs)` beside its bias."""

    conv1: tuple[np.ndarray, np.ndarray]
    conv2: tuple[np.ndarray, np.ndarray]
    fc1: tuple[np.ndarray, np.ndarray]
    fc2: tuple[np.ndarray, np.ndarray]
    fc3: tuple[np.ndarray, np.ndarray]

    def features(self, images: np.ndarray) -> np.ndarray:
        """`(n, 28, 28)` float32 in 0..1 → `(n, 84)`: the layer before the output, after its leaky ReLU."""
        x = np.pad(images, ((0, 0), (EDGE, EDGE), (EDGE, EDGE)))  # (n, 32, 32)
        x = _convolve_and_pool(x[..., None], *self.conv1)  # (n, 14, 14, 6)
        x = _convolve_and_pool(x, *self.conv2)  # (n, 5, 5, 16)
        x = _dense(x.reshape(len(x), 1, -1), *self.fc1)  # (n, 1, 120)
        return _dense(x, *self.fc2)[:, 0]  # (n, 84)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """`(n, 84)` → `(n, 10)`."""
        weight, bias = self.fc3
        return np.asarray((features[:, None] @ weight)[:, 0] + bias)


@lru_cache(maxsize=1)
def network() -> Network:
    """The shipped weights, read once per process."""
    w = load_file(WEIGHTS)
    dense = w["fc1.weight"].reshape(120, 16, 5, 5).transpose(2, 3, 1, 0).reshape(400, 120)  # inputs by row, column, map
    return Network(
        (_band(w["conv1.weight"], TOGETHER[0]), w["conv1.bias"]),
        (_band(w["conv2.weight"], TOGETHER[1]), w["conv2.bias"]),
        (np.ascontiguousarray(dense), w["fc1.bias"]),
        (np.ascontiguousarray(w["fc2.weight"].T), w["fc2.bias"]),
        (np.ascontiguousarray(w["fc3.weight"].T), w["fc3.bias"]),
    )


def _band(kernel: np.ndarray, together: int) -> np.ndarray:
    """A convolution as a matrix from a patch of input to one row of `together` columns of output.

    `kernel` is `(maps, channels, k, k)`; the result is `(k · (together + k − 1)
    · channels, together · maps)`. Even output columns come before odd ones, so
    that pooling takes the larger of two halves.
    """
    maps, channels, k, _ = kernel.shape
    band = np.zeros((k, together + k - 1, channels, together, maps), kernel.dtype)
    for column in range(together):
        band[:, column : column + k, :, column] = kernel.transpose(2, 3, 1, 0)
    halves = [*range(0, together, 2), *range(1, together, 2)]
    return np.ascontiguousarray(band[:, :, :, halves].reshape(-1, together * maps))


def _convolve_and_pool(x: np.ndarray, band: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """`(n, h, w, channels)` → ReLU of the 2 × 2 maximum of the convolution, `(n, h after, w after, maps)`."""
    n, height, width, channels = x.shape
    maps = len(bias)
    together = band.shape[1] // maps
    rows, groups = height - KERNEL + 1, (width - KERNEL + 1) // together
    patches = as_strided(
        x,
        (n, rows, groups, KERNEL, together + KERNEL - 1, channels),
        (*x.strides[:2], together * x.strides[2], *x.strides[1:]),
    )
    y = patches.reshape(n, rows * groups, -1) @ band  # the reshape copies: patches overlap
    y = y.reshape(n, rows // 2, 2, groups, 2, together // 2, maps)
    y = np.maximum(y[:, :, 0], y[:, :, 1])  # the pair of rows
    y = np.maximum(y[:, :, :, 0], y[:, :, :, 1])  # the pair of columns
    y = y.reshape(n, rows // 2, -1)
    y += np.tile(bias, groups * together // 2)  # one long row is added faster than many short ones
    return np.asarray(np.maximum(y, 0, out=y).reshape(n, rows // 2, -1, maps))


def _dense(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    y = x @ weight
    y += bias
    return np.asarray(np.maximum(y, y * SLOPE))
