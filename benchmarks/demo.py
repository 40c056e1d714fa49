"""What the engine adds to the demo's own work: planning, keys, provenance, hashing, durable files, records."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from autophagy import Experiment
from autophagy.archive.disk import DiskStore
from autophagy.experiment import turn

T = TypeVar("T")


def lines() -> Iterator[str]:
    experiment = Experiment.read("demo")
    turns = len(experiment.plan().turns)
    with tempfile.TemporaryDirectory() as folder:
        Experiment.read("demo", profile="smoke").run(Path(folder) / "warm")
        store = Watched(Path(folder) / "watched")
        with patch.multiple(turn, measure=store.timed(turn.measure), scored=store.timed(turn.scored)):
            began = time.perf_counter()
            experiment.run(store)
            whole = time.perf_counter() - began
    yield f"{turns} turns of the demo, serial, durable: {whole:.1f} s, {store.parts:.1f} s of it in its parts (n = 1)"
    own = whole - store.parts
    yield f"  so the engine's own cost is {own / turns * 1e3:.1f} ms a turn, {own / whole:.1%} of the run"


class Watched(DiskStore):
    """Counts the time in what turns ask models, samplers and metrics for; the rest is the engine's."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.parts = 0.0
        self._in_parts = False
        self._since = time.perf_counter()

    def pool(self, key: str, make: Callable[[], Any] | None = None) -> Any:
        return self._as(False, lambda: DiskStore.pool(self, key, self._counted(make)))

    def sampler(self, key: str, model: Any, make: Callable[[], Any] | None = None) -> Any:
        return self._as(False, lambda: DiskStore.sampler(self, key, model, self._counted(make)))

    def timed(self, work: Callable[..., T]) -> Callable[..., T]:
        return lambda *given: self._as(True, lambda: work(*given))

    def _counted(self, make: Callable[[], T] | None) -> Callable[[], T] | None:
        return None if make is None else self.timed(make)

    def _as(self, in_parts: bool, work: Callable[[], T]) -> T:
        before = self._switch(in_parts)
        try:
            return work()
        finally:
            self._switch(before)

    def _switch(self, in_parts: bool) -> bool:
        now = time.perf_counter()
        self.parts += now - self._since if self._in_parts else 0.0
        self._since, before, self._in_parts = now, self._in_parts, in_parts
        return before
