"""Mean LPIPS over all pairs beside the lpips package, which runs the network on both images of every pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autophagy.core.catalog import build
from autophagy.kernels.perceptual import diversity

from .timing import paired

TIMED, BATCH = 256, 32  # pairs that the package is timed on, and how many it takes at a time


def lines() -> Iterator[str]:
    from tools.reference_networks import lpips

    torch.set_num_threads(1)
    theirs = lpips()
    images = np.random.default_rng(0).integers(0, 256, (1000, 3, 64, 64)).astype(np.uint8)
    yield f"24 images: the mean over 276 pairs differs by {_difference(images[:24], theirs):.1e}"
    for n, runs in ((300, 5), (1000, 3)):
        pairs = np.random.default_rng(1).choice(n, (TIMED, 2))
        ours, sampled, ratio = paired(
            lambda n=n: _mean(images[:n]), lambda pairs=pairs: _each(images, pairs, theirs), runs=runs
        )
        scale = n * (n - 1) / 2 / TIMED
        yield (
            f"{n:,} images of 64 x 64, all {n * (n - 1) // 2:,} pairs: {ours:.2f} s against {sampled * scale:,.0f} s "
            f"with lpips (extrapolated from {TIMED} pairs): {ratio * scale:.0f}x (n = {runs})"
        )


def _mean(images: np.ndarray) -> float:
    rows = build("encoder", "lpips").encode(images)
    return diversity(lambda: [rows]).mean


def _each(images: np.ndarray, pairs: np.ndarray, network: torch.nn.Module) -> np.ndarray:
    colours = torch.from_numpy(images).float() / 127.5 - 1
    with torch.inference_mode():
        found = [network(colours[part[:, 0]], colours[part[:, 1]]) for part in np.split(pairs, len(pairs) // BATCH)]
    return torch.cat(found).numpy().ravel()


def _difference(images: np.ndarray, network: torch.nn.Module) -> float:
    pairs = np.array(np.triu_indices(len(images), 1)).T
    colours = torch.from_numpy(images).float() / 127.5 - 1
    with torch.inference_mode():
        each = network(colours[pairs[:, 0]], colours[pairs[:, 1]]).numpy()
    return abs(_mean(images) - float(each.mean(dtype=np.float64)))
