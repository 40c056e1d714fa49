"""Moving averages of weights: what is drawn from, where the last weights still tremble."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of a network's weights; buffers are copied.

    Early on the average is over all steps so far, that it may forget the random
    weights it began with: after k steps the share kept is at most (1 + k) / (10 + k).

    Attributes:
        network: holds the averaged weights; it is never trained.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.taken = 0
        self.network = deepcopy(network).requires_grad_(False).eval()
        self._pairs = list(zip(self.network.parameters(), network.parameters(), strict=True))
        self._buffers = list(zip(self.network.buffers(), network.buffers(), strict=True))

    @torch.no_grad()
    def take(self) -> None:
        """Takes in the weights as they now are."""
        kept = min(self.decay, (1 + self.taken) / (10 + self.taken))
        own, new = [a for a, _ in self._pairs], [b.detach() for _, b in self._pairs]
        _lerp(own, new, 1 - kept)
        for a, b in self._buffers:
            a.copy_(b)
        self.taken += 1

    def state_dict(self) -> dict[str, Any]:
        return {"taken": self.taken, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.taken = int(state["taken"])
        self.network.load_state_dict(state["network"])


def _lerp(own: Sequence[Tensor], new: Sequence[Tensor], weight: float) -> None:
    if own:
        torch._foreach_lerp_(list(own), list(new), weight)
