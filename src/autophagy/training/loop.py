"""The loop of every fit: restore, step, watch, keep a checkpoint, say how far it is."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from autophagy.core.errors import Diverged
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace

from . import checkpoint
from .player import Player

POINTS = 100  # of a loss curve
LOOK = 25  # steps between two looks at the losses on a GPU, which would otherwise wait for every one


class Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


class Task(ABC):
    """What is trained: networks with their optimisers, and how they take one step.

    Whatever is random in a step comes from the seed that the step is given, which
    is that step's own. So a fit that goes on after a kill is the same fit, bit for
    bit on a CPU, and no state of a random generator is ever kept.
    """

    @abstractmethod
    def state(self) -> Mapping[str, Stateful]:
        """All that must survive a kill, by name: players, or networks and optimisers of their own."""

    @abstractmethod
    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        """Takes step 0, 1, …; returns its losses by name, detached."""


@dataclass
class Course:
    """How the losses went, as means over at most 100 stretches of equal length.

    Attributes:
        steps: in all.
        losses: by name, one mean for each finished stretch.
    """

    steps: int
    losses: dict[str, list[float]] = field(default_factory=dict)
    _sums: dict[str, float] = field(default_factory=dict)

    @property
    def stretch(self) -> int:
        """Steps of one stretch."""
        return max(1, -(-self.steps // POINTS))

    def add(self, number: int, losses: Mapping[str, float]) -> None:
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + loss
        if (number + 1) % self.stretch == 0:
            for name, total in self._sums.items():
                self.losses.setdefault(name, []).append(total / self.stretch)
            self._sums = {}

    def state_dict(self) -> dict[str, Any]:
        return {"losses": self.losses, "sums": self._sums}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        self.losses, self._sums = state["losses"], state["sums"]


def run(task: Task, *, steps: int, seed: Seed, workspace: Workspace) -> Course:
    """Takes the steps that are left, from the last checkpoint on. Raises Diverged at the first loss that is no number.

    A checkpoint is written every `workspace.machine.checkpoint_every` seconds;
    when it is written changes nothing in what comes out.
    """
    course = Course(steps)
    state = {**task.state(), "course": course}
    done = checkpoint.restore(state, workspace)
    watch, pieces, saved_at = _Watch(course), _Pieces(state, workspace), time.monotonic()
    for number in range(done, steps):
        watch.see(number, task.step(number, seed.child("step", number)))
        pieces.look()
        if time.monotonic() - saved_at >= workspace.machine.checkpoint_every:
            watch.look()
            checkpoint.save(state, number + 1, workspace)
            saved_at = time.monotonic()
        workspace.progress(number + 1, steps, watch.note)
    watch.look()
    _check_weights(state, steps)
    return course


class _Watch:
    """Looks at losses: at once on a CPU, now and then on a GPU. A loss that was not finite is named by its step."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.note = ""
        self._unseen: list[tuple[int, dict[str, Tensor]]] = []

    def see(self, number: int, losses: Mapping[str, Tensor]) -> None:
        self._unseen.append((number, dict(losses)))
        is_on_gpu = any(loss.is_cuda for loss in losses.values())
        if not is_on_gpu or len(self._unseen) >= LOOK:
            self.look()

    def look(self) -> None:
        for number, tensors in self._unseen:
            losses = {name: float(loss) for name, loss in tensors.items()}
            for name, loss in losses.items():
                if loss != loss or abs(loss) == float("inf"):
                    raise Diverged(f"the loss '{name}' was {loss} at step {number + 1} of {self.course.steps}.")
            self.course.add(number, losses)
            self.note = ", ".join(f"{name} {loss:.4g}" for name, loss in losses.items())
        self._unseen = []


class _Pieces:
    """Remarks that a full memory has made pieces smaller, in this process or in one before it: sums differ by that."""

    def __init__(self, state: Mapping[str, Stateful], workspace: Workspace) -> None:
        self._players = {name: part for name, part in state.items() if isinstance(part, Player)}
        self._workspace = workspace
        self._told: dict[str, int] = {}
        self.look()

    def look(self) -> None:
        for name, player in self._players.items():
            size = player.lowered
            if size is not None and self._told.get(name) != size:
                self._told[name] = size
                whose = f" of '{name}'" if len(self._players) > 1 else ""
                self._workspace.remark(f"memory was full, so that batches{whose} were summed from pieces of {size}")


def _check_weights(state: Mapping[str, Stateful], steps: int) -> None:
    """The last step's loss was finite; what it made of the weights has not been seen by any loss."""
    for name, tensor in checkpoint.tensors(state):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            what = "optimiser's numbers" if "/optimiser/" in name else "weights"
            raise Diverged(f"the {what} '{name}' were not finite after step {steps} of {steps}.")
