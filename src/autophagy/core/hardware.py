"""What a machine computes with, by name, without waking any of it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path

CPUS, GPUS = Path("/proc/cpuinfo"), Path("/proc/driver/nvidia/gpus")
CONTAINER = tuple(Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory/memory.limit_in_bytes"))


def processor() -> str:
    """The processor's name and how many cores of it this process may use, such as "AMD EPYC 7763, 2 cores"."""
    count = cores()
    return f"{_model()}, {count} core{'s' * (count > 1)}"


def cores() -> int:
    """Those that this process may use; where the system does not say (macOS, Windows), all there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def memory() -> int:
    """Bytes that the machine has, or that its container may use; no end where neither says."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        whole = 2**63
    return min([whole, *(int(told) for path in CONTAINER if (told := _first_line(path)).isdecimal())])


def gpus() -> str:
    """The names of NVIDIA's cards where Linux' driver tells them, joined by commas; else nothing."""
    found = []
    for card in sorted(GPUS.glob("*/information")):
        with suppress(OSError):
            found += re.findall(r"^Model:\s*(.+)$", card.read_text(errors="replace"), re.MULTILINE)
    return ", ".join(found)


def _model() -> str:
    with suppress(OSError):
        if named := re.search(r"^model name\s*:\s*(.+)$", CPUS.read_text(errors="replace"), re.MULTILINE):
            return named[1].strip()
    if platform.system() == "Darwin":
        with suppress(OSError, subprocess.SubprocessError):
            asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    return platform.processor() or platform.machine()


def _first_line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
