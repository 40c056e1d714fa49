"""Linear layers multiplied by oneDNN in 32 bits: MKL, which torch asks, is half as fast on processors not of its maker.

A product of 512 × 576 by 576 × 1536 numbers ran at 104 thousand million operations a second with MKL and at 230 with
oneDNN, on one thread of an AMD EPYC; see the log, 2026-11-29.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def quickened(network: nn.Module) -> nn.Module:
    """The same network with its linear layers replaced, in place; they keep their weights, names and results."""
    for owner in list(network.modules()):
        for name, own in list(owner.named_children()):
            if type(own) is nn.Linear:
                setattr(owner, name, Linear(own))
    return network


class Linear(nn.Linear):
    """A linear layer with another one's weights; anything but 32 bits on a processor is left to torch."""

    def __init__(self, like: nn.Linear) -> None:
        super().__init__(like.in_features, like.out_features, bias=False, device="meta")
        self.weight, self.bias = like.weight, like.bias
        self.training = like.training

    def forward(self, x: Tensor) -> Tensor:
        if not _is_ours(x, self.weight):
            return super().forward(
                x.contiguous()
            )  # torch copies the weights for every row of a slice, if nobody trains
        y: Tensor = _Product.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias


class _Product(torch.autograd.Function):
    """x Wᵀ; only the gradients that somebody asks for are worked out."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:  # (…, k), (m, k) -> (…, m)
        ctx.save_for_backward(x, weight)
        return _product(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        above = gradients[0].reshape(-1, weight.shape[0])
        to_x = _product(above, weight.t()).view(x.shape) if ctx.needs_input_grad[0] else None
        to_weight = _product(above.t(), x.reshape(-1, weight.shape[1]).t()) if ctx.needs_input_grad[1] else None
        return to_x, to_weight


def _product(x: Tensor, weight: Tensor) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    return found


def _is_ours(x: Tensor, weight: Tensor) -> bool:
    is_plain = x.dtype == weight.dtype == torch.float32 and x.device.type == weight.device.type == "cpu"
    return is_plain and IS_HERE and not torch.is_autocast_enabled("cpu") and x.numel() > 0


_backend: Any = torch.backends.mkldnn  # untyped
IS_HERE = _backend.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
