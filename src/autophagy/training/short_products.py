"""Products of 16-bit numbers by way of 32-bit ones, for processors that cannot multiply in 16 bits.

torch works such products out number by number there, which takes fits 6 to 32 times as long (see the log, 2026-11-29).
The product of two bfloat16 numbers is exact in float32 and both routes add up in float32, so what changes is the order
of the sums, as it does between any two processors; gradients pass through the same roundings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_NAMES = ("matmul", "mm", "bmm", "addmm", "addbmm", "baddbmm", "__matmul__", "__rmatmul__")
_PRODUCTS: frozenset[Callable[..., Any]] = frozenset(
    [getattr(owner, name) for owner in (torch, Tensor) for name in _NAMES if hasattr(owner, name)]
    + [torch.tensordot, F.linear, F.scaled_dot_product_attention]
    + [getattr(F, f"conv{kind}{d}d") for kind in ("", "_transpose") for d in (1, 2, 3)]
)
_BACKWARDS: frozenset[Callable[..., Any]] = frozenset([torch.autograd.grad, torch.autograd.backward, Tensor.backward])


def widened(device: torch.device) -> AbstractContextManager[object]:
    """Within it products of bfloat16 numbers, torch's autocast's too, are worked out in float32 and rounded.

    Does nothing where the device multiplies them itself. It sees calls from Python: a product inside
    what is one call to torch, like `einsum` or `nn.MultiheadAttention`, is left to torch and slow. Not for
    activation checkpointing, which works products out again where this is no longer in force.
    """
    return nullcontext() if device.type != "cpu" or multiplies_halves() else Widened()


def multiplies_halves() -> bool:
    """Whether torch has instructions of this processor's for products of bfloat16 numbers."""
    asked: Any = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return asked is None or bool(asked())


class Widened(TorchFunctionMode):
    """See `widened`."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func in _BACKWARDS:
            with torch.autocast("cpu", enabled=False):  # the roundings are in the graph; autocast would add products
                return func(*args, **named)
        if func not in _PRODUCTS or named.get("out") is not None or not _is_short(args, named):
            return func(*args, **named)
        with torch.autocast("cpu", enabled=False):
            found = func(*map(_wide, args), **{name: _wide(value) for name, value in named.items()})
        return found.to(torch.bfloat16)


def _is_short(args: tuple[Any, ...], named: Mapping[str, Any]) -> bool:
    """Whether torch would multiply these in bfloat16: all of them are, or autocast makes them so."""
    kinds = {value.dtype for value in (*args, *named.values()) if isinstance(value, Tensor)} - {torch.bool}  # masks
    if torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16:
        return bool(kinds) and kinds <= {torch.float32, torch.bfloat16, torch.float16}
    return kinds == {torch.bfloat16}


def _wide(value: Any) -> Any:
    """Numbers rounded to bfloat16, as float32; anything else as it is."""
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.to(torch.bfloat16).float()
    return value
