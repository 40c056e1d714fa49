"""Images one at a time, from a folder or an array: far more of them can be scored than fit in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from autophagy.core.errors import DataError
from autophagy.core.settings import shown
from autophagy.images.look import Mode, Picture
from autophagy.images.reading import Header, Unusable, header, in_threads, upright
from autophagy.kernels.rows import some
from autophagy.sources import _listing

MAX_PIXELS = 50_000_000  # of one image
GREY = ("1", "L", "LA")  # modes of files
BEGINNINGS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")  # of PNG, JPEG, GIF, TIFF


@dataclass(frozen=True)
class Album(ABC):
    """Images that are opened when they are asked for.

    Attributes:
        label: what the user calls them.
        names: of each image.
        left_out: what else is there and cannot be used, each with its reason.
    """

    label: str
    names: tuple[str, ...]
    left_out: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def header(self, i: int) -> Header:
        """Raises Unusable."""

    @abstractmethod
    def upright(self, i: int, mode: Mode) -> Image.Image:
        """The whole image in its own size. Raises Unusable."""

    @abstractmethod
    def take(self, rows: np.ndarray) -> Self:
        """The images at `(k,)` rows."""


@dataclass(frozen=True)
class Folder(Album):
    """Every image under a folder, in the order of the names."""

    root: Path

    @classmethod
    def of(cls, root: Path, label: str) -> Folder:
        """Lists a folder, without opening an image. Raises DataError if it holds none."""
        walk = _listing.walked(root)
        if not walk.images:
            rest = f" ({walk.problems[0]})" if walk.problems else ""
            raise DataError(f"{label} holds no PNG, JPEG, WebP or BMP image{rest}; name a folder that does.")
        hidden = [f"{shown(name)} is an image without an image's suffix; rename it" for name in _hidden(root, walk)]
        return cls(label, tuple(sorted(walk.images)), (*walk.problems, *hidden), root)

    def header(self, i: int) -> Header:
        return header(self._picture(i), MAX_PIXELS, drop_alpha=True)

    def upright(self, i: int, mode: Mode) -> Image.Image:
        return upright(self._picture(i), mode, MAX_PIXELS, drop_alpha=True)

    def take(self, rows: np.ndarray) -> Folder:
        return replace(self, names=tuple(self.names[i] for i in rows.tolist()))

    def _picture(self, i: int) -> Picture:
        return Picture(self.names[i], self.root / self.names[i])


def _hidden(root: Path, walk: _listing.Walk) -> list[str]:
    """Files that are images by their first bytes and nothing by their names."""
    found = []
    for name in sorted(walk.others):
        with suppress(OSError), (root / name).open("rb") as file:
            head = file.read(16)
            if head.startswith(BEGINNINGS) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP"):
                found.append(name)
    return found


@dataclass(frozen=True)
class Array(Album):
    """Images that are in memory, or mapped into it: `(n, 1 or 3, h, w)` uint8."""

    pixels: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray, label: str) -> Array:
        return cls(label, tuple(f"image {i}" for i in range(len(pixels))), (), pixels)

    def header(self, i: int) -> Header:
        _, channels, height, width = self.pixels.shape
        return Header("array", "L" if channels == 1 else "RGB", width, height)

    def upright(self, i: int, mode: Mode) -> Image.Image:
        planes = self.pixels[i]  # (c, h, w)
        return Image.fromarray(planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)).convert(mode)

    def take(self, rows: np.ndarray) -> Array:
        return replace(self, names=tuple(self.names[i] for i in rows.tolist()), pixels=self.pixels[rows])


def examined(album: Album, limit: int | None) -> tuple[Album, list[Header]]:
    """Reads every header; what cannot be used goes to `left_out`, and of the others at most `limit` are kept.

    Raises DataError if nothing is left.
    """

    def look(i: int) -> Header | str:
        try:
            return album.header(i)
        except Unusable as problem:
            return f"{shown(album.names[i])} {problem}"

    found = in_threads(look, range(len(album)))
    headers = {i: one for i, one in enumerate(found) if isinstance(one, Header)}
    problems = [one for one in found if isinstance(one, str)]
    if not headers:
        raise none_left(album.label, problems)
    usable = np.array(list(headers))
    rows = usable if limit is None else some(usable, limit)
    kept = album if len(rows) == len(album) else album.take(rows)
    return replace(kept, left_out=(*album.left_out, *problems)), [headers[i] for i in rows.tolist()]


def none_left(label: str, problems: Sequence[str]) -> DataError:
    return DataError(f"none of the {len(problems):,} rows or images of {label} can be used: {problems[0]}.")
