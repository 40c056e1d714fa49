"""Other processes of this machine."""

from __future__ import annotations

import os


def lives(process: int) -> bool:
    """Whether there is a process of that number, ours or anybody's."""
    try:
        os.kill(process, 0)
    except PermissionError:
        return True  # somebody else's, but there
    except (ProcessLookupError, OverflowError):
        return False
    return True
