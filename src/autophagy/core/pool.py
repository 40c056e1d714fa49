"""Pools: samples that remember where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .errors import DataError
from .mapped import stacked, taken

REAL_DATA = -1  # the generation number of data that no model made


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows were born: the key of a real split or of a generation's raw draw."""

    key: str
    generation: int  # REAL_DATA, or the number of the generation that drew them


@dataclass(frozen=True)
class Pool:
    """Samples of one space, each with the place and row where it was born.

    Attributes:
        samples: `(n, *shape)`; images are uint8 NCHW sRGB, 0–255; vectors `(n, d)` floats; symbols `(n,)` ints; texts
            `(n,)` strings, or `(n, length)` int32 rows of tokens.
        origin: `(n,)` int32, an index into `origins`.
        row: `(n,)` int64, the row in that origin's own numbering.
        origins: the table behind `origin`.
        condition: `(n,)` class labels, captions or the prompts of texts, or None when unconditional.
        begun: `(n,)` int64, the row of the real image a sample was begun from, or None.

    `(origins[origin], row)` names a sample for ever: curation and mixing keep it.
    """

    samples: np.ndarray
    origin: np.ndarray
    row: np.ndarray
    origins: tuple[Origin, ...]
    condition: np.ndarray | None = None
    begun: np.ndarray | None = None

    @classmethod
    def born(
        cls, samples: np.ndarray, origin: Origin, *, condition: np.ndarray | None = None, rows: np.ndarray | None = None
    ) -> Pool:
        """Wraps samples that all come from one place; `rows` defaults to 0, 1, 2, …"""
        n = len(samples)
        rows = np.arange(n, dtype=np.int64) if rows is None else rows
        return cls(samples, np.zeros(n, np.int32), rows, (origin,), condition)

    def __len__(self) -> int:
        return len(self.samples)

    def take(self, rows: np.ndarray) -> Pool:
        """Returns the samples at `rows`: `(k,)` ints, or a `(n,)` bool mask."""
        return replace(
            self,
            samples=taken(self.samples, rows),
            origin=self.origin[rows],
            row=self.row[rows],
            condition=None if self.condition is None else self.condition[rows],
            begun=None if self.begun is None else self.begun[rows],
        )

    def edited(self, samples: np.ndarray) -> Pool:
        """Returns the same samples with new content, e.g. after colour matching."""
        if len(samples) != len(self):
            raise ValueError(f"edited() got {len(samples)} samples for a pool of {len(self)}; use take() to drop some.")
        return replace(self, samples=samples)

    def unconditional(self) -> Pool:
        return self if self.condition is None else replace(self, condition=None)

    @property
    def generation(self) -> np.ndarray:
        """`(n,)` the generation each sample was drawn in, `REAL_DATA` for real ones."""
        table: np.ndarray = np.array([o.generation for o in self.origins], np.int32)
        return table.take(self.origin)

    def census(self) -> dict[int, int]:
        """How many samples each generation contributed: `{REAL_DATA: 500, 3: 500}`."""
        counts = np.bincount(self.origin, minlength=len(self.origins))
        found: dict[int, int] = {}
        for origin, count in zip(self.origins, counts.tolist(), strict=True):
            if count:
                found[origin.generation] = found.get(origin.generation, 0) + count
        return dict(sorted(found.items()))

    def digest(self) -> str:
        """32 hex digits of the content and conditions, in order; provenance is left out."""
        is_text = self.samples.dtype.kind == "U"  # its type has the width of the longest, which is no content
        kind = "text" if is_text else self.samples.dtype.str
        hasher = hashlib.sha256(str((kind, self.samples.shape)).encode())
        hasher.update(repr(self.samples.tolist()).encode() if is_text else np.ascontiguousarray(self.samples).data)
        if self.condition is not None:  # the prompts of texts have such a width too
            told = self.condition.tolist() if is_text else None
            hasher.update(np.ascontiguousarray(self.condition).tobytes() if told is None else repr(told).encode())
        return hasher.hexdigest()[:32]


def concat(pools: Sequence[Pool]) -> Pool:
    """Stacks pools; provenance is kept. Conditions survive only where every pool has them.

    Raises DataError for samples of different shapes, and for classes beside captions.
    """
    if len(pools) == 1:
        return pools[0]
    _check_alike(pools)
    table = {origin: i for i, origin in enumerate(dict.fromkeys(o for p in pools for o in p.origins))}
    moved = [np.array([table[o] for o in p.origins], np.int32)[p.origin] for p in pools]
    return Pool(
        stacked([p.samples for p in pools]),
        np.concatenate(moved),
        np.concatenate([p.row for p in pools]),
        tuple(table),
        _stacked([p.condition for p in pools]),
        _stacked([p.begun for p in pools]),
    )


def _check_alike(pools: Sequence[Pool]) -> None:
    shapes = dict.fromkeys(p.samples.shape[1:] for p in pools)
    if len(shapes) > 1:
        raise DataError(f"samples of shapes {' and '.join(map(str, shapes))} cannot be in one training set.")
    kinds = {p.condition.dtype.kind in "iu" for p in pools if p.condition is not None}
    if len(kinds) > 1:
        raise DataError("samples with classes and samples with captions cannot be in one training set.")


def _stacked(columns: Sequence[np.ndarray | None]) -> np.ndarray | None:
    whole = [c for c in columns if c is not None]
    return np.concatenate(whole) if len(whole) == len(columns) else None
