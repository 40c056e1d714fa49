"""How much memory a piece of work takes beyond what was in use before it. Linux only."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def extra_megabytes(work: Callable[[], object]) -> float:
    """Runs the work and returns the peak of resident memory less what was resident, in units of 10⁶ bytes."""
    CLEAR.write_text("5")  # the peak starts anew
    before = _kilobytes("VmRSS")
    work()
    return (_kilobytes("VmHWM") - before) * 1024 / 1e6


def peak_megabytes() -> float:
    """The peak of the whole process so far."""
    return _kilobytes("VmHWM") * 1024 / 1e6


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    if not found:
        raise OSError(f"{STATUS} does not say {name}.")
    return int(found[1])
