"""The same draws in every generation, as a reader steps through them."""

from __future__ import annotations

from pathlib import Path

from .draws import Gallery, read
from .passages import is_text
from .plots import symbols, vectors
from .sprites import images, is_images
from .story import Story


def gallery(root: Path, story: Story) -> Gallery:
    drawn = read(root, story, story.frames)
    example = drawn.any
    if example is None:
        return Gallery("none", 0, 0, 0, (), 0, (), (), "No generation's draws are stored.")
    if is_images(example):
        return images(story, drawn, example)
    if example.samples.dtype.kind == "f" and example.samples.ndim == 2:
        return vectors(story, drawn, example)
    if example.samples.dtype.kind in "iu" and example.samples.ndim == 1:
        return symbols(story, drawn)
    if is_text(example):
        return Gallery("none", 0, 0, 0, (), 0, (), (), "Texts stand further up, prompt by prompt.")
    return Gallery("none", 0, 0, 0, (), 0, (), (), "Draws of this kind of data cannot be shown here.")
