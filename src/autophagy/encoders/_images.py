"""Images of any size as the ones that a network takes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's convert("L")


def check_images(samples: np.ndarray, who: str) -> None:
    """Raises DataError unless `samples` are uint8 images, grey or RGB."""
    if samples.ndim != 4 or samples.dtype != np.uint8 or samples.shape[1] not in (1, 3) or 0 in samples.shape[1:]:
        got = f"{samples.dtype} of shape {shown(samples.shape)}"
        raise DataError(f"{who} takes uint8 images (n, 1 or 3, height, width), but got {got}; encode images with it.")


def small_grey(images: np.ndarray, side: int) -> np.ndarray:
    """Returns `(n, side, side)` float32, 0–1, of uint8 images `(n, 1 or 3, h, w)`.

    Colours become BT.601 luma; another size is resized without regard to the proportions.
    """
    if images.shape[1] == 1:
        grey = images[:, 0].astype(np.float32)  # (n, h, w)
    else:
        grey = images[:, 0] * LUMA[0] + images[:, 1] * LUMA[1] + images[:, 2] * LUMA[2]  # (n, h, w)
    return np.asarray(resized(grey, side, side) / np.float32(255))


def square_rgb(images: np.ndarray, side: int) -> np.ndarray:
    """Returns `(n, 3, side, side)` float32, 0–255, of uint8 images `(n, 1 or 3, h, w)`; proportions are not kept."""
    planes = resized(images.astype(np.float32), side, side)
    return np.broadcast_to(planes, (len(planes), 3, side, side))


def resized(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns `(…, height, width)` of float32 planes `(…, h, w)`.

    By an antialiased triangle filter, as Pillow's BILINEAR; each side by its own scale.
    """
    old_height, old_width = planes.shape[-2:]
    if old_height != height:
        planes = _resize(old_height, height) @ planes
    if old_width != width:
        planes = planes @ _resize(old_width, width).T
    return planes


@lru_cache(maxsize=64)
def _resize(old: int, new: int) -> np.ndarray:
    """`(new, old)` float32: each new pixel as a weighted mean of old ones; pixel centres at halves."""
    reach = max(old / new, 1.0)  # the filter widens when shrinking, so that no old pixel is missed
    centre = (np.arange(new) + 0.5) * old / new  # (new,)
    weight = np.clip(1 - np.abs(np.arange(old) + 0.5 - centre[:, None]) / reach, 0, None)  # (new, old)
    return np.asarray(weight / weight.sum(1, keepdims=True), np.float32)
