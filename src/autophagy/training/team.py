"""Teams: the processes that share every batch of a fit, and how their gradients become one."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

FLAT = 2**24  # weights whose gradients are sent at a time
PATIENCE = timedelta(days=1)  # for the others, who may be working tables out; one that has died ends all at once
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


class Team(ABC):
    """Every process knows every batch, works out the gradient of its own rows, and takes the step of all of them.

    Attributes:
        rank: of this process, from 0 on; 0 is the one that writes.
        size: processes.
    """

    rank: int
    size: int

    def rows(self, n: int) -> slice:
        """Returns this process's rows of a batch of n; none where there are more processes than rows."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    @abstractmethod
    def summed(self, loss: Tensor, network: nn.Module) -> Tensor:
        """Returns the sum of the processes' losses, and puts the sum of their gradients in place of each one's own."""

    @abstractmethod
    def first(self) -> AbstractContextManager[object]:
        """Process 0 does what is within before the others begin it."""


class Alone(Team):
    """One process with all rows."""

    rank, size = 0, 1

    def summed(self, loss: Tensor, network: nn.Module) -> Tensor:
        return loss

    def first(self) -> AbstractContextManager[object]:
        return nullcontext()


class Together(Team):
    """One of several processes of this machine, met through accelerate: nccl with a GPU each, or gloo on processors.

    A process can be in one team in its life.

    Attributes:
        device: of this process.
    """

    def __init__(self, rank: int, size: int, meeting: Path, *, on_cpu: bool) -> None:
        """Waits for the others; `meeting` names a file that is not there yet, the same for all."""
        from accelerate import PartialState

        _speak_for(rank, size)
        met = {"init_method": f"file://{meeting}", "rank": rank, "world_size": size, "timeout": PATIENCE}
        self._state: Any = PartialState(cpu=on_cpu, backend="gloo" if on_cpu else "nccl", **met)
        self.rank, self.size, self.device = rank, size, torch.device(self._state.device)

    def summed(self, loss: Tensor, network: nn.Module) -> Tensor:
        weights = [each for each in network.parameters() if each.requires_grad]
        has_gradient = torch.tensor([float(each.grad is not None) for each in weights], device=self.device)
        told = _sum(torch.cat([loss.to(self.device, torch.float32).reshape(1), has_gradient]))
        moved = [each for each, count in zip(weights, told[1:].tolist(), strict=True) if count]
        for some in _groups(moved):
            self._sum_gradients(some)
        return told[0]

    def first(self) -> AbstractContextManager[object]:
        within: AbstractContextManager[object] = self._state.main_process_first()
        return within

    @staticmethod
    def _sum_gradients(weights: list[nn.Parameter]) -> None:
        for each in weights:
            if each.grad is None:  # this process had no rows
                each.grad = torch.zeros_like(each)
        own = [each.grad for each in weights if each.grad is not None]
        flat = _sum(torch.cat([gradient.flatten() for gradient in own]))
        pieces = torch.split(flat, [gradient.numel() for gradient in own])
        for gradient, total in zip(own, pieces, strict=True):
            gradient.copy_(total.view_as(gradient))


def _sum(tensor: Tensor) -> Tensor:
    from accelerate.utils import reduce

    total: Tensor = reduce(tensor, reduction="sum")
    return total


def _groups(weights: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Weights of one type in a row, not many more than FLAT numbers at a time."""
    group: list[nn.Parameter] = []
    for each in weights:
        if group and (each.dtype != group[0].dtype or sum(own.numel() for own in group) >= FLAT):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _speak_for(rank: int, size: int) -> None:
    """Tells accelerate who this process is, as its launcher would, and nothing that a person's shell has set for it."""
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]
    told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
    os.environ.update({name: str(number) for name, number in told.items()})
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # or it would choose a number of threads, which is the model's to say
    os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK)  # nobody outside this machine is to be heard
