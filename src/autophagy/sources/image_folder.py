"""Your own images: a folder in Hugging Face's ImageFolder convention."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Split
from autophagy.core.settings import Fraction, shown
from autophagy.images.look import Look, MaxPixels, Mode, Side
from autophagy.sources import _captions, _listing
from autophagy.sources._image_files import ImageFiles


@register("image-folder")
@dataclass(frozen=True)
class ImageFolder(ImageFiles):
    """Images (3, side, side) with captions from `metadata.jsonl` or `.csv`, or with classes from their folders.

    Splits are the folders `train` and `test` (or `validation`) where both exist;
    else an image is held out or not by a hash of its name, so that adding images
    moves no other. Files are read once per process, and again when they change.

    Attributes:
        folder: where the images are.
        side: pixels; images are cut to their central square and resized to this (Lanczos).
        mode: "RGB", or "L" for one grey channel.
        caption: turns classes into captions, e.g. "a photo of a {name}"; {label} is the class number.
        caption_column: the metadata's column to use; by default `text`, `caption` or `label`.
        heldout: the share held out where there are no split folders, 0–1.
        max_pixels: images with more are refused, by their headers.
    """

    side: Side = 64
    mode: Mode = "RGB"
    caption: str | None = None
    caption_column: str | None = None
    heldout: Fraction = 0.2
    max_pixels: MaxPixels = 50_000_000

    def __post_init__(self) -> None:
        super().__post_init__()
        _captions.check_template(self.caption)

    def conditions(self, split: Split) -> np.ndarray | None:
        known = self.listing().conditions[split]
        return _captions.captioned(known.column, self.caption, known.classes, f"folder {shown(self.folder, 120)}")

    def look(self) -> Look:
        return Look(self.side, self.mode, self.max_pixels)

    def listed(self, root: Path) -> _listing.Listing:
        return _listing.read(root, self.caption_column, self.heldout)

    def emptiness(self, heldout: int) -> str:
        return (
            f"no images to train on and {heldout} held out; "
            f"put PNG, JPEG, WebP or BMP files there, or lower heldout = {self.heldout}"
        )
