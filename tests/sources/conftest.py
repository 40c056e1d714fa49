"""Small files of the formats that sources read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Draw = Callable[..., Path]


@pytest.fixture
def picture(tmp_path: Path) -> Draw:
    """Writes an image file under `tmp_path / "images"`; its pixels depend on its name."""

    def write(name: str, size: tuple[int, int] = (12, 8), mode: str = "RGB", **options: object) -> Path:
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(sum(name.encode()))
        pixels = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).convert(mode).save(path, **options)
        return path

    return write


@pytest.fixture
def fashion_files(tmp_path: Path) -> Path:
    """A folder with four small, plain IDX files under Fashion-MNIST's names."""
    from autophagy.sources import _idx

    folder = tmp_path / "fashion"
    folder.mkdir()
    rng = np.random.default_rng(7)
    for prefix, n in (("train", 30), ("t10k", 10)):
        for kind, array in (
            ("images-idx3", rng.integers(0, 256, (n, 28, 28), np.uint8)),
            ("labels-idx1", rng.integers(0, 10, n).astype(np.uint8)),
        ):
            (folder / f"{prefix}-{kind}-ubyte").write_bytes(_idx.header(array.shape) + array.tobytes())
    return folder


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails at once."""
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
