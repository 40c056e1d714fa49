"""Pools of the first lineage, by the names that its records give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from autophagy.archive.disk import DiskStore
from autophagy.core.errors import AutophagyError
from autophagy.core.pool import Pool

from .story import Story

Decode = Callable[[str, np.ndarray], np.ndarray | None]  # an arm's rows of tokens → strings
ROWS = 2  # dimensions of rows of tokens


class Shelf:
    """Reads a pool when it is asked for and holds the last one alone: those of photographs are large."""

    def __init__(self, root: Path, story: Story, decode: Decode | None = None) -> None:
        self.story, self._decode = story, decode
        self._store = DiskStore(root)
        self._last: tuple[str, Pool | None] = ("", None)

    def key(self, arm: str, generation: int, name: str) -> str:
        """The key of a pool; empty where no record names one."""
        record = self.story.by_address.get((arm, self.story.first_seed, generation))
        return "" if record is None else record.pools.get(name, "")

    def pool(self, arm: str, generation: int, name: str) -> Pool | None:
        """A pool with something in it; None where it is gone, damaged, or was never there."""
        key = self.key(arm, generation, name)
        if key != self._last[0]:
            self._last = key, self._read(key)
        return self._last[1]

    def texts(self, arm: str, generation: int, name: str) -> np.ndarray | None:
        """The strings `(n,)` of a pool of texts, rows of tokens decoded; None of any other, or where nobody can."""
        pool = self.pool(arm, generation, name)
        if pool is None or (pool.samples.ndim == 1 and pool.samples.dtype.kind == "U"):
            return None if pool is None else pool.samples
        if self._decode is None or pool.samples.ndim != ROWS or pool.samples.dtype.kind != "i":
            return None
        try:
            return self._decode(arm, pool.samples)
        except AutophagyError:  # its texts or its tokenizer are not on this machine
            return None

    def is_there(self, arm: str, generation: int, name: str) -> bool:
        """Whether a pool could be read."""
        key = self.key(arm, generation, name)
        try:
            return bool(key) and bool(self._store.about(key).about["n"])
        except (AutophagyError, OSError, KeyError):
            return False

    def generations(self, arm: str, name: str) -> list[int]:
        """The generations whose records name such a pool, ascending."""
        have = sorted({r.generation for r in self.story.records if r.arm == arm})
        return [g for g in have if self.key(arm, g, name)]

    def _read(self, key: str) -> Pool | None:
        try:
            found = self._store.pool(key) if key else None
        except (AutophagyError, OSError):
            return None
        return found if found is not None and len(found) else None
