"""The images that somebody else's program drew: as many as were asked for, of the right size, in an order."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError, refuse
from autophagy.core.settings import shown
from autophagy.images.look import Picture
from autophagy.images.reading import Unusable, header, in_threads, planes, upright

from ._command_folders import is_folder
from ._command_program import mode_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
METADATA = "metadata.jsonl"
LARGEST_METADATA = 2**28  # bytes
WHERE = "what the sample command drew"
MAX_PIXELS = 89_478_485  # of an image whose header is looked at


def read(folder: Path, n: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Returns `(n, c, h, w)` uint8; raises DataError unless there are exactly n images of that shape.

    They come in the order of `metadata.jsonl` if there is one, else in the order
    of their names, in which numbers count as numbers: `seed2.png`, `seed10.png`.
    """
    if not is_folder(folder):
        raise DataError("the sample command removed {out}, the folder that it was to draw into, or replaced it.")
    pictures = _pictures(folder)
    if len(pictures) != n:
        raise DataError(f"the sample command was asked for {n} images, but drew {len(pictures)}.")
    pixels = np.zeros((n, *shape), np.uint8)

    def fill(i: int) -> str | None:
        try:
            pixels[i] = _decoded(pictures[i], shape)
        except Unusable as problem:
            return f"{shown(pictures[i].name)} {problem}"
        return None

    refuse(WHERE, [problem for problem in in_threads(fill, range(n)) if problem])
    return pixels


def _decoded(picture: Picture, shape: tuple[int, int, int]) -> np.ndarray:
    channels, height, width = shape
    mode = mode_of(channels)
    about = header(picture, MAX_PIXELS)
    if (about.width, about.height, about.mode) != (width, height, mode):
        raise Unusable(
            f"is {about.width} × {about.height} pixels of mode {about.mode}, "
            f"but the training images are {width} × {height} of mode {mode}"
        )
    found = planes(upright(picture, mode, width * height))
    if found.shape != shape:
        raise Unusable("is turned by its EXIF data; save it upright")
    return found


def _pictures(folder: Path) -> list[Picture]:
    """The images that lie in the folder itself, in their order; other files are nobody's business."""
    with os.scandir(folder) as entries:
        found = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries if _is_read(entry.name)}
    refuse(WHERE, [f"{shown(name)} is a link or no plain file" for name, is_plain in found.items() if not is_plain])
    images = sorted((name for name in found if name != METADATA), key=_natural)
    names = _named(folder / METADATA, images) if METADATA in found else images
    return [Picture(name, folder / name) for name in names]


def _is_read(name: str) -> bool:
    return name == METADATA or (name.lower().endswith(SUFFIXES) and not name.startswith("."))


def _named(metadata: Path, images: Sequence[str]) -> list[str]:
    """The images in the order in which the metadata name them; each must be named once, and nothing else."""
    if metadata.stat().st_size > LARGEST_METADATA:
        raise DataError(f"{METADATA} of the sample command is larger than {LARGEST_METADATA // 2**20} MiB.")
    lines = metadata.read_bytes().decode("utf-8-sig", "replace").split("\n")
    found = {number: _file_name(line) for number, line in enumerate(lines, 1) if line.strip()}
    bad = [number for number, name in found.items() if name is None]
    if bad:
        raise DataError(f"line {bad[0]} of {METADATA} of the sample command names no file_name.")
    named = [name for name in found.values() if name is not None]
    count = Counter(named)
    refuse(
        WHERE,
        [
            *(f"{METADATA} names {shown(name)}, which is no image beside it" for name in count.keys() - {*images}),
            *(f"{shown(name)} is named {count[name]} times in {METADATA}" for name in images if count[name] != 1),
        ],
    )
    return named


def _file_name(line: str) -> str | None:
    try:
        name = json.loads(line)["file_name"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return name if isinstance(name, str) else None


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sorts numbers in a name as numbers; they stand at every second place, so that like meets like."""
    return [int(piece) if i % 2 else piece for i, piece in enumerate(re.split(r"([0-9]+)", name))], name
