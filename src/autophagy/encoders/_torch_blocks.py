"""Encoding with torch so that features depend on the image alone, on as many threads as torch would use."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch


def in_parallel(images: np.ndarray, size: int, width: int, encode: Callable[[np.ndarray], torch.Tensor]) -> np.ndarray:
    """Returns `(n, width)` float32: `encode` of `(size, *shape)` blocks, the last one filled up and cut again.

    Blocks run beside one another on as many threads as torch would use for one
    of them: each has a thread of its own, so their number changes no sum. With a
    `size` above 1, `encode` must treat the images of a block alike.
    """

    def block(start: int) -> np.ndarray:
        part = images[start : start + size]
        filled = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
        with torch.inference_mode():
            return np.asarray(encode(filled).numpy()[: len(part)])

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for the workers, which begin with this number
    try:
        with ThreadPoolExecutor(threads) as workers:
            found = list(workers.map(block, range(0, len(images), size)))
    finally:
        torch.set_num_threads(threads)
    return np.concatenate([np.empty((0, width), np.float32), *found])
