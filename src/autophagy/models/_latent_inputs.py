"""What latent diffusion asks of images and captions: of a source in the plan, of a training set before a fit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.parts import Collection, Source, Stream
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import shown

from ._trained import images

CAPTION = 'caption = "a photo of {name}"'


def unread(captions: np.ndarray | None, where: str) -> str | None:
    """What keeps these conditions from being read as texts, as a sentence's end; None if nothing does."""
    if captions is None:
        return f"reads captions, but {where} has none; give it some, e.g. {CAPTION}"
    if np.asarray(captions).dtype.kind not in "UTO":
        classes = f"classes such as {shown(np.asarray(captions).tolist()[0])}" if len(captions) else "classes"
        return f"reads captions, but {where} has {classes}; say {CAPTION} there"
    return None


def unseen(shape: tuple[int, ...], side: int, where: str) -> str | None:
    """What keeps images of this shape from being learned, as a sentence's end; None if nothing does."""
    if shape == (3, side, side):
        return None
    has = " × ".join(map(str, shape[1:])) + (" grey" if shape[0] == 1 else f" {shape[0]}-channel" * (shape[0] != 3))
    return (
        f"takes RGB images of {side} × {side} pixels, but {where} has {has} ones; use a source of such images, or "
        "set side, or another checkpoint, to fit"
    )


@lru_cache(maxsize=64)
def shape_of(source: Source) -> tuple[int, ...] | None:
    """Of one sample; None where there is none to look at."""
    if isinstance(source, Stream):
        return source.draw(1, Seed(("shape",))).shape[1:]
    if not isinstance(source, Collection):
        return None
    return source.load("heldout" if source.size("heldout") else "train").shape[1:]


def checked(train: Pool, side: int, model: str) -> tuple[np.ndarray, np.ndarray]:
    """Images `(n, 3, side, side)` and captions `(n,)` of a training set. Raises DataError for others."""
    samples, captions = images(train, model), train.condition
    problem = unseen(samples.shape[1:], side, "its training set") or unread(captions, "its training set")
    if problem is not None or captions is None:
        raise DataError(f"model '{model}' {problem}.")
    return samples, captions
