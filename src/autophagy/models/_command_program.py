"""A program of somebody else, as a model names it: how it learns and how it draws."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autophagy.core.errors import ConfigError
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine
from autophagy.images.look import Mode

from ._command_line import filled
from ._command_run import Task, carry_out, permitted

LARGEST_SCRIPT = 2**26  # bytes


@dataclass(frozen=True)
class Program:
    """The two commands, what they get of the environment, and the digest that `script` must have."""

    train: tuple[str, ...]
    sample: tuple[str, ...]
    passes: tuple[str, ...] = ()
    script: str | None = None
    sha256: str | None = None

    def call(
        self,
        which: Literal["train", "sample"],
        values: Mapping[str, object],
        shape: tuple[int, int, int],
        *,
        log: Path,
        machine: Machine,
        handles: tuple[int, ...] = (),
    ) -> None:
        """Runs one of the commands to its end, with these values for its placeholders. Raises AutophagyError."""
        what = f"the {which} command"
        permitted(machine, what)
        if problem := self._script_problem():
            raise ConfigError(problem)
        channels, height, width = shape
        common = {"python": sys.executable, "height": height, "width": width, "mode": mode_of(channels)}
        arguments = filled(self.train if which == "train" else self.sample, {**values, **common})
        carry_out(Task(what, arguments, self.passes, log, handles), machine)

    def lacking(self) -> str | None:
        """What this machine lacks for the commands to start, as a sentence; starts nothing."""
        for which, command in (("train", self.train), ("sample", self.sample)):
            (program,) = filled(command[:1], {"python": sys.executable})
            if shutil.which(program) is None:
                return (
                    f"the {which} command begins with {shown(program, 120)}, which is no program here; "
                    "install it, or say its path as seen from this folder."
                )
        return self._script_problem()

    def _script_problem(self) -> str | None:
        if self.script is None:
            return None
        try:
            path = Path(self.script)
            if not path.is_file() or path.stat().st_size > LARGEST_SCRIPT:
                return f"script {shown(self.script, 200)} is no file of at most {LARGEST_SCRIPT // 2**20} MiB."
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError) as error:
            return f"script {shown(self.script, 200)} cannot be read: {error}."
        if found == self.sha256:
            return None
        return (
            f"script {shown(self.script, 200)} has changed: its sha256 is {found}, but the model says "
            f"{self.sha256}; bring the file back, or say the new digest, which makes it another model."
        )


def mode_of(channels: int) -> Mode:
    """What Pillow calls images of one channel or of three."""
    return "RGB" if channels == 3 else "L"
