"""What somebody else's program has learnt: a folder of files that only its own sample command reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from autophagy.core.errors import DataError, listed
from autophagy.core.parts import Begin, Sampler
from autophagy.core.seeds import Seed
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine, Workspace

from . import _command_folders as folders
from . import _command_images as images
from . import _command_room as room
from ._command_lock import Lock
from ._command_program import Program

FACTS, LOG, WEIGHTS = "command.json", "train.log", "weights"


@dataclass(frozen=True)
class Outside(Sampler):
    """Draws by calling the sample command; one process for every call.

    Attributes:
        program: the commands, which come from the plan and never from the stored files.
        home: a folder that holds `weights`, and the train command's log.
        shape: (c, h, w) of the training images and of every sample.
        machine: what allows the command to be started, or does not.
        workspace: kept so that the folder of a fit lives as long as its sampler does.
        lock: on that folder, held as long, so that no other run takes it for its own before the store has a copy.
    """

    program: Program
    home: Path
    shape: tuple[int, int, int]
    machine: Machine
    workspace: Workspace | None = None
    lock: Lock | None = field(default=None, compare=False, repr=False)

    @property
    def weights(self) -> Path:
        return self.home / WEIGHTS

    def on(self, machine: Machine) -> Sampler:
        return replace(self, machine=machine)

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        before = self._stamps()
        with room.drawing() as (here, lock), room.log_of(self.home.name) as log:
            folders.write_conditions(condition, n, here / "conditions.jsonl")
            (here / "out").mkdir()
            values = {
                "weights": self.weights.absolute(),
                "out": here / "out",
                "conditions": here / "conditions.jsonl",
                "n": n,
                "seed": seed.small,
                "bias": bias,
            }
            self.program.call("sample", values, self.shape, log=log, machine=self.machine, handles=(lock,))
            try:
                drawn = images.read(here / "out", n, self.shape)
            except DataError as problem:
                raise DataError(f"{str(problem).removesuffix('.')}; its log: {log}") from None
            except OSError as problem:
                raise DataError(f"{images.WHERE} cannot be read: {problem}; its log: {log}") from None
            if (after := self._stamps()) != before:
                self._refuse_change(before, after)
        return drawn

    def _refuse_change(self, before: Mapping[str, object], after: Mapping[str, object]) -> NoReturn:
        """Raises DataError; what was only added is taken away again, since these are the model's only weights."""
        added = sorted(after.keys() - before.keys())
        others = sorted(name for name, stamp in before.items() if after.get(name) != stamp)
        if not others:  # else it may be the old weights by a new name
            folders.remove(self.weights, added)
        is_mended = self._stamps() == before
        told = [f"added {listed(map(shown, added))}{', now taken away' if is_mended else ''}"] if added else []
        told += [f"changed or removed {listed(map(shown, others))}"] if others else []
        raise DataError(
            f"the sample command changed its weights in {self.weights} ({'; '.join(told)}); it may only read them."
        )

    def save(self, folder: Path) -> None:
        sizes = folders.sizes(self.weights)
        folders.copy(self.weights, folder / WEIGHTS)
        if folders.is_plain(self.home / LOG):
            shutil.copyfile(self.home / LOG, folder / LOG)
        facts = {"shape": self.shape, "files": len(sizes), "bytes": sum(sizes.values())}
        (folder / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")

    def _stamps(self) -> dict[str, tuple[int, int]]:
        try:
            return folders.stamps(self.weights)
        except OSError as problem:
            raise DataError(f"the weights in {self.weights} cannot be read: {problem.strerror}.") from None
