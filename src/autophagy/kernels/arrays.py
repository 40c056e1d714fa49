"""NumPy arrays and torch tensors alike: a kernel takes either, on any device, and answers in NumPy.

A tensor on the processor is read where it lies. One on an accelerator stays
there for the heavy work, whose results come back. torch is never loaded by
asking what an array is: whoever holds a tensor has loaded it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

import numpy as np

if TYPE_CHECKING:
    import torch
    from typing_extensions import TypeIs

Array: TypeAlias = "np.ndarray | torch.Tensor"


def is_tensor(x: object) -> TypeIs[torch.Tensor]:
    """Whether `x` is a torch tensor, on whatever device."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def is_on_device(x: object) -> TypeGuard[torch.Tensor]:
    """Whether `x` is a tensor that the processor cannot read in place."""
    return is_tensor(x) and x.device.type != "cpu"


def to_numpy(x: Array) -> np.ndarray:
    """Returns the same numbers as a NumPy array: a view where there can be one.

    bfloat16 and half become float32, which holds them exactly; gradients are left behind.
    """
    if not is_tensor(x):
        return x if x.dtype != np.float16 else x.astype(np.float32)
    here = x.detach().cpu()
    if here.is_floating_point() and here.element_size() < 4:
        here = here.float()
    found: np.ndarray = here.resolve_conj().resolve_neg().numpy()
    return found
