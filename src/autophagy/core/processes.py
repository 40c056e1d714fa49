"""Other processes: whether one lives, what it has begun, and how one of ours ends with us."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import platform
import re
import signal
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

SILENT = 86_400  # seconds after which what another machine has begun is left over


def lives(process: int) -> bool:
    """Whether there is a process of that number, ours or anybody's."""
    try:
        os.kill(process, 0)
    except PermissionError:
        return True  # somebody else's, but there
    except (ProcessLookupError, OverflowError):
        return False
    return True


def writer() -> str:
    """For the end of a name of what this process writes: its machine, of which several may share a disk, and number."""
    return f"{_machine()}-{os.getpid()}"


def is_left(path: Path) -> bool:
    """Whether the process whose `writer()` ends this name is gone; that of another machine if it has long been silent.

    Our own number is an earlier process's. Names that end otherwise are nobody's, and not left.
    """
    named = re.search(r"-(?:([0-9a-f]{8})-)?([0-9]+)$", path.name)
    if named is None:
        return False
    machine, process = named[1], int(named[2])
    if machine in (None, _machine()):
        return process == os.getpid() or not lives(process)
    try:
        return time.time() - path.lstat().st_mtime > SILENT
    except FileNotFoundError:
        return False


def _machine() -> str:
    return _digest(platform.node())


@cache
def _digest(name: str) -> str:
    """Of a machine's name and, where the system tells them, its boot and whose processes are counted: containers may
    share a name."""
    told = [name]
    with suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        told.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:8]


def depend_on_parent() -> None:
    """Makes a worker process deaf to Ctrl-C, which its parent handles, and gone when its parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _leave_with(parent: multiprocessing.process.BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
        os._exit(1)
