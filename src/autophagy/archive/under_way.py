"""Fits under way: what a long fit says of itself in its folder, for whoever asks from another process."""

from __future__ import annotations

import json
import math
import os
import platform
import stat
import time
from collections.abc import Container
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from autophagy.core.processes import lives, writer
from autophagy.core.text import clean

NAME = "progress.json"
PAUSE = 1.0  # seconds between two lines a fit leaves, at the least
FRESH = 600.0  # seconds after which a line from another machine, whose processes we cannot ask for, is of the past
LARGEST = 4096  # bytes of such a file


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
        machine: the name of the machine that has this process.
    """

    about: str
    done: int
    total: int
    note: str
    speed: float
    at: float
    process: int
    machine: str

    @property
    def seconds_left(self) -> float | None:
        left = (self.total - self.done) / self.speed if self.speed > 0 else math.inf
        return left if math.isfinite(left) else None

    @property
    def goes_on(self) -> bool:
        """Whether its process lives, or might live where we cannot ask."""
        if self.machine == platform.node() and not lives(self.process):
            return False
        return abs(time.time() - self.at) < FRESH


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
        line = UnderWay(self._about, done, total, note, speed, time.time(), os.getpid(), platform.node())
        if self._folder.is_symlink() or self._folder.parent.is_symlink():
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = self._folder / f".{NAME}.{writer()}.partial"
            partial.unlink(missing_ok=True)  # somebody else's link would lead out of here
            partial.write_text(json.dumps(asdict(line)), encoding="utf-8")
            partial.replace(self._folder / NAME)


def under_way(store: Path, keys: Container[str] | None = None) -> list[UnderWay]:
    """Fits that are being worked on, of these keys if any are given, by what they are about; never raises."""
    places = [path for path in (store / "work").glob(f"*/{NAME}") if keys is None or path.parent.name in keys]
    found = [_read(path) for path in places]
    return sorted((each for each in found if each and each.goes_on), key=lambda each: each.about)


def _read(path: Path) -> UnderWay | None:
    """What one file says; None if it is no such file, whoever put it there."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode) or path.stat().st_size > LARGEST:
            return None
        table = json.loads(path.read_text(encoding="utf-8"))
        found = UnderWay(**{field.name: table[field.name] for field in fields(UnderWay)})
        numbers = int(found.done), int(found.total), float(found.speed), float(found.at), int(found.process)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    done, total, speed, at, process = numbers
    if not (0 <= done <= total and math.isfinite(speed) and math.isfinite(at)):
        return None
    words = (clean(str(text)) for text in (found.about, found.note, found.machine))
    about, note, machine = words
    return UnderWay(about, done, total, note, speed, at, process, machine)
