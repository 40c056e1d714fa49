"""The LeNet encoder in NumPy beside torch."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import numpy as np
import torch
from safetensors.torch import load

from autophagy.core.catalog import build

from .timing import paired, told


def lines() -> Iterator[str]:
    torch.set_num_threads(1)
    images = build("source", "mnist").load("heldout")[:2000]
    encoder, network = build("encoder", "lenet"), _network()
    yield told("2,000 images", *paired(lambda: encoder.encode(images), lambda: network(images), runs=9), "torch", 9)


def _network():  # type: ignore[no-untyped-def]
    weights = load((resources.files("autophagy.data") / "lenet" / "lenet.safetensors").read_bytes())
    from tools.train_lenet import LeNet  # the training script's own network

    model = LeNet()
    model.load_state_dict(weights)
    model.eval()

    def run(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model.features(torch.from_numpy(images).float() / 255).numpy()

    return run
