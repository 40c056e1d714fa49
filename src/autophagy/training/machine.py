"""Where tensors live and how they are multiplied: device, precision, threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from autophagy.core.errors import ConfigError, MissingPackage
from autophagy.core.workspace import Machine

from .short_products import widened

Precision = Literal["float32", "bfloat16"]


def device_of(name: str) -> torch.device:
    """Reads `Machine.device`: "auto" is a GPU if torch finds one. Raises ConfigError for what is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError):
        raise ConfigError(f"torch finds no device {name!r} here; use auto or cpu.") from None


def check_devices(machine: Machine) -> Literal["cpu", "cuda"]:
    """Returns the kind that a machine's several devices are of; no GPU is begun with, which would take its memory.

    Raises ConfigError if there are not as many, MissingPackage without accelerate.
    """
    asked, kind = f"--devices {machine.devices}", machine.device
    if find_spec("accelerate") is None:
        raise MissingPackage(asked, "accelerate", "parallel")
    if kind not in ("auto", "cpu", "cuda"):
        raise ConfigError(
            f"{asked} is for device auto, cpu or cuda, but the device is {kind!r}; leave one of them out."
        )
    if kind == "cpu" or (kind == "auto" and not torch.cuda.is_available()):
        return "cpu"
    found = torch.cuda.device_count()
    if machine.devices > found:
        raise ConfigError(f"{asked} asks for more GPUs than torch finds here, which is {found}; ask for fewer.")
    return "cuda"


@contextmanager
def autocast(precision: Precision, device: torch.device) -> Iterator[None]:
    """Products in bfloat16, sums and weights in float32; or nothing, for float32."""
    if precision == "float32":
        yield
        return
    with widened(device), torch.autocast(device.type, torch.bfloat16):
        yield


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Computes on so many threads: a field of the model, since sums come out otherwise in the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def moved(array: np.ndarray, device: torch.device) -> Tensor:
    """An array as a tensor on a device; read-only arrays are copied, so that nothing can write to a pool."""
    writeable = array if array.flags.writeable else array.copy()
    return torch.from_numpy(np.ascontiguousarray(writeable)).to(device, non_blocking=True)
