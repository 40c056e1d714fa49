"""Sources that are files of images in one folder: read once per process, completely or not at all."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError, refuse
from autophagy.core.parts import Collection, Split
from autophagy.core.settings import shown
from autophagy.images.look import Look, Picture
from autophagy.sources import _listing

SPLITS: tuple[Split, ...] = ("train", "heldout")


@dataclass(frozen=True)
class ImageFiles(Collection):
    """Images in a folder. A kind of them says how to list the folder, and how to make the images alike."""

    space = "images"
    folder: str

    @abstractmethod
    def look(self) -> Look: ...

    @abstractmethod
    def listed(self, root: Path) -> _listing.Listing:
        """What the folder holds, with what is wrong in it; asked again only when a file there has changed."""

    @abstractmethod
    def emptiness(self, heldout: int) -> str:
        """What would be right if there is nothing to train on and so many are held out."""

    def size(self, split: Split) -> int:
        return len(self.listing().names[split])

    def load(self, split: Split) -> np.ndarray:
        self.listing()  # what is wrong with the folder itself comes first
        return _pixels(self, split, _listing.stamp(self.root()))

    def content(self) -> str:
        """Reads every file once; if a header or a missing end shows that one cannot be used, names all that cannot."""
        return _digest(self, _listing.stamp(self.root()))

    def pictures(self, split: Split) -> list[Picture]:
        return [Picture(name, self.root() / name) for name in self.listing(strict=False).names[split]]

    def root(self) -> Path:
        root = Path(self.folder).expanduser()
        if not root.is_dir():
            told = "{} is a file" if root.is_file() else "there is no folder {}"
            raise DataError(f"{told.format(shown(self.folder, 120))}; give one that holds images.")
        return root

    def listing(self, *, strict: bool = True) -> _listing.Listing:
        """What the folder holds; with `strict`, only if nothing is wrong with it."""
        root = self.root()
        found = _listed(self, root, _listing.stamp(root))
        if strict and found.problems:
            _refuse(self, _problems(self))
        if strict and not found.names["train"]:
            raise DataError(f"folder {shown(self.folder, 120)} holds {self.emptiness(len(found.names['heldout']))}.")
        return found


@lru_cache(maxsize=8)
def _listed(source: ImageFiles, root: Path, stamp: int) -> _listing.Listing:
    return source.listed(root)


@lru_cache(maxsize=8)
def _digest(source: ImageFiles, stamp: int) -> str:
    listing = source.listing()
    _refuse(source, _problems(source))
    hasher = hashlib.sha256()
    for split in SPLITS:
        known = source.conditions(split)
        hasher.update(repr((split, None if known is None else known.tolist())).encode())
        for name in listing.names[split]:
            with (source.root() / name).open("rb") as file:
                hasher.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return hasher.hexdigest()[:32]


@lru_cache(maxsize=4)
def _pixels(source: ImageFiles, split: Split, stamp: int) -> np.ndarray:
    from autophagy.images.reading import decoded

    pixels, problems = decoded(source.pictures(split), source.look())
    if problems:
        other: Split = "heldout" if split == "train" else "train"
        _refuse(source, [*problems, *decoded(source.pictures(other), source.look())[1]])
    pixels.setflags(write=False)
    return pixels


def _problems(source: ImageFiles) -> list[str]:
    """What is wrong with the images by their first and last bytes; of a folder that has any such, whatever is."""
    from autophagy.images.reading import header_problem, in_threads, is_cut, problem

    look, problems = source.look(), source.listing(strict=False).problems
    pictures = sorted((each for split in SPLITS for each in source.pictures(split)), key=lambda each: each.name)

    def quickly(picture: Picture) -> str | None:
        return problem(picture, look) if is_cut(picture) else header_problem(picture, look.max_pixels)

    found = in_threads(quickly, pictures)
    if any(found) or problems:
        found = in_threads(lambda picture: problem(picture, look), pictures)
    return [f"{shown(picture.name)} {trouble}" for picture, trouble in zip(pictures, found, strict=True) if trouble]


def _refuse(source: ImageFiles, problems: Sequence[str]) -> None:
    refuse(f"folder {shown(source.folder, 120)}", [*source.listing(strict=False).problems, *problems])
