"""The single-image FID: the Fréchet distance between two images, each position of a network's maps being a sample.

Shaham, Dekel and Michaeli 2019 (SinGAN), section 4. Where an image has fewer
positions than there are features (below about 40 pixels) their covariances are
singular, and are never made: see `kernels.frechet`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .frechet import frechet
from .rows import blocks

TOGETHER = 16  # images whose maps are held at a time: 66 MB of 64 features at 127 × 127 positions

Maps = Callable[[np.ndarray], np.ndarray]


def positions(maps: np.ndarray) -> np.ndarray:
    """`(n, c, h, w)` → `(n, h · w, c)`: the samples that an image is for a single-image FID."""
    n, channels, height, width = maps.shape
    return maps.transpose(0, 2, 3, 1).reshape(n, height * width, channels)


def single_image_fids(maps: Maps, images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`(n,)` squared distances between the i-th image and the i-th other; exactly 0 for a copy.

    `maps` makes `(k, c, h, w)` of k images and must treat an image alike in any
    company. NaN for images of one position or with features that are not finite.
    """
    found = np.empty(len(images))
    for rows in blocks(len(images), TOGETHER):
        pairs = zip(positions(maps(images[rows])), positions(maps(others[rows])), strict=True)
        found[rows] = [frechet(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs]
    return found
