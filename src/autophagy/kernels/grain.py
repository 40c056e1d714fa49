"""How noisy an image is, from the image alone.

A second difference along both axes, (1, −2, 1)ᵀ(1, −2, 1), is blind to constant
and linear shades and makes noise of deviation σ into noise of 6 σ (Immerkær
1996). Edges and texture are what is left, and are outliers if they cover less
than half of the image, so the median of its size, over the 0.6745 that it is of a
normal deviation, is robust against them (Donoho and Johnstone 1994, section 4.2).
Immerkær's own mean of its size is more precise where there is noise alone and
takes texture for noise.
"""

from __future__ import annotations

import numpy as np

GAIN = 6.0  # the root of the sum of the mask's squares
QUARTILE = 0.6744897501960817  # of a standard normal: the median of its size
SMALLEST = 3  # pixels of a side that leave one difference


def differences(image: np.ndarray) -> np.ndarray:
    """uint8 `(c, h, w)` → `(c, h − 2, w − 2)` int16, second differences along both axes of every channel."""
    x = image.astype(np.int16)
    across = x[:, :, 2:] - 2 * x[:, :, 1:-1] + x[:, :, :-2]
    return np.asarray(across[:, 2:] - 2 * across[:, 1:-1] + across[:, :-2])


def noise_levels(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 `(n, c, h, w)` → two times `(n,)` grey levels: σ by the median and σ by the mean; NaN below 3 × 3 pixels.

    Rounding to whole levels is noise too: it adds 1/12 to σ². The first is
    exactly 0 where half of the image is flat or a slope.
    """
    robust, plain = (np.full(len(images), np.nan) for _ in range(2))
    if min(images.shape[2:]) >= SMALLEST:
        for i, image in enumerate(images):
            sizes = np.abs(differences(image)).ravel()
            robust[i] = _median(sizes) / (GAIN * QUARTILE)
            plain[i] = float(sizes.mean()) * np.sqrt(np.pi / 2) / GAIN
    return robust, plain


def _median(sizes: np.ndarray) -> float:
    """Of the numbers that were rounded to these whole ones, none of them below 0; 0 where half of these are 0.

    The plain median of whole numbers would be off by up to half of one, 12 % of the noise of σ = 1.
    """
    upto = np.cumsum(np.bincount(sizes))
    half = upto[-1] / 2
    if upto[0] >= half:
        return 0.0
    edges = np.arange(len(upto)) + 0.5
    return float(np.interp(half, upto, edges))
