"""Digits as folders of PNG files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autophagy.core.catalog import build


def written(folder: Path, images: np.ndarray, suffix: str = "png", **options: object) -> Path:
    """`(n, c, h, w)` uint8 as `0000.png`, `0001.png`, …"""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
        Image.fromarray(pixels).save(folder / f"{i:04d}.{suffix}", **options)
    return folder


@pytest.fixture(scope="session")
def write():
    return written


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """`(400, 1, 28, 28)` uint8."""
    return build("source", "mnist").load("heldout")[:400]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, digits: np.ndarray) -> tuple[Path, Path]:
    """120 real and 100 other digits."""
    root = tmp_path_factory.mktemp("folders")
    return written(root / "real", digits[:120]), written(root / "fake", digits[200:300])
