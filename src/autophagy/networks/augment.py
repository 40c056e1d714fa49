"""Augmentations that a discriminator may see without a generator learning them: flips, shifts, scales, colours.

Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, "Training generative adversarial networks with limited data",
2020, appendix B. Each is drawn with probability p, so for p < 1 a distribution of images can be told from that of its
augmentations, and what the generator learns is the images. Everything is a sum of products: differentiable twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

SHIFT = 0.125  # of the side: the largest whole shift, and the standard deviation of the others
SCALE = 0.2  # standard deviation of log2
BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.5, 1.0  # standard deviations; the last two of log2


@dataclass(frozen=True)
class Draw:
    """How each of n images is to be changed.

    Attributes:
        rows: `(n, h, h)` what the rows of an image become, as weights of its rows.
        columns: `(n, w, w)`, likewise.
        colours: `(n, 3)`: what is added to the brightness, then the factors of brightness and of what is coloured.
    """

    rows: Tensor
    columns: Tensor
    colours: Tensor

    def on(self, device: torch.device) -> Draw:
        return Draw(self.rows.to(device), self.columns.to(device), self.colours.to(device))

    def part(self, rows: slice) -> Draw:
        return Draw(self.rows[rows], self.columns[rows], self.colours[rows])


def drawn(n: int, side: tuple[int, int], p: float, *, flips: bool, rng: np.random.Generator) -> Draw:
    """Draws changes for n images of `side` (h, w) pixels; at p = 0 they change nothing."""

    def by_chance(value: np.ndarray, otherwise: float) -> np.ndarray:
        return np.where(rng.random(n) < p, value, otherwise)

    def powers(width: float) -> np.ndarray:
        return by_chance(np.exp2(rng.standard_normal(n) * width), 1.0)

    turn = by_chance(np.where(rng.random(n) < 0.5, -1.0, 1.0), 1.0) if flips else np.ones(n)
    whole, stretch = powers(SCALE), powers(SCALE)
    axes = []
    for length, scale, sign in ((side[0], whole / stretch, np.ones(n)), (side[1], whole * stretch, turn)):
        steps = by_chance(np.rint(rng.uniform(-SHIFT, SHIFT, n) * length), 0.0)
        glide = by_chance(rng.standard_normal(n) * SHIFT * length, 0.0)
        axes.append(warps(length, sign * scale, steps + glide))
    added = by_chance(rng.standard_normal(n) * BRIGHTNESS, 0.0)
    contrast, saturation = powers(CONTRAST), powers(SATURATION)
    light = by_chance(np.where(rng.random(n) < 0.5, -1.0, 1.0), 1.0) * contrast
    colours = np.stack([added, light, contrast * saturation], 1)
    return Draw(axes[0], axes[1], torch.from_numpy(colours.astype(np.float32)))


def warps(length: int, scale: np.ndarray, shift: np.ndarray) -> Tensor:
    """For each of n scales and shifts the `(length, length)` weights of one axis, rows summing to 1; `(n, …)` float32.

    The image is scaled about its middle (mirrored where the scale is negative), then shifted in pixels, and goes on
    as its own mirror image beyond its edges. Between pixels it is interpolated; a smaller image is averaged.
    """
    middle, places = (length - 1) / 2, np.arange(length)
    source = (places - middle - shift[:, None]) / scale[:, None] + middle  # (n, length)
    around = 2 * length  # the image and its mirror image, over and over
    gaps = np.abs((source[:, :, None] - np.arange(around) + length) % around - length)  # (n, length, around)
    reach = np.maximum(1.0, 1 / np.abs(scale))[:, None, None]
    weights = np.maximum(0.0, 1 - gaps / reach)
    folded = weights[:, :, :length] + weights[:, :, : length - 1 : -1]
    return torch.from_numpy((folded / folded.sum(2, keepdims=True)).astype(np.float32))


def augmented(images: Tensor, draw: Draw) -> Tensor:
    """Images `(n, c, h, w)` in −1..1, changed as `draw` says, each in its own way."""
    warped = draw.rows[:, None] @ images @ draw.columns[:, None].mT
    added, light, tint = draw.colours[:, :, None, None, None].unbind(1)  # each (n, 1, 1, 1)
    grey = warped.mean(1, keepdim=True)  # (n, 1, h, w)
    return (grey + added) * light + (warped - grey) * tint
