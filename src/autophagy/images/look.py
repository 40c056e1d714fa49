"""How images from files are made alike; the settings that every source of image files shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from autophagy.core.settings import Range

Side = Annotated[int, Range(1, 4096)]
Mode = Literal["RGB", "L"]
MaxPixels = Annotated[int, Range(1, 89_478_485)]  # above this Pillow warns by itself


@dataclass(frozen=True)
class Look:
    """The central square of an image, `side` × `side` pixels, in three channels or one."""

    side: int
    mode: Mode
    max_pixels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (3 if self.mode == "RGB" else 1, self.side, self.side)


@dataclass(frozen=True)
class Picture:
    """An encoded image and what to call it: the path of a file, or a file's bytes."""

    name: str
    content: Path | bytes
