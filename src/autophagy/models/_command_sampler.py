"""What somebody else's program has learnt: a folder of files that only its own sample command reads."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autophagy.core.errors import AutophagyError, DataError
from autophagy.core.parts import Begin, Sampler
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace

from . import _command_folders as folders
from . import _command_images as images
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
    """

    program: Program
    home: Path
    shape: tuple[int, int, int]
    machine: Machine
    workspace: Workspace | None = None

    @property
    def weights(self) -> Path:
        return self.home / WEIGHTS

    def on(self, machine: Machine) -> Sampler:
        return replace(self, machine=machine)

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        before = folders.stamps(self.weights)
        with _scratch() as room, _log() as log:
            folders.write_conditions(condition, n, room / "conditions.jsonl")
            (room / "out").mkdir()
            values = {
                "weights": self.weights.absolute(),
                "out": room / "out",
                "conditions": room / "conditions.jsonl",
                "n": n,
                "seed": seed.small,
                "bias": bias,
            }
            self.program.call("sample", values, self.shape, log=log, machine=self.machine)
            try:
                drawn = images.read(room / "out", n, self.shape)
            except DataError as problem:
                raise DataError(f"{str(problem).removesuffix('.')}; its log: {log}") from None
        if folders.stamps(self.weights) != before:
            raise DataError(f"the sample command changed its weights in {self.weights}; it may only read them.")
        return drawn

    def save(self, folder: Path) -> None:
        sizes = folders.sizes(self.weights)
        folders.copy(self.weights, folder / WEIGHTS)
        if folders.is_plain(self.home / LOG):
            shutil.copyfile(self.home / LOG, folder / LOG)
        facts = {"shape": self.shape, "files": len(sizes), "bytes": sum(sizes.values())}
        (folder / FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="autophagy-sample-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _log() -> Iterator[Path]:
    """A file for a program's output, which stays where something goes wrong that it may explain."""
    handle, name = tempfile.mkstemp(prefix="autophagy-sample-", suffix=".log")
    os.close(handle)
    path = Path(name)
    try:
        yield path
    except AutophagyError:
        if not path.stat().st_size:
            path.unlink()
        raise
    except BaseException:
        path.unlink()
        raise
    path.unlink()
