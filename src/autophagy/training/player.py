"""Players: an optimiser with the weights it moves. A GAN has two, most families one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from autophagy.core.errors import OutOfMemory, is_out_of_memory

from .average import Average
from .team import Alone, Team

log = logging.getLogger(__name__)


class Optimiser(Protocol):
    """What a player asks of one: torch's are, and so is what puts two of them together."""

    @property
    def param_groups(self) -> list[dict[str, Any]]: ...
    def step(self) -> Any: ...
    def zero_grad(self, set_to_none: bool = True) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Any, /) -> None: ...


class Player:
    """Takes one step down the gradient of a loss at a time, in as many pieces as memory asks for.

    Attributes:
        network: what is trained; its weights are on the right device already.
        optimiser: over the network's weights.
        average: takes in the weights after every step, if given.
        clip: the largest norm a gradient may have; None for no bound.
        rate: the factor on the optimiser's learning rates at step k = 0, 1, …; 1 if left out.
        micro: samples of a piece at most; None for whole batches. Lowered, never raised, when memory runs out.
        team: the processes that share every batch; each lowers its own `micro`.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: Optimiser,
        *,
        average: Average | None = None,
        clip: float | None = None,
        rate: Callable[[int], float] | None = None,
        micro: int | None = None,
        team: Team | None = None,
    ) -> None:
        self.network, self.optimiser, self.average = network, optimiser, average
        self.clip, self.rate, self.micro = clip, rate, micro
        self.team = team or Alone()
        self.taken = 0
        self._wanted = micro
        self._rates = [group["lr"] for group in optimiser.param_groups]

    def descend(self, n: int, loss: Callable[[slice], Tensor], *, together: int = 1) -> Tensor:
        """One step on a batch of n samples; returns the batch's mean loss, detached.

        `loss(rows)` is the mean loss of some rows of the batch. It may be called
        again for the same rows, so whatever is random was drawn before. Samples
        that it looks at `together`, such as a discriminator's groups, are not parted.
        """
        total = self.team.summed(self._gradient(n, loss, together), self.network)
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        if self.rate is not None:
            for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
                group["lr"] = rate * self.rate(self.taken)
        self.optimiser.step()
        self.taken += 1
        if self.average is not None:
            self.average.take()
        return total

    @property
    def lowered(self) -> int | None:
        """Samples of a piece where memory asked for smaller ones than were wanted; else None."""
        return self.micro if self.micro != self._wanted else None

    def state_dict(self) -> dict[str, Any]:
        average = {} if self.average is None else {"average": self.average.state_dict()}
        return {
            "taken": self.taken,
            "micro": self.micro,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict()["state"],
            **average,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.taken, self.micro = int(state["taken"]), state["micro"]
        self.network.load_state_dict(state["network"])
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state["optimiser"], "param_groups": groups})
        if self.average is not None:
            self.average.load_state_dict(state["average"])

    def _gradient(self, n: int, loss: Callable[[slice], Tensor], together: int) -> Tensor:
        own = _length(self.team.rows(n))
        while True:
            size = max(1, min(own, -(-(self.micro or own) // together) * together))  # a process may have no row
            try:
                return self._summed(n, loss, size)
            except (RuntimeError, MemoryError) as problem:
                if not is_out_of_memory(problem):
                    raise
                reason = str(problem).strip().partition("\n")[0]
            # outside `except`, which would keep the tensors alive
            self.micro = _fewer(size, together, reason)
            log.warning("out of memory: batches of %d are now summed from pieces of %d.", own, self.micro)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _summed(self, n: int, loss: Callable[[slice], Tensor], size: int) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros(())
        for rows in _pieces(self.team.rows(n), size):
            share = _length(rows) / n
            piece = loss(rows) if share == 1 else loss(rows) * share
            piece.backward()  # type: ignore[no-untyped-call]
            total = total.to(piece.device) + piece.detach()
        return total


def _pieces(rows: slice, size: int) -> Iterator[slice]:
    yield from (slice(first, min(first + size, rows.stop)) for first in range(rows.start, rows.stop, size))


def _length(rows: slice) -> int:
    return int(rows.stop - rows.start)


def _fewer(size: int, together: int, reason: str) -> int:
    """Half as many, in whole groups of those that are looked at together."""
    half = -(-size // (2 * together)) * together
    if half >= size:
        least = "one sample" if size == 1 else f"{size} samples"
        told = f" ({reason})" if reason else ""
        raise OutOfMemory(f"out of memory even with {least} at a time{told}; use a smaller network or image.")
    return half
