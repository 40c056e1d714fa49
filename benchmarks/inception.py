"""FID's Inception beside torch-fidelity's, with the same random weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autophagy.encoders._inception import BLOCK, Network, features

from .timing import paired


def lines() -> Iterator[str]:
    from tools.reference_networks import inception

    theirs = inception()
    ours = Network(theirs.state_dict())
    images = np.random.default_rng(0).integers(0, 256, (4 * BLOCK, 3, 64, 64)).astype(np.uint8)
    torch.set_num_threads(1)
    gap = np.abs(features(ours, images[:BLOCK]) - _extracted(theirs, images[:BLOCK])).max()
    largest = np.abs(_extracted(theirs, images[:BLOCK])).max()
    yield f"features differ by at most {gap / largest:.1e} of the largest"
    mine, other, ratio = paired(lambda: features(ours, images), lambda: _extracted(theirs, images), runs=5)
    yield (
        f"{len(images)} images of 64 x 64: {len(images) / mine:.1f} images/s against {len(images) / other:.1f} "
        f"with torch-fidelity: {ratio:.2f}x (n = 5)"
    )


def _extracted(network: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    """In batches of the same size."""
    with torch.inference_mode():
        found = [network(batch)[0] for batch in torch.from_numpy(images).split(BLOCK)]
    return torch.cat(found).numpy()
