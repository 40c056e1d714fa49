"""Some classes of another source: one category of images, as small loops are often run on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.errors import ConfigError, DataError, listed
from autophagy.core.parts import Collection, Source, Split

SHOWN = 12  # classes that a message names


@register("subset")
@dataclass(frozen=True)
class Subset(Collection):
    """Images of some classes (or captions) of another source, in that source's order.

    Attributes:
        source: the source they are taken from.
        classes: class labels or captions to keep, e.g. [7].
    """

    space = "images"
    source: Source = field(default_factory=default("source", "mnist"))
    classes: tuple[int | str, ...] = (0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.classes:
            raise ConfigError("source 'subset' needs at least one class; give e.g. classes = [7].")
        if self._whole.space != "images":
            raise ConfigError(f"source 'subset' takes images, but '{self.source.name}' gives {self.source.space}.")

    def size(self, split: Split) -> int:
        return len(self._rows(split))

    def conditions(self, split: Split) -> np.ndarray:
        found: np.ndarray = self._all(split)[self._rows(split)]
        return found

    def load(self, split: Split) -> np.ndarray:
        found: np.ndarray = self._whole.load(split)[self._rows(split)]
        found.setflags(write=False)
        return found

    def content(self) -> str:
        return self.source.content()

    @property
    def _whole(self) -> Collection:
        if isinstance(self.source, Collection):
            return self.source
        raise ConfigError(f"source 'subset' takes sources with an end, but '{self.source.name}' never runs dry.")

    def _all(self, split: Split) -> np.ndarray:
        conditions = self.source.conditions(split)
        if conditions is None:
            raise DataError(f"source 'subset' needs classes or captions, but '{self.source.name}' has none.")
        return conditions

    def _rows(self, split: Split) -> np.ndarray:
        """Where the classes lie, `(n,)` int64."""
        conditions = self._all(split)
        known = set(np.unique(conditions).tolist())
        if missing := [label for label in self.classes if label not in known]:
            there = listed(str(label) for label in sorted(known, key=str)[:SHOWN])
            more = " …" if len(known) > SHOWN else ""
            wanted = listed(map(str, missing))
            raise DataError(f"source '{self.source.name}' has no class {wanted} in '{split}'; it has {there}{more}.")
        return np.flatnonzero(np.isin(conditions, list(self.classes)))
