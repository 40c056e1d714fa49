"""Samples of a generation, found in the store and written for other tools."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from autophagy.archive.disk import DiskStore
from autophagy.archive.each import of_each
from autophagy.archive.run_folder import RunFolder
from autophagy.core.errors import StoreError
from autophagy.core.generation import Record
from autophagy.core.pool import Pool
from autophagy.experiment.rebuild import decoder
from autophagy.images import folder as image_folder
from autophagy.text import rows as text_rows

KEY = re.compile("[0-9a-f]{32}")
IMAGES = 4  # dimensions of an array of images: n, channels, height, width
TOKENS = 2  # of rows of tokens: n, length


def pool(folder: RunFolder, record: Record) -> Pool:
    """What a generation left after curation. Raises StoreError if it was not kept."""
    key = str(record.pools.get("samples", ""))
    if not KEY.fullmatch(key):  # a key is a folder's name; a foreign one could lead anywhere
        raise StoreError(f"run '{folder.name}' names no samples for this generation; run the experiment again.")
    store = DiskStore(folder.store)
    if not (folder.store / "artefacts" / key[:2] / key).exists():
        raise StoreError(
            f"the samples of generation {record.generation} were not kept or have been put aside; "
            'say keep_samples = "all" and run the experiment again with --restore.'
        )
    return store.pool(key)


def texts(folder: RunFolder, record: Record, pool: Pool) -> np.ndarray | None:
    """The strings `(n,)` of a pool of text, None of any other. Raises StoreError or DataError if tokens stay tokens."""
    if pool.samples.ndim == 1 and pool.samples.dtype.kind == "U":
        return pool.samples
    if pool.samples.ndim != TOKENS or pool.samples.dtype.kind != "i":
        return None
    return decoder(folder.notes())(record.arm, pool.samples)


def each(folder: RunFolder, record: Record) -> dict[str, np.ndarray]:
    """Numbers `(n,)` of every sample that metrics have kept, by "metric.value"; without those no longer there."""
    return of_each(DiskStore(folder.store), str(record.pools.get("samples", "")), record.each)


def write(
    pool: Pool,
    texts: np.ndarray | None,
    folder: Path,
    kind: text_rows.Format | None = None,
    each: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Images as an ImageFolder, texts in a format of theirs, anything else as `samples.csv`; numbers beside them."""
    if texts is not None:
        text_rows.write(pool, texts, folder, kind or "jsonl", each)
        return
    if pool.samples.ndim == IMAGES:
        image_folder.write(pool, folder, each)
        return
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        condition = ["condition"] if pool.condition is not None else []
        writer.writerow([*_columns(pool), *condition, *PROVENANCE, *(each or {})])
        numbers = [row.tolist() for row in (each or {}).values()]
        writer.writerows([*row, *(own[i] for own in numbers)] for i, row in enumerate(_rows(pool)))


PROVENANCE = ("generation", "origin", "row")


def _columns(pool: Pool) -> list[str]:
    if pool.samples.ndim == 1:
        return ["symbol"]
    return [f"x{i}" for i in range(1, 1 + pool.samples[:1].size)]


def _rows(pool: Pool) -> Iterator[list[str]]:
    for i in range(len(pool)):
        origin = pool.origins[pool.origin[i]]
        values = map(str, pool.samples[i : i + 1].ravel())  # numpy's texts read back to the same number
        condition = [] if pool.condition is None else [str(pool.condition[i])]
        yield [*values, *condition, str(origin.generation), origin.key, str(pool.row[i])]
