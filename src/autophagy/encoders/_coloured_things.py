"""The forward pass of the network behind encoder `coloured-things`, in NumPy.

Every image has its own products (`(n, r, k) @ (k, m)`, not `(n · r, k) @ (k, m)`): a product's last bits depend on
where in it a row lies, and two copies of an image must have the same features wherever they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

WEIGHTS = Path(__file__).parents[1] / "data" / "coloured-things" / "coloured-things.safetensors"
SIDE = 32  # pixels of an image
FEATURES = 96
SLOPE = np.float32(0.1)  # of the dense layer below zero
CONVOLUTIONS = ("conv1", "conv2", "conv3")
QUESTIONS = ("colour", "thing")

Layer = tuple[np.ndarray, np.ndarray]  # (inputs, outputs) and the bias (outputs,)


@dataclass(frozen=True)
class Network:
    """Weights laid out for the products below.

    Attributes:
        words: of each question, in the order of its outputs; the file with the weights says them.
    """

    convolutions: tuple[Layer, ...]
    dense: Layer
    outputs: Mapping[str, Layer]
    words: Mapping[str, tuple[str, ...]]

    def features(self, images: np.ndarray) -> np.ndarray:
        """`(n, 3, 32, 32)` float32 in 0..1 → `(n, 96)`: the layer before the outputs, after its leaky ReLU."""
        x = np.ascontiguousarray(images.transpose(0, 2, 3, 1))  # (n, 32, 32, 3)
        for layer in self.convolutions:
            x = _convolve_and_pool(x, *layer)  # (n, 4, 4, 48) in the end
        weight, bias = self.dense
        x = (x.reshape(len(x), 1, -1) @ weight)[:, 0] + bias
        return np.asarray(np.maximum(x, x * SLOPE))

    def logits(self, question: str, features: np.ndarray) -> np.ndarray:
        """`(n, 96)` → `(n, words)`."""
        weight, bias = self.outputs[question]
        return np.asarray((features[:, None] @ weight)[:, 0] + bias)


@lru_cache(maxsize=1)
def network() -> Network:
    """The shipped weights, read once per process."""
    from safetensors.numpy import load_file

    w = load_file(WEIGHTS)
    maps = w["conv3.weight"].shape[0]
    edge = SIDE >> len(CONVOLUTIONS)  # pixels a side that pooling leaves
    dense = w["dense.weight"].reshape(FEATURES, maps, edge, edge).transpose(2, 3, 1, 0)  # inputs by row, column, map
    return Network(
        tuple((_patchwise(w[f"{name}.weight"]), w[f"{name}.bias"]) for name in CONVOLUTIONS),
        (np.ascontiguousarray(dense.reshape(-1, FEATURES)), w["dense.bias"]),
        {name: (np.ascontiguousarray(w[f"{name}.weight"].T), w[f"{name}.bias"]) for name in QUESTIONS},
        words(),
    )


@lru_cache(maxsize=1)
def words() -> dict[str, tuple[str, ...]]:
    """The words of each question, which the header of the weights holds."""
    from safetensors import safe_open

    with safe_open(WEIGHTS, framework="numpy") as file:
        said = file.metadata()
    return {question: tuple(json.loads(said[question])) for question in QUESTIONS}


def _patchwise(kernel: np.ndarray) -> np.ndarray:
    """`(maps, channels, 3, 3)` → `(channels · 9, maps)`, as patches lie in memory."""
    return np.ascontiguousarray(kernel.reshape(len(kernel), -1).T)


def _convolve_and_pool(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """`(n, h, w, channels)` → ReLU of the 2 × 2 maximum of a 3 × 3 convolution with black around it, half as large."""
    n, height, width, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = sliding_window_view(padded, (3, 3), axis=(1, 2))  # (n, h, w, channels, 3, 3)
    y = patches.reshape(n, height * width, -1) @ weight  # the reshape copies: patches overlap
    y = y.reshape(n, height // 2, 2, width // 2, 2, -1).max(axis=(2, 4))
    y += bias
    return np.asarray(np.maximum(y, 0, out=y))
