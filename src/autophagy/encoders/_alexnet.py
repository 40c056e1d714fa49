"""The convolutions of AlexNet in NumPy: no torch, and an image's maps depend on that image alone.

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

WEIGHTS = Path(__file__).parents[1] / "data" / "alexnet" / "lpips.safetensors"
SMALLEST = 31  # pixels of a side that leave one position in the last layer
STRIDES = 4, 1, 1, 1, 1
EDGES = 2, 2, 1, 1, 1  # zeros put around a layer's input
POOLED = 1, 2  # layers whose input is first pooled
MAPS = 64, 192, 384, 256, 256
SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)  # ImageNet's mean and standard deviation,
SCALE = np.array([0.458, 0.448, 0.450], np.float32)  # of colours in −1 … 1


@dataclass(frozen=True)
class Layer:
    """One convolution, laid out for a product."""

    weight: np.ndarray  # (k · k · channels, maps)
    bias: np.ndarray  # (maps,)
    kernel: int  # k, pixels
    stride: int
    edge: int


@dataclass(frozen=True)
class Network:
    """AlexNet's five convolutions (Krizhevsky 2014) and the weights LPIPS gives to their maps."""

    layers: tuple[Layer, ...]
    heads: tuple[np.ndarray, ...]  # (maps,) each, ≥ 0

    def maps(self, images: np.ndarray, upto: int = 5) -> list[np.ndarray]:
        """`(n, 3, h, w)` float32, 0–255 → the first layers after their ReLU, `(n, h, w, maps)` each."""
        x = images.transpose(0, 2, 3, 1)  # (n, h, w, 3)
        x = (x / np.float32(127.5) - 1 - SHIFT) / SCALE
        found = []
        for number, layer in enumerate(self.layers[:upto]):
            x = _convolve(_pool(x) if number in POOLED else x, layer)
            found.append(x)
        return found


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Rows and columns of each layer's maps, for an image of that size."""
    found = []
    for number, layer in enumerate(network().layers):
        if number in POOLED:
            height, width = ((side - 3) // 2 + 1 for side in (height, width))
        height, width = ((side + 2 * layer.edge - layer.kernel) // layer.stride + 1 for side in (height, width))
        found.append((height, width))
    return found


def width(height: int, width: int) -> int:
    """How many numbers the five layers have for an image of that size."""
    return sum(rows * columns * maps for (rows, columns), maps in zip(sizes(height, width), MAPS, strict=True))


@lru_cache(maxsize=1)
def network() -> Network:
    """The shipped weights, read once per process."""
    w = load_file(WEIGHTS)
    layers = []
    for number, (stride, edge) in enumerate(zip(STRIDES, EDGES, strict=True), 1):
        kernel = w[f"conv{number}.weight"]  # (maps, channels, k, k)
        product = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel)))
        layers.append(Layer(product, w[f"conv{number}.bias"], kernel.shape[-1], stride, edge))
    return Network(tuple(layers), tuple(w[f"head{number}"] for number in range(1, 1 + len(layers))))


def _convolve(x: np.ndarray, layer: Layer) -> np.ndarray:
    """`(n, h, w, channels)` → ReLU of the convolution, `(n, rows, columns, maps)`."""
    edge, k, step = layer.edge, layer.kernel, layer.stride
    x = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    n, height, width, channels = x.shape
    rows, columns = ((side - k) // step + 1 for side in (height, width))
    along, down, across, deep = x.strides
    patches = as_strided(
        x, (n, rows, columns, k, k, channels), (along, step * down, step * across, down, across, deep)
    ).reshape(n, rows * columns, -1)  # copies: patches overlap
    y = patches @ layer.weight
    y += layer.bias
    return np.asarray(np.maximum(y, 0, out=y)).reshape(n, rows, columns, -1)


def _pool(x: np.ndarray) -> np.ndarray:
    """The maximum of 3 × 3 windows at every second pixel."""
    rows, columns = ((side - 3) // 2 + 1 for side in x.shape[1:3])
    y = x[:, : 2 * rows : 2]
    for i in (1, 2):
        y = np.maximum(y, x[:, i : i + 2 * rows - 1 : 2])
    z = y[:, :, : 2 * columns : 2]
    for i in (1, 2):
        z = np.maximum(z, y[:, :, i : i + 2 * columns - 1 : 2])
    return z
