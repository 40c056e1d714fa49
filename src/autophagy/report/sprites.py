"""Galleries of images: one sprite sheet for each arm, a frame below the other."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autophagy.core.pool import Pool

from .draws import Drawn, Gallery, Row, distinct
from .story import Story

COLUMNS = 20  # draws shown in a row
PIXELS = 3_000_000  # over all arms and frames; images are shown smaller, and fewer of them, to keep to it
LARGEST, SMALLEST = 160, 40  # pixels a side: larger images are shrunk, but not below
FEWEST = 6  # draws


def is_images(pool: Pool) -> bool:
    return pool.samples.ndim == 4 and pool.samples.dtype == np.uint8


def images(story: Story, drawn: Drawn, whole: Drawn) -> Gallery:
    """A gallery of some arms of the `whole`, whose images are all of one size."""
    example, planes = drawn.stored[0], sum(pool.samples.shape[1] for pool in whole.stored if is_images(pool))
    columns, side = _room(planes, example)
    h, w = tiles(example, 1, side)[0].shape[:2]
    rows = _headed(
        [
            Row(
                i, story.arms[i].name, _sprite(distinct(pools), columns, side, (h, w)), _slots(pools), (), notes,
                _classes(distinct(pools), columns),
            )
            for i, pools, notes in zip(drawn.arms, drawn.pools, drawn.notes, strict=True)
        ]
    )  # fmt: skip
    width = columns * (w + 1) - 1
    heights = tuple(h * (1 + max((s for s in row.slots if s is not None), default=0)) for row in rows)
    seed = story.first_seed
    about = f"The same {columns} draws (latents and conditions) in every generation of the lineage with seed {seed}."
    return Gallery("images", seed, width, h, heights, columns, (), rows, about)


def _room(planes: int, example: Pool) -> tuple[int, int]:
    """How many columns of which side fit into `PIXELS`, of so many planes each; gives up pixels first, then draws."""
    columns, side = min(COLUMNS, len(example)), min(LARGEST, max(example.samples.shape[2:]))
    allowed = PIXELS / max(planes * columns, 1)  # pixels an image
    if side**2 > allowed:
        side = max(min(side, SMALLEST), int(allowed**0.5))
    if side**2 > allowed:
        columns = max(min(columns, FEWEST), int(columns * allowed / side**2))
    return columns, side


def _strip(pool: Pool, columns: int, side: int, shape: tuple[int, int]) -> np.ndarray:
    """`(h, columns · (w + 1) − 1[, 3])`: draws side by side, a white line between them."""
    h, w = shape
    found = [t for t in tiles(pool, columns, side) if t.shape[:2] == (h, w)]
    strip = np.full((h, columns * (w + 1) - 1, *(found[0].shape[2:] if found else ())), 255, np.uint8)
    for i, tile in enumerate(found):
        strip[:, i * (w + 1) : i * (w + 1) + w] = tile
    return strip


def _sprite(pools: Sequence[Pool], columns: int, side: int, shape: tuple[int, int]) -> str:
    strips = [_strip(pool, columns, side, shape) for pool in pools]
    return data_uri(np.concatenate(strips)) if strips else ""


def _slots(row: Sequence[Pool | None]) -> tuple[int | None, ...]:
    places = {id(pool): k for k, pool in enumerate(distinct(row))}
    return tuple(None if pool is None else places[id(pool)] for pool in row)


def _headed(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with heads where those above do not hold for them."""
    above: tuple[str, ...] = ()
    found = []
    for row in rows:
        found.append(replace(row, heads=None if row.heads == above else row.heads))
        above = above if row.heads is None else row.heads
    return tuple(found)


def data_uri(pixels: np.ndarray) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=9)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _classes(pools: Sequence[Pool], columns: int) -> tuple[str, ...] | None:
    """Class numbers above an arm's columns; captions would not fit there. None where it has no draws."""
    if not pools:
        return None
    asked = pools[0].condition
    return () if asked is None or asked.dtype.kind not in "iu" else tuple(map(str, asked[:columns].tolist()))


def tiles(pool: Pool, count: int, side: int) -> list[np.ndarray]:
    """The first `count` images, at most `side` pixels a side; each `(h, w)` or `(h, w, 3)` uint8."""
    from PIL import Image

    shown = pool.samples[:count]
    planes = shown if shown.shape[1] in (1, 3) else shown[:, :1]
    pixels = [x[0] if len(x) == 1 else x.transpose(1, 2, 0) for x in planes]
    if max(pool.samples.shape[2:]) <= side:
        return [np.ascontiguousarray(x) for x in pixels]
    h, w = (max(1, round(s * side / max(pool.samples.shape[2:]))) for s in pool.samples.shape[2:])
    resized = (Image.fromarray(np.ascontiguousarray(x)).resize((w, h), Image.Resampling.LANCZOS) for x in pixels)
    return [np.asarray(image) for image in resized]
