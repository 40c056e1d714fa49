"""Seeds: a tree of random streams, each named by what it is for.

The same address gives the same numbers on every machine and in every order of
work, so nothing depends on who ran first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Seed:
    """An address in the tree; `Seed(("lineage", 3)).child(0, "fit")`."""

    path: tuple[int | str, ...]

    def child(self, *names: int | str) -> Seed:
        return Seed(self.path + names)

    @property
    def number(self) -> int:
        """A 128-bit integer."""
        return int.from_bytes(hashlib.sha256(repr(self.path).encode()).digest()[:16], "little")

    @property
    def small(self) -> int:
        """A 31-bit integer, for libraries that take no larger seed."""
        return self.number & 0x7FFF_FFFF

    def numpy(self) -> np.random.Generator:
        return np.random.default_rng(self.number)
