"""The lock of a workspace: taken before the train command starts, held until the store has what it learnt."""

from __future__ import annotations

import logging
import os
import time
import weakref
from pathlib import Path

from autophagy.core.errors import DataError
from autophagy.core.processes import lives

BUSY = 15.0  # seconds; a killed run's program may take that long to end
NAME = "lock"
log = logging.getLogger(__name__)


class Lock:
    """Held as long as this object lives and is not released, or a process that was given its handle does."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._close = weakref.finalize(self, os.close, handle)

    def release(self) -> None:
        self._close()


def taken(folder: Path) -> Lock:
    """The lock of a workspace, once nobody else has it; raises DataError if a program of no living run keeps it."""
    try:
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise DataError(f"the lock in {folder} cannot be opened: {error.strerror}; remove it.") from None
    lock = Lock(handle)
    try:
        _wait(handle, folder)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
    except BaseException:
        lock.release()
        raise
    return lock


def is_locked(handle: int) -> bool:
    """Takes a lock for a file handle; False if another one has it."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(handle: int, folder: Path) -> None:
    """As long as another run is at work; what is left of a killed one gets a few seconds."""
    is_told, left_alone_since = False, None
    while not is_locked(handle):
        if _is_anothers(handle):
            left_alone_since = None
            if not is_told:
                log.warning("waiting for another run, which is at work in %s", folder)
                is_told = True
        elif time.monotonic() - (left_alone_since := left_alone_since or time.monotonic()) >= BUSY:
            raise DataError(f"another program is at work in {folder}; wait for it or end it, and run again.")
        time.sleep(0.1)
    if not _is_there(handle, folder / NAME):  # removed while we waited: the other one has stored its model
        raise DataError(f"another run has just finished the model of {folder}; run again to use it.")


def _is_anothers(handle: int) -> bool:
    """Whether the process that last took the lock is another one, and alive."""
    told = os.pread(handle, 16, 0)
    process = int(told) if told.isdigit() else 0
    return process not in (0, os.getpid()) and lives(process)


def _is_there(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
