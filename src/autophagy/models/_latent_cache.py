"""What frozen networks say of a training set, worked out once for a fit: posteriors of images, states of captions.

Small tables stay in memory; large ones, and those that processes share, go into a file beside the fit's checkpoints,
where a resumed fit finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from autophagy.core.workspace import Workspace
from autophagy.training import moved

from ._latent_parts import Frozen

LARGE = 2**28  # bytes that a table may have in memory
PIXELS = 2**16  # that the autoencoder is given at a time
Fill = Callable[[np.ndarray], None]


def posteriors(
    frozen: Frozen, images: np.ndarray, *, mirrored: bool, workspace: Workspace, shared: bool = False
) -> np.ndarray:
    """Returns `(n, 1 or 2, 2, c, h, w)` float32 of uint8 images `(n, 3, H, W)`.

    Along the second axis the image and, if asked for, its mirror image, which has a posterior of its own; along the
    third the latents' means and deviations, not scaled.
    """
    side, factor = images.shape[-1], frozen.checkpoint.factor
    channels = int(frozen.vae.config.latent_channels)
    shape = (len(images), 1 + mirrored, 2, channels, images.shape[-2] // factor, side // factor)
    at_a_time = max(1, PIXELS // (images.shape[-2] * side))

    def fill(table: np.ndarray) -> None:
        for first in range(0, len(images), at_a_time):
            some = slice(first, first + at_a_time)
            pixels = moved(images[some], frozen.vae.device).float() / 127.5 - 1
            for flip in range(1 + mirrored):
                mean, std = frozen.posterior(pixels.flip(-1) if flip else pixels)
                table[some, flip, 0], table[some, flip, 1] = mean.cpu().numpy(), std.cpu().numpy()

    return _kept("posteriors.npy", shape, fill, workspace, shared=shared)


def states(
    frozen: Frozen, captions: np.ndarray, workspace: Workspace, *, shared: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the states of all different captions, `(k, tokens, width)` float32, and each row's number, `(n,)`."""
    texts, member = np.unique(captions, return_inverse=True)
    first = frozen.states(str(texts[0]))

    def fill(table: np.ndarray) -> None:
        for number, text in enumerate(texts):
            table[number] = frozen.states(str(text)).cpu().numpy()

    return _kept("states.npy", (len(texts), *first.shape), fill, workspace, shared=shared), member


def _kept(name: str, shape: tuple[int, ...], fill: Fill, workspace: Workspace, *, shared: bool) -> np.ndarray:
    """A table that `fill` fills, in memory or in a file."""
    if not shared and 4 * int(np.prod(shape)) <= LARGE:
        table = np.empty(shape, np.float32)
        fill(table)
        return table
    found = _found(workspace.saved(name), shape)
    if found is None:
        workspace.save(name, lambda path: _write(path, shape, fill))
        found = _found(workspace.saved(name), shape)
    if found is None:  # another run has finished this fit and taken the folder away
        found = np.empty(shape, np.float32)
        fill(found)
    return found


def _write(path: Path, shape: tuple[int, ...], fill: Fill) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        start = file.tell()
        file.truncate(start + 4 * int(np.prod(shape)))
    table = np.memmap(path, np.float32, "r+", start, shape)
    fill(table)
    table.flush()


def _found(path: Path | None, shape: tuple[int, ...]) -> np.ndarray | None:
    if path is None:
        return None
    try:
        table: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return table if table.shape == shape and table.dtype == np.float32 else None
