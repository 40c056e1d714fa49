"""Your own images: a folder in Hugging Face's ImageFolder convention."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Collection, Split
from autophagy.core.settings import Fraction, shown
from autophagy.images.look import Look, MaxPixels, Mode, Picture, Side
from autophagy.sources import _captions, _listing

SPLITS: tuple[Split, ...] = ("train", "heldout")


@register("image-folder")
@dataclass(frozen=True)
class ImageFolder(Collection):
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

    space = "images"
    folder: str
    side: Side = 64
    mode: Mode = "RGB"
    caption: str | None = None
    caption_column: str | None = None
    heldout: Fraction = 0.2
    max_pixels: MaxPixels = 50_000_000

    def __post_init__(self) -> None:
        super().__post_init__()
        _captions.check_template(self.caption)

    def size(self, split: Split) -> int:
        return len(self.listing().names[split])

    def conditions(self, split: Split) -> np.ndarray | None:
        known = self.listing().conditions[split]
        return _captions.captioned(known.column, self.caption, known.classes, f"folder {shown(self.folder, 120)}")

    def load(self, split: Split) -> np.ndarray:
        self.listing()  # what is wrong with the folder itself comes first
        return _pixels(self, split, _listing.stamp(self._root()))

    def content(self) -> str:
        """Reads every file once, and names every image whose header already shows that it cannot be used."""
        return _digest(self, _listing.stamp(self._root()))

    def pictures(self, split: Split) -> list[Picture]:
        return [Picture(name, self._root() / name) for name in self.listing(strict=False).names[split]]

    def look(self) -> Look:
        return Look(self.side, self.mode, self.max_pixels)

    def _root(self) -> Path:
        root = Path(self.folder).expanduser()
        if not root.is_dir():
            raise DataError(f"there is no folder {shown(self.folder, 120)}; give one that holds images.")
        return root

    def listing(self, *, strict: bool = True) -> _listing.Listing:
        """What the folder holds; with `strict`, only if nothing is wrong with it."""
        root = self._root()
        found = _list(root, self.caption_column, self.heldout, _listing.stamp(root))
        if strict and found.problems:
            _refuse(self, _header_problems(self))
        if strict and not found.names["train"]:
            held = len(found.names["heldout"])
            raise DataError(
                f"folder {shown(self.folder, 120)} holds no images to train on and {held} held out; "
                f"put PNG, JPEG, WebP or BMP files there, or lower heldout = {self.heldout}."
            )
        return found


@lru_cache(maxsize=8)
def _list(root: Path, column: str | None, heldout: float, stamp: int) -> _listing.Listing:
    return _listing.read(root, column, heldout)


@lru_cache(maxsize=8)
def _digest(source: ImageFolder, stamp: int) -> str:
    listing = source.listing()
    _refuse(source, _header_problems(source))
    hasher = hashlib.sha256()
    for split in SPLITS:
        known = source.conditions(split)
        hasher.update(repr((split, None if known is None else known.tolist())).encode())
        for name in listing.names[split]:
            with (source._root() / name).open("rb") as file:
                hasher.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return hasher.hexdigest()[:32]


@lru_cache(maxsize=4)
def _pixels(source: ImageFolder, split: Split, stamp: int) -> np.ndarray:
    from autophagy.images.reading import decoded

    pixels, problems = decoded(source.pictures(split), source.look())
    if problems:
        other: Split = "heldout" if split == "train" else "train"
        _refuse(source, [*problems, *decoded(source.pictures(other), source.look())[1]])
    pixels.setflags(write=False)
    return pixels


def _header_problems(source: ImageFolder) -> list[str]:
    from autophagy.images.reading import header_problem

    pictures = [picture for split in SPLITS for picture in source.pictures(split)]
    found = [(picture.name, header_problem(picture, source.max_pixels) or "") for picture in pictures]
    return [f"{shown(name)} {problem}" for name, problem in sorted(found) if problem]


def _refuse(source: ImageFolder, problems: Sequence[str]) -> None:
    from autophagy.images.reading import refuse

    refuse(f"folder {shown(source.folder, 120)}", [*source.listing(strict=False).problems, *problems])
