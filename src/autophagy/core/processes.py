"""Other processes of this machine: whether one lives, and how one of ours ends with us."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def lives(process: int) -> bool:
    """Whether there is a process of that number, ours or anybody's."""
    try:
        os.kill(process, 0)
    except PermissionError:
        return True  # somebody else's, but there
    except (ProcessLookupError, OverflowError):
        return False
    return True


def depend_on_parent() -> None:
    """Makes a worker process deaf to Ctrl-C, which its parent handles, and gone when its parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _leave_with(parent: multiprocessing.process.BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
        os._exit(1)
