"""Image files from anywhere, opened with care: few formats, capped sizes, every problem named at once."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from autophagy.core.errors import DataError
from autophagy.core.settings import shown
from autophagy.sources._look import Look, Picture

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MODES = ("1", "L", "P", "RGB")  # what turns into grey or sRGB without a choice to be made
SHOWN = 20  # problems listed in one error


def header_problem(picture: Picture, max_pixels: int) -> str | None:
    """What is wrong with an image as far as its header tells; no pixel is decoded."""
    try:
        length = len(picture.content) if isinstance(picture.content, bytes) else picture.content.stat().st_size
        if length > 16 * max_pixels + 2**20:
            return f"has {length:,} bytes, too many for {max_pixels:,} pixels"
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _opened(picture) as image:
                return _oddity(image, max_pixels)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has far more than {max_pixels:,} pixels"
    except Exception as error:  # decoders raise whatever hostile bytes make them raise
        return _unreadable(error)


def decoded(pictures: Sequence[Picture], look: Look) -> tuple[np.ndarray, list[str]]:
    """Returns `(n, c, size, size)` uint8, and a sentence part for every image that could not be decoded."""
    pixels = np.zeros((len(pictures), *look.shape), np.uint8)

    def fill(i: int) -> str | None:
        try:
            pixels[i] = _pixels(pictures[i], look)
        except Exception as error:  # as above
            return f"{shown(pictures[i].name)} {_unreadable(error)}"
        return None

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as workers:  # Pillow decodes without the interpreter's lock
        return pixels, [problem for problem in workers.map(fill, range(len(pictures))) if problem]


def refuse(where: str, problems: Iterable[str]) -> None:
    """Raises one DataError that names every problem there is, or the first twenty; nothing if there is none."""
    found = list(dict.fromkeys(problems))
    if found:
        rest = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        count = f"{len(found)} problem" + "s" * (len(found) > 1)
        raise DataError(f"{where} has {count} to mend or remove: {'; '.join(found[:SHOWN])}{rest}.")


def _opened(picture: Picture) -> Image.Image:
    content = picture.content
    return Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=FORMATS)


def _oddity(image: Image.Image, max_pixels: int) -> str | None:
    width, height = image.size
    if width * height > max_pixels:
        return f"is {width} × {height} pixels, over max_pixels = {max_pixels:,}"
    if image.mode not in MODES or "transparency" in image.info:
        kind = "transparent" if "transparency" in image.info or "A" in image.mode else f"of mode {image.mode}"
        return f"is {kind}; save it as plain RGB or grey"
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # a camera's JPEG may carry a preview
        return "is animated; save one frame"
    return None


def _pixels(picture: Picture, look: Look) -> np.ndarray:
    with _opened(picture) as image:
        oddity = _oddity(image, look.max_pixels)
        if oddity:
            raise _Odd(oddity)
        upright = ImageOps.exif_transpose(image).convert(look.mode)
    square = ImageOps.fit(upright, (look.side, look.side), Image.Resampling.LANCZOS)
    return np.asarray(square).reshape(look.side, look.side, -1).transpose(2, 0, 1)


class _Odd(Exception):
    """An image that is whole but not of a kind that is taken."""


def _unreadable(error: Exception) -> str:
    if isinstance(error, _Odd):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "is not a PNG, JPEG, WebP or BMP image"
    return f"cannot be read ({shown(str(error) or type(error).__name__)})"
