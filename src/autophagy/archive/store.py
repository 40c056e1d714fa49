"""Stores: finished artefacts by key, whole or absent. On disk, or in memory with the same interface."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from autophagy.core.errors import StoreError
from autophagy.core.identity import key as key_of
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.workspace import Machine, Workspace

from .columns import sealed

Numbers = Mapping[str, Any]


class Store(ABC):
    """Each getter returns what is stored under a key, making and keeping it first if `make` is given.

    Attributes:
        machine: what the fits and samplers of this store may use.
    """

    machine: Machine

    @abstractmethod
    def pool(self, key: str, make: Callable[[], Pool] | None = None) -> Pool: ...

    @abstractmethod
    def sampler(self, key: str, model: Model, make: Callable[[], Sampler] | None = None) -> Sampler: ...

    @abstractmethod
    def numbers(self, key: str, make: Callable[[], Numbers] | None = None) -> Numbers:
        """Small facts as plain JSON values; floats must be finite or wrapped as texts."""

    @abstractmethod
    def scores(self, of: str) -> Mapping[str, Numbers]:
        """What has been measured of the samples under a key, by the keys of the measurements; nothing if nothing."""

    @abstractmethod
    def add_scores(self, of: str, new: Mapping[str, Numbers]) -> None:
        """Keeps more of them, like `numbers`; but nobody waits until they are durable: they can be measured again."""

    @abstractmethod
    def holds(self, key: str) -> bool:
        """Whether a sound artefact lies under this key. A damaged one is put aside and does not count."""

    def lost(self) -> set[str]:
        """Keys of what was put aside as damaged and has not been made again."""
        return set()

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forgets an artefact; says nothing if there is none."""

    @abstractmethod
    def settle(self) -> None:
        """Waits until everything stored so far would survive a power cut."""

    @abstractmethod
    def remarks(self, key: str) -> tuple[str, ...]:
        """What a fit had to say of itself (`Workspace.remark`): with its stored sampler, or else in this process."""

    @abstractmethod
    def workspace(self, key: str, about: str = "") -> Workspace:
        """Where the fit of this key keeps its checkpoints; cleared once the sampler is stored.

        `about` says in words which fit it is, for those who ask how far it is.
        """


class MemoryStore(Store):
    """A store for notebooks, tests and ensembles of thousands of lineages; gone with the process."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or Machine()
        self._kept: dict[str, Any] = {}
        self._work: dict[str, Callable[[], tempfile.TemporaryDirectory[str]]] = {}
        self._said: dict[str, dict[str, None]] = {}

    def pool(self, key: str, make: Callable[[], Pool] | None = None) -> Pool:
        found: Pool = self._get(key, None if make is None else lambda: sealed(make()))
        return found

    def sampler(self, key: str, model: Model, make: Callable[[], Sampler] | None = None) -> Sampler:
        found: Sampler = self._get(key, make)
        self._work.pop(key, None)  # a folder goes with its last holder: a sampler may live in the files of its fit
        return found.on(self.machine)

    def numbers(self, key: str, make: Callable[[], Numbers] | None = None) -> Numbers:
        found: Numbers = self._get(key, make)
        return found

    def scores(self, of: str) -> Mapping[str, Numbers]:
        found: Mapping[str, Numbers] = self._kept.get(sheet(of), {})
        return found

    def add_scores(self, of: str, new: Mapping[str, Numbers]) -> None:
        self._kept[sheet(of)] = {**new, **self.scores(of)}

    def holds(self, key: str) -> bool:
        return key in self._kept

    def delete(self, key: str) -> None:
        self._kept.pop(key, None)

    def settle(self) -> None:
        return None

    def remarks(self, key: str) -> tuple[str, ...]:
        return tuple(self._said.get(key, ()))

    def workspace(self, key: str, about: str = "") -> Workspace:
        folder = self._work.setdefault(key, cache(tempfile.TemporaryDirectory))
        return Workspace(lambda: Path(folder().name), self.machine, remark=noted(self._said, key))

    def __len__(self) -> int:
        return len(self._kept)

    def _get(self, key: str, make: Callable[[], Any] | None) -> Any:
        if key not in self._kept:
            if make is None:
                raise StoreError(f"nothing is stored under {key}; run the generation that makes it first.")
            self._kept[key] = make()
        return self._kept[key]


@lru_cache(maxsize=8192)
def sheet(of: str) -> str:
    """The key of the artefact that holds all scores of the samples under a key."""
    return key_of("scores", of)


def noted(said: dict[str, dict[str, None]], key: str) -> Callable[[str], None]:
    """A workspace's `remark`: what the fit of this key says from now on, once each, in the order of first saying."""
    texts = said[key] = {}

    def remark(text: str) -> None:
        texts[str(text)] = None

    return remark


def remove_tree(folder: Path) -> None:
    """Removes a folder that nobody can be reading by its name any more."""
    shutil.rmtree(folder, ignore_errors=True)
