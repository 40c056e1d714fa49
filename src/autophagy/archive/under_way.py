"""Fits under way: what a long fit says of itself in its folder, for whoever asks from another process."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from autophagy.core.text import clean

NAME = "progress.json"
PAUSE = 1.0  # seconds between two lines a fit leaves, at the least
FRESH = 600.0  # seconds after which a line is of a fit that has ended, or whose machine we cannot ask


@dataclass(frozen=True)
class UnderWay:
    """How far one fit is.

    Attributes:
        about: which fit it is, in words.
        done: steps taken, of `total`.
        note: what it says of itself, its loss for example.
        speed: steps a second since its process began; 0 before anything can be said.
        at: when it was written, in seconds since 1970.
        process: the number of the process it runs in.
    """

    about: str
    done: int
    total: int
    note: str
    speed: float
    at: float
    process: int

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.speed if self.speed > 0 else None


class Teller:
    """A workspace's `progress`: leaves one line now and then. A disk that refuses it does not stop the fit."""

    def __init__(self, folder: Path, about: str) -> None:
        self._folder, self._about = folder, about
        self._first: tuple[int, float] | None = None  # steps and time when this process began
        self._last = time.monotonic()  # so that a fit of a second leaves nothing

    def __call__(self, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        first, began = self._first = self._first or (done, now)
        if now - self._last < PAUSE:
            return
        self._last = now
        speed = (done - first) / (now - began) if now > began else 0.0
        line = UnderWay(self._about, done, total, note, speed, time.time(), os.getpid())
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = self._folder / f".{NAME}.partial"
            partial.write_text(json.dumps(asdict(line)), encoding="utf-8")
            partial.replace(self._folder / NAME)


def under_way(store: Path) -> list[UnderWay]:
    """Fits of a store that are being worked on, by what they are about; never raises for what lies there."""
    found = [_read(path) for path in (store / "work").glob(f"*/{NAME}")]
    now = time.time()
    return sorted((each for each in found if each and now - each.at < FRESH), key=lambda each: each.about)


def _read(path: Path) -> UnderWay | None:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        found = UnderWay(**{field.name: table[field.name] for field in fields(UnderWay)})
        whole = int(found.done), int(found.total), float(found.speed), float(found.at), int(found.process)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    done, total, speed, at, process = whole
    return UnderWay(clean(str(found.about)), done, total, clean(str(found.note)), speed, at, process)
