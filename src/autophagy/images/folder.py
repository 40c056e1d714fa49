"""Pools of images as folders that other tools read: Hugging Face's ImageFolder convention."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.pool import Pool


def write(pool: Pool, folder: Path, each: Mapping[str, np.ndarray] | None = None) -> None:
    """Writes uint8 NCHW images as PNG files with `metadata.jsonl`, as `load_dataset("imagefolder", …)` reads them.

    The numbers `(n,)` in `each` are columns too, null where there is none.
    """
    from PIL import Image

    names = [f"{i:06d}.png" for i in range(len(pool))]
    for name, image in zip(names, pool.samples, strict=True):
        pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)  # (h, w) or (h, w, 3)
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / name)
    with (folder / "metadata.jsonl").open("w", encoding="utf-8") as file:
        for i, name in enumerate(names):
            numbers = {column: float(row[i]) if np.isfinite(row[i]) else None for column, row in (each or {}).items()}
            file.write(json.dumps({"file_name": name, **_facts(pool, i), **numbers}, ensure_ascii=False) + "\n")


def _facts(pool: Pool, i: int) -> dict[str, Any]:
    """A sample's provenance and condition, for a reader of the image folder."""
    origin = pool.origins[pool.origin[i]]
    facts: dict[str, Any] = {"generation": origin.generation, "origin": origin.key, "row": int(pool.row[i])}
    if pool.condition is not None:
        facts["text" if pool.condition.dtype.kind == "U" else "label"] = pool.condition[i].item()
    return facts
