"""Colours of images as three distributions: how far apart two are, and one image given another's.

Colour space: Y′CbCr of JPEG (ITU-T T.871: BT.601, full range 0–255, chroma around 128), not the studio range
16–235 of video. A grey image has its Y alone. A level is a value rounded to a whole number.
"""

from __future__ import annotations

import numpy as np

from .rows import blocks

LEVELS = 256
TOGETHER = 512  # rows of a block of divergences: 2 MiB
RED, GREEN, BLUE = 0.299, 0.587, 0.114  # BT.601
GREY = 128.0  # chroma of what has no colour


def ycbcr(images: np.ndarray) -> np.ndarray:
    """uint8 `(…, 3, h, w)` RGB → float64 Y, Cb, Cr; grey `(…, 1, h, w)` stays as it is. Not rounded."""
    if images.shape[-3] == 1:
        return images.astype(np.float64)
    red, green, blue = (images[..., i, :, :].astype(np.float64) for i in range(3))
    luma = RED * red + GREEN * green + BLUE * blue
    return np.stack([luma, GREY + (blue - luma) / (2 * (1 - BLUE)), GREY + (red - luma) / (2 * (1 - RED))], axis=-3)


def rgb(planes: np.ndarray) -> np.ndarray:
    """The inverse of `ycbcr`, rounded and cut to 0–255; uint8. Colours outside the RGB cube land on its surface."""
    if planes.shape[-3] == 1:
        return _whole(planes)
    luma, cb, cr = (planes[..., i, :, :] for i in range(3))
    red = luma + 2 * (1 - RED) * (cr - GREY)
    blue = luma + 2 * (1 - BLUE) * (cb - GREY)
    green = (luma - RED * red - BLUE * blue) / GREEN
    return _whole(np.stack([red, green, blue], axis=-3))


def counts(images: np.ndarray) -> np.ndarray:
    """uint8 `(n, 1 or 3, h, w)` → `(n, 1 or 3, 256)` int64, pixels at each level of each channel of Y′CbCr."""
    found = np.zeros((len(images), images.shape[1], LEVELS), np.int64)
    for i, image in enumerate(images):
        found[i] = [np.bincount(channel.ravel(), minlength=LEVELS) for channel in _whole(ycbcr(image))]
    return found


def shares(pixels: np.ndarray, bins: int, pseudocount: float) -> np.ndarray:
    """`(n, c, 256)` pixel counts → `(n, c, bins)` shares, all above 0: that many pixels are added to every bin."""
    n, channels, _ = pixels.shape
    joined = pixels.reshape(n, channels, bins, -1).sum(3) + pseudocount
    return np.asarray(joined / joined.sum(2, keepdims=True))


def divergences(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """`(n, m)` nats: KL(p ‖ q) = Σ p log p − Σ p log q, mean over channels, of `(n, c, bins)` and `(m, c, bins)`."""
    n, channels, _ = p.shape
    own = (p * np.log(p)).sum((1, 2))  # (n,)
    crossed = p.reshape(n, -1) @ np.log(q).reshape(len(q), -1).T  # (n, m)
    return np.asarray((own[:, None] - crossed) / channels)


def nearest(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """`(n,)` the row of `q` with the smallest divergence KL(p ‖ q), the first of equals; blocks, never all pairs."""
    best, found = np.full(len(p), np.inf), np.zeros(len(p), np.int64)
    for rows in blocks(len(p), TOGETHER):
        for others in blocks(len(q), TOGETHER):
            far = divergences(p[rows], q[others])
            column = far.argmin(1)
            least = far[np.arange(len(far)), column]
            better = least < best[rows]
            best[rows] = np.where(better, least, best[rows])
            found[rows] = np.where(better, others.start + column, found[rows])
    return found


def lookup(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`(256,)` int64: where each level goes so that pixel counts `source` `(256,)` become spread as `target`.

    A level goes to the target's value at its own quantile, between the target's
    levels by linear interpolation, rounded (as scikit-image's `match_histograms`
    of one channel, which does not round). Quantiles are shares of pixels at or
    below a level (Gonzalez and Woods 2018, section 3.3).
    """
    there = np.flatnonzero(target)
    reached = np.cumsum(target[there]) / target.sum()
    found = np.interp(np.cumsum(source) / source.sum(), reached, there)
    return np.asarray(np.rint(found), np.int64)


def matched(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """uint8 `(1 or 3, h, w)` with each channel of Y′CbCr spread as pixel counts `target` `(1 or 3, 256)`; uint8.

    A pixel moves by as many levels as its level does and keeps what rounding
    to levels took off, so that an image matched to itself is itself, bit for bit.
    """
    planes = ycbcr(image)
    levels = _whole(planes)
    for channel, level, wanted in zip(planes, levels, target, strict=True):
        table = lookup(np.bincount(level.ravel(), minlength=LEVELS), wanted)
        channel += (table - np.arange(LEVELS))[level]
    return rgb(planes)


def _whole(planes: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(planes), 0, LEVELS - 1).astype(np.uint8))
