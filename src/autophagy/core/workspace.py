"""Workspaces: where a long fit says how far it is and keeps checkpoints until it is done."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def _silent(done: int, total: int, note: str) -> None:
    return None


@dataclass(frozen=True)
class Workspace:
    """Handed to every fit; nothing here can change a result.

    Attributes:
        folder: makes and returns a folder that outlives a killed process and is removed once the fit is stored.
        device: a torch device string.
        progress: `progress(done, total, note)`, called as often as the fit likes.
    """

    folder: Callable[[], Path]
    device: str = "cpu"
    progress: Callable[[int, int, str], None] = field(default=_silent)

    def save(self, name: str, write: Callable[[Path], None]) -> None:
        """Writes a checkpoint file so that a kill leaves the old one or the new one, never a part."""
        final = self.folder() / name
        partial = final.with_name(f".{name}.partial")
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(final)

    def saved(self, name: str) -> Path | None:
        """Returns the checkpoint file of that name, if an earlier process left one."""
        path = self.folder() / name
        return path if path.exists() else None
