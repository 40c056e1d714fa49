"""Pools as files: memory-mapped columns, or PNG files in the ImageFolder convention where images are large."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.errors import Damaged
from autophagy.core.pool import Origin, Pool
from autophagy.images import folder as image_folder

from .manifest import Facts, Written, facts

LARGE = 128 * 128  # pixels; above that a PNG is smaller than its bytes and a person wants to look at it
MAPPED = 2**20  # bytes; smaller columns are read at once, which is faster


def write(pool: Pool, folder: Path) -> Written:
    """Writes a pool into an empty folder."""
    is_born = len(pool.origins) == 1 and np.array_equal(pool.row, np.arange(len(pool)))
    is_large = pool.samples.ndim == 4 and pool.samples[0, 0].size > LARGE if len(pool) else False
    columns = {
        "origin": None if is_born else pool.origin,
        "row": None if is_born else pool.row,
        "condition": pool.condition,
        "begun": pool.begun,
        "samples": None if is_large else pool.samples,
    }
    hashed = dict(_save(folder, name, column) for name, column in columns.items() if column is not None)
    if is_large:
        image_folder.write(pool, folder)
    about = {
        "n": len(pool),
        "born": is_born,
        "images": is_large,
        "origins": [[origin.key, origin.generation] for origin in pool.origins],
    }
    return Written(about, hashed)


def read(folder: Path, about: Mapping[str, Any]) -> Pool:
    """Reads a pool back; its columns are read-only."""
    n = about["n"]
    try:
        return Pool(
            _read_images(folder, n) if about["images"] else _load(folder, "samples"),
            np.zeros(n, np.int32) if about["born"] else _load(folder, "origin"),
            np.arange(n, dtype=np.int64) if about["born"] else _load(folder, "row"),
            tuple(Origin(key, generation) for key, generation in about["origins"]),
            _load(folder, "condition") if (folder / "condition.npy").exists() else None,
            _load(folder, "begun") if (folder / "begun.npy").exists() else None,
        )
    except (ValueError, OSError) as error:
        raise Damaged(f"the pool in {folder.name} cannot be read: {error}.") from error


def sealed(pool: Pool) -> Pool:
    """The same pool as `read` would give it back: rows in order in memory, and nobody may write to them."""

    def column(x: np.ndarray) -> np.ndarray:
        found = np.ascontiguousarray(x).view()
        found.flags.writeable = False
        return found

    def maybe(x: np.ndarray | None) -> np.ndarray | None:
        return None if x is None else column(x)

    samples, origin, row = map(column, (pool.samples, pool.origin, pool.row))
    return Pool(samples, origin, row, pool.origins, maybe(pool.condition), maybe(pool.begun))


def _read_images(folder: Path, n: int) -> np.ndarray:
    from PIL import Image

    images = []
    for i in range(n):
        with Image.open(folder / f"{i:06d}.png", formats=["PNG"]) as file:
            images.append(np.atleast_3d(np.asarray(file)).transpose(2, 0, 1))
    return np.stack(images)


def _save(folder: Path, name: str, column: np.ndarray) -> tuple[str, Facts]:
    """As `np.save` would, byte for byte; but numpy's own does not say why a write failed. Tells the file's facts."""
    column = np.ascontiguousarray(column)
    if column.dtype.hasobject:
        raise TypeError(f"a pool's {name} must be numbers or texts of fixed length, not Python objects.")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(column))
    with (folder / f"{name}.npy").open("wb") as file:
        file.write(head.getvalue())
        file.write(column.data)
    return f"{name}.npy", facts(head.getbuffer(), column.data)


def _load(folder: Path, name: str) -> np.ndarray:
    path = folder / f"{name}.npy"
    is_mapped = path.stat().st_size > MAPPED
    column: np.ndarray = np.load(path, mmap_mode="r" if is_mapped else None, allow_pickle=False)
    column.flags.writeable = False
    return column
