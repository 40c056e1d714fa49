"""Files as the user's umask would have them; safetensors writes its own for the owner alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_MASK = os.umask(0o077)  # it can only be read by setting it, so once, before there are threads
os.umask(_MASK)


def share(path: Path) -> None:
    """Lets those read a file who may read the user's others, on file systems that know of such rights."""
    with suppress(OSError):
        path.chmod(0o666 & ~_MASK)
