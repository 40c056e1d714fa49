"""What the processes of `test_ranks` do: a regression whose steps they share, and the ways to go wrong."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.training import Average, Player, Task, Team, run
from autophagy.training.ranks import on_ranks

STEPS = 6
TWO = Machine("cpu", 1e9, devices=2)


class Partly(nn.Module):
    """A network with weights that no loss ever moves, which must not decay either."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.used, self.idle = nn.Linear(3, 2, dtype=torch.float64), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


class Regression(Task):
    """Learns from n rows a step. Process `scarce` has memory for so many of them at a time as `room` says."""

    def __init__(self, team: Team, n: int, *, poison: int | None = None, room: int | None = None) -> None:
        self.network = Partly()
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=1e-2, weight_decay=0.1)
        self.player = Player(self.network, optimiser, average=Average(self.network, 0.9), clip=0.5, team=team)
        self.n, self.poison, self.room, self.is_scarce = n, poison, room, team.rank == team.size - 1

    def state(self) -> Mapping[str, Player]:
        return {"player": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        x = torch.from_numpy(seed.numpy().standard_normal((self.n, 3)))
        y = x[:, :2] * (float("nan") if number == self.poison else 3)

        def loss(rows: slice) -> Tensor:
            if self.is_scarce and self.room is not None and rows.stop - rows.start > self.room:
                raise MemoryError
            return (self.network(x[rows]) - y[rows]).square().mean()

        return {"loss": self.player.descend(self.n, loss)}


def learned(team: Team, workspace: Workspace, n: int, **settings: int) -> np.ndarray:
    """All weights and averaged weights after the fit, then its losses; `(k,)`."""
    task = Regression(team, n, **settings)
    course = run(task, steps=STEPS, seed=Seed(("fit",)), workspace=workspace)
    networks = (task.network, task.player.average.network)
    weights = [each.detach().double().numpy().ravel() for network in networks for each in network.parameters()]
    return np.concatenate([*weights, np.array(course.losses["loss"])])


@dataclass(frozen=True)
class Learns:
    """Fits for several numbers of rows; each process leaves what it has learned."""

    folder: Path
    sizes: tuple[int, ...]
    room: int

    def __call__(self, team: Team, workspace: Workspace) -> None:
        for n in self.sizes:
            np.save(self.folder / f"{n}-{team.rank}.npy", learned(team, workspace, n))
        np.save(self.folder / f"scarce-{team.rank}.npy", learned(team, workspace, self.sizes[0], room=self.room))
        mark = self.folder / f"through-{team.rank}"
        mark.touch()
        while not team.rank and not all((self.folder / f"through-{rank}").exists() for rank in range(team.size)):
            time.sleep(0.01)  # when process 0 ends, the others are ended too


@dataclass(frozen=True)
class Goes:
    """Goes wrong in process 1, or in all of them, and leaves every process's number."""

    folder: Path
    wrong: str

    def __call__(self, team: Team, workspace: Workspace) -> None:
        mark = self.folder / f"process-{team.rank}"
        mark.with_suffix(".partial").write_text(str(os.getpid()))
        mark.with_suffix(".partial").rename(mark)
        if self.wrong == "diverged":
            learned(team, workspace, 4, poison=3)
        if self.wrong == "memory":
            learned(team, workspace, 4, room=0)
        if team.rank == 1 and self.wrong == "error":
            raise ValueError("there is no answer")
        if team.rank == 1 and self.wrong == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.wrong == "waits":
            time.sleep(600)
        learned(team, workspace, 4)


def at(folder: Path) -> Workspace:
    return Workspace(lambda: folder, TWO)


def waits(folder: Path) -> None:
    on_ranks(Goes(folder, "waits"), at(folder), folder / "meeting")
