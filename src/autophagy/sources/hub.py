"""Any image data set that Hugging Face's `datasets` can load, from the hub or from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError, listed, refuse
from autophagy.core.parts import Collection, Split
from autophagy.core.settings import Fraction, shown
from autophagy.images.look import Look, MaxPixels, Mode, Picture, Side
from autophagy.sources import _captions, _hub
from autophagy.sources._metadata import Conditions

_USUAL = ("test", "validation")  # splits that are held out where nothing is said


@register("hub")
@dataclass(frozen=True)
class Hub(Collection):
    """Images (3, side, side) of a data set, with a caption or a class each. Needs the extra "hub".

    Attributes:
        path: an id such as "zalando-datasets/fashion_mnist", or a local folder.
        config: which configuration of the data set, where it has several.
        revision: a commit, so that the data stay the same.
        train_split: the split to train on.
        heldout_split: the split that is held out; by default `test` or `validation`, and where
            there is neither, a share of the rows, chosen by a hash of their numbers.
        heldout: that share, 0–1.
        image_column: where the images are.
        label_column: where classes are, if they are wanted.
        caption_column: where captions are, if they are wanted; it goes before labels.
        caption: turns classes into captions, e.g. "a photo of a {name}"; {label} is the class number.
        side: pixels; images are cut to their central square and resized to this (Lanczos).
        mode: "RGB", or "L" for one grey channel.
        max_pixels: images with more are refused.
    """

    space = "images"
    path: str
    config: str | None = None
    revision: str | None = None
    train_split: str = "train"
    heldout_split: str | None = None
    heldout: Fraction = 0.2
    image_column: str = "image"
    label_column: str | None = None
    caption_column: str | None = None
    caption: str | None = None
    side: Side = 64
    mode: Mode = "RGB"
    max_pixels: MaxPixels = 50_000_000

    def __post_init__(self) -> None:
        super().__post_init__()
        _captions.check_template(self.caption)

    def size(self, split: Split) -> int:
        return len(self._tables()[split])

    def conditions(self, split: Split) -> np.ndarray | None:
        known = _known(self, _hub.stamp(self.path))[split]
        return _captions.captioned(known.column, self.caption, known.classes, f"{shown(self.path)}")

    def load(self, split: Split) -> np.ndarray:
        return _pixels(self, split, _hub.stamp(self.path))

    def content(self) -> str:
        return _digest(self, _hub.stamp(self.path))

    def pictures(self, split: Split) -> list[Picture]:
        return _hub.pictures(self._tables()[split], self.image_column, self.path)

    def _tables(self) -> Mapping[Split, _hub.Table]:
        return _tables(self, _hub.stamp(self.path))


@lru_cache(maxsize=4)
def _tables(source: Hub, stamp: int) -> Mapping[Split, _hub.Table]:
    found = _hub.load("source 'hub'", source.path, source.config, source.revision)
    held = source.heldout_split or next((name for name in _USUAL if name in found), None)
    for name in (source.train_split, held):
        if name is not None and name not in found:
            raise DataError(f"{shown(source.path)} has no split {shown(name)}; it has: {listed(found)}.")
    train = found[source.train_split]
    if held is not None and held != source.train_split:
        return {"train": train, "heldout": found[held]}
    numbers = (hashlib.sha256(f"row {i}".encode()).digest() for i in range(len(train)))
    places = np.array([int.from_bytes(number[:8], "big") / 2**64 for number in numbers])
    return {
        "train": train.select(np.flatnonzero(places >= source.heldout)),
        "heldout": train.select(np.flatnonzero(places < source.heldout)),
    }


@lru_cache(maxsize=4)
def _known(source: Hub, stamp: int) -> Mapping[Split, Conditions]:
    tables = _tables(source, stamp)
    train, heldout = _hub.conditions(
        [tables["train"], tables["heldout"]], source.label_column, source.caption_column, source.path
    )
    return {"train": train, "heldout": heldout}


@lru_cache(maxsize=4)
def _pixels(source: Hub, split: Split, stamp: int) -> np.ndarray:
    from autophagy.images.reading import decoded

    pixels, problems = decoded(source.pictures(split), Look(source.side, source.mode, source.max_pixels))
    refuse(f"split '{split}' of {shown(source.path)}", problems)
    pixels.setflags(write=False)
    return pixels


@lru_cache(maxsize=4)
def _digest(source: Hub, stamp: int) -> str:
    hasher = hashlib.sha256()
    for split in ("train", "heldout"):
        known = source.conditions(split)
        hasher.update(repr((split, None if known is None else known.tolist())).encode())
        for picture in source.pictures(split):
            content = picture.content if isinstance(picture.content, bytes) else picture.content.read_bytes()
            hasher.update(hashlib.sha256(content).digest())
    return hasher.hexdigest()[:32]
