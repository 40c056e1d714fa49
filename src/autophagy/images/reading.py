"""Image files from anywhere, opened with care: few formats, capped sizes, every problem named at once."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from autophagy.core.mapped import room
from autophagy.core.settings import shown
from autophagy.images.look import Look, Mode, Picture

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MODES = ("1", "L", "P", "RGB")  # what turns into grey or sRGB without a choice to be made
OPAQUE = ("LA", "RGBA")  # the same where alpha hides nothing, for who says `drop_alpha`
ORIENTED = {"exif", "XML:com.adobe.xmp", "Raw profile type exif"}  # where a PNG says how the camera was held
SIDEWAYS = (5, 6, 7, 8)  # EXIF's orientations that are a quarter turned
END = 2**14  # bytes that may follow an image in its file, such as a camera's notes
T = TypeVar("T")
R = TypeVar("R")


class Unusable(Exception):
    """An image that cannot be read, or is whole but not of a kind that is taken; says why as part of a sentence."""


@dataclass(frozen=True)
class Header:
    """What an image says of itself before a pixel is decoded; its size is that of the image held upright."""

    format: str  # of FORMATS
    mode: str  # of MODES, or of OPAQUE where alpha is dropped
    width: int
    height: int


def header(picture: Picture, max_pixels: int, *, drop_alpha: bool = False) -> Header:
    """Reads no more than an image's header, but for one with alpha that may be dropped. Raises Unusable."""
    try:
        length = len(picture.content) if isinstance(picture.content, bytes) else picture.content.stat().st_size
        if length > 16 * max_pixels + 2**20:
            raise Unusable(f"has {length:,} bytes, too many for {max_pixels:,} pixels")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _opened(picture, max_pixels, drop_alpha=drop_alpha) as image:
                return Header(str(image.format), image.mode, *_upright_size(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unusable(f"has far more than {max_pixels:,} pixels") from None
    except Exception as error:  # decoders raise whatever hostile bytes make them raise
        raise Unusable(_unreadable(error)) from None


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height the way the camera was held; no pixel is decoded for it."""
    width, height = image.size
    is_told = image.format != "PNG" or not ORIENTED.isdisjoint(image.info)  # a PNG may say it after its pixels
    is_turned = is_told and image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
    return (height, width) if is_turned else (width, height)


def header_problem(picture: Picture, max_pixels: int) -> str | None:
    """What is wrong with an image as far as its header tells."""
    try:
        header(picture, max_pixels)
    except Unusable as problem:
        return str(problem)
    return None


def is_cut(picture: Picture) -> bool:
    """Whether a file looks as if its end were missing, by its first and last bytes alone; only decoding can be sure."""
    try:
        first, last, length = _ends(picture.content)
    except OSError:
        return True
    if first.startswith(b"\x89PNG"):
        return b"IEND" not in last
    if first.startswith(b"\xff\xd8"):  # JPEG
        return b"\xff\xd9" not in last
    told = first[4:8] if first.startswith(b"RIFF") else first[2:6]  # WebP, or BMP
    return length < int.from_bytes(told, "little")


def _ends(content: Path | bytes) -> tuple[bytes, bytes, int]:
    if isinstance(content, bytes):
        return content[:16], content[-END:], len(content)
    with content.open("rb") as file:
        first, length = file.read(16), file.seek(0, os.SEEK_END)
        file.seek(max(0, length - END))
        return first, file.read(), length


def problem(picture: Picture, look: Look) -> str | None:
    """What is wrong with an image, which is decoded to see if its header is sound."""
    try:
        header(picture, look.max_pixels)
        upright(picture, look.mode, look.max_pixels)
    except Unusable as problem:
        return str(problem)
    return None


def upright(picture: Picture, mode: Mode, max_pixels: int, *, drop_alpha: bool = False) -> Image.Image:
    """Decodes an image in its own size, the way the camera was held. Raises Unusable."""
    try:
        with _opened(picture, max_pixels, drop_alpha=drop_alpha) as image:
            return ImageOps.exif_transpose(image).convert(mode)
    except Exception as error:  # as above
        raise Unusable(_unreadable(error)) from None


def square(image: Image.Image, side: int) -> Image.Image:
    """The central square, `side` × `side` pixels (Lanczos)."""
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


def planes(image: Image.Image) -> np.ndarray:
    """Returns `(c, h, w)` uint8."""
    return np.asarray(image).reshape(image.height, image.width, -1).transpose(2, 0, 1)


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`work` of each item, in order; Pillow decodes without the interpreter's lock."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as workers:
        return list(workers.map(work, items))


def decoded(pictures: Sequence[Picture], look: Look) -> tuple[np.ndarray, list[str]]:
    """Returns `(n, c, side, side)` uint8, and a sentence part for every image that could not be decoded."""
    pixels = room((len(pictures), *look.shape), np.dtype(np.uint8))

    def fill(i: int) -> str | None:
        try:
            pixels[i] = planes(square(upright(pictures[i], look.mode, look.max_pixels), look.side))
        except Unusable as problem:
            pixels[i] = 0
            return f"{shown(pictures[i].name)} {problem}"
        return None

    return pixels, [problem for problem in in_threads(fill, range(len(pictures))) if problem]


@contextmanager
def _opened(picture: Picture, max_pixels: int, *, drop_alpha: bool) -> Iterator[Image.Image]:
    content = picture.content
    with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=FORMATS) as image:
        oddity = _oddity(image, max_pixels, drop_alpha=drop_alpha)
        if oddity:
            raise Unusable(oddity)
        yield image


def _oddity(image: Image.Image, max_pixels: int, *, drop_alpha: bool) -> str | None:
    width, height = image.size
    if width * height > max_pixels:
        return f"is {width} × {height} pixels, over max_pixels = {max_pixels:,}"
    tiles = getattr(image, "tile", ())  # which decoding empties
    if image.mode in (*MODES, *OPAQUE) and any(str(tile[-1]).endswith(("16B", "16L")) for tile in tiles):
        return "has 16 bits a colour; save it with 8"
    is_plain = image.mode in MODES or (drop_alpha and _is_opaque(image))
    if not is_plain or "transparency" in image.info:
        kind = "transparent" if "transparency" in image.info or "A" in image.mode else f"of mode {image.mode}"
        return f"is {kind}; save it as plain RGB or grey"
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # a camera's JPEG may carry a preview
        return "is animated; save one frame"
    return None


def _is_opaque(image: Image.Image) -> bool:
    """Whether alpha is 255 throughout; decodes the image to see."""
    return image.mode in OPAQUE and image.getchannel("A").getextrema() == (255, 255)


def _unreadable(error: Exception) -> str:
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "is not a PNG, JPEG, WebP or BMP image"
    return f"cannot be read ({shown(str(error) or type(error).__name__)})"
