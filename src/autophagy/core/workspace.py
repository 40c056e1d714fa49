"""Workspaces: what a long fit may use of the machine, where it keeps checkpoints and says how far it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from . import settings
from .processes import writer
from .settings import Positive, Range


@dataclass(frozen=True)
class Machine:
    """What a run may use of the machine it is on. Nothing here is in a recipe or a key, since nothing changes a result.

    Attributes:
        device: "auto" (a GPU where torch finds one), or a torch device: "cpu", "cuda", "cuda:1", "mps".
        checkpoint_every: seconds between two checkpoints of a long fit; 0 for one after every step.
        allow_commands: whether the parts of a plan may start programs of this machine.
        command_timeout: seconds after which such a program is ended; None for no limit.
        devices: GPUs that a fit is spread over, a process on each (on a processor, processes beside one another), by
            models that can (`Model.spreads`); the others ignore it. Sums come out otherwise in their last bits, as they
            do on another device.
    """

    device: str = "auto"
    checkpoint_every: Annotated[float, Range(0)] = 60.0
    allow_commands: bool = False
    command_timeout: Positive | None = None
    devices: Annotated[int, Range(1, 64)] = 1

    def __post_init__(self) -> None:
        settings.check(self)


def _silent(*told: object) -> None:
    return None


@dataclass(frozen=True)
class Workspace:
    """Handed to every fit; nothing here can change a result.

    Attributes:
        folder: makes and returns a folder that outlives a killed process and is removed once the fit is stored.
        machine: what the fit may use.
        progress: `progress(done, total, note)`, called as often as the fit likes.
        remark: `remark(text)`, called where a fit has to go on otherwise than its recipe has it, such as in smaller
            pieces for want of memory; what is said once or more is kept once, with the record.
    """

    folder: Callable[[], Path]
    machine: Machine = Machine()
    progress: Callable[[int, int, str], None] = field(default=_silent)
    remark: Callable[[str], None] = field(default=_silent)

    def save(self, name: str, write: Callable[[Path], None]) -> None:
        """Writes a checkpoint file so that a kill leaves the old one or the new one, never a part.

        Nothing is written, and nothing said, if the folder is gone meanwhile: then another run of the same store has
        finished this fit.
        """
        folder = self.folder()
        partial = folder / f".{name}.{writer()}.partial"  # two runs may be at the same fit
        try:
            partial.unlink(missing_ok=True)  # somebody else's link would lead out of here
            write(partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(folder / name)
        except Exception:  # what a library raises for a folder that is gone is its own
            if folder.exists():
                raise

    def saved(self, name: str) -> Path | None:
        """Returns the checkpoint file of that name, if an earlier process left one."""
        path = self.folder() / name
        return path if path.exists() else None
