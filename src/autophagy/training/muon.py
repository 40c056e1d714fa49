"""Muon for the matrices within a network and Adam for everything else, as one optimiser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from .short_products import widened


class Muon:
    """Steps along the nearest orthogonal matrix to the momentum (Jordan et al. 2024), by torch's own `Muon`.

    Meant for `hidden` matrices; embeddings, first and last layers, biases and tables go by Adam, as its authors advise.
    torch's takes matrices alone, so a convolution's weights are one of `(out, in · h · w)` to it. Steps are scaled to
    be about as long as Adam's (Liu et al. 2025); the nearest orthogonal matrix is found by products in 16 bits.
    """

    def __init__(
        self,
        hidden: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        learning_rate: float,
        betas: tuple[float, float],
    ) -> None:
        self._hidden = list(hidden)
        self._flat = [nn.Parameter(weights.detach().flatten(1).clone()) for weights in self._hidden]
        self._muon = torch.optim.Muon(self._flat, learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._adam = torch.optim.Adam(others, learning_rate, betas=betas, fused=True)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [*self._adam.param_groups, *self._muon.param_groups]

    @torch.no_grad()
    def step(self) -> None:
        self._adam.step()
        for weights, flat in zip(self._hidden, self._flat, strict=True):
            flat.copy_(weights.flatten(1))
            flat.grad = None if weights.grad is None else weights.grad.flatten(1)
        with widened(self._flat[0].device):
            self._muon.step()  # type: ignore[no-untyped-call]
        for weights, flat in zip(self._hidden, self._flat, strict=True):
            weights.copy_(flat.view_as(weights))

    def zero_grad(self, set_to_none: bool = True) -> None:
        self._adam.zero_grad(set_to_none)
        for weights in self._hidden:
            weights.grad = None

    def state_dict(self) -> dict[str, Any]:
        states = {"adam": self._adam.state_dict()["state"], "muon": self._muon.state_dict()["state"]}
        return {"state": states, "param_groups": []}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, own in (("adam", self._adam), ("muon", self._muon)):
            own.load_state_dict({"state": state["state"][name], "param_groups": own.state_dict()["param_groups"]})
