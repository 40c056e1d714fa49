"""Fashion-MNIST: 70,000 small pictures of clothes, from files at hand or from the hub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError, refuse
from autophagy.core.parts import Collection, Split
from autophagy.core.settings import shown
from autophagy.images.look import Look
from autophagy.sources import _captions, _hub, _idx

CLASSES = (
    "T-shirt or top",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # the package dataset-fashion-mnist
HUB = "zalando-datasets/fashion_mnist"
_PREFIX = {"train": "train", "heldout": "t10k"}
_ELSEWHERE = "give folder = the place of the four IDX files, or install Debian's dataset-fashion-mnist"


@register("fashion-mnist")
@dataclass(frozen=True)
class FashionMnist(Collection):
    """Images (1, 28, 28), classes 0–9; the test set is held out. Xiao, Rasul and Vollgraf 2017; MIT.

    The four IDX files, plain or .gz, are read from `folder`, else from where
    Debian's package dataset-fashion-mnist puts them; without either the data
    come from the hub, which needs the extra "hub" and, once, the network.

    Attributes:
        folder: where the IDX files are.
        revision: which commit of the data set on the hub.
        caption: turns classes into captions, e.g. "a photo of a {name}" ("sandal"), or {label} for the number.
    """

    space = "images"
    folder: str | None = None
    revision: str | None = None
    caption: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _captions.check_template(self.caption)

    def size(self, split: Split) -> int:
        return len(self._labels(split))

    def conditions(self, split: Split) -> np.ndarray:
        return _captions.conditions(self._labels(split), self.caption, CLASSES)

    def load(self, split: Split) -> np.ndarray:
        images = self._images(split)
        if len(images) != len(self._labels(split)):
            raise DataError(
                f"source 'fashion-mnist' found {len(images)} images but {len(self._labels(split))} labels "
                f"for '{split}'; get the files again."
            )
        return images

    def content(self) -> str:
        """The same for the same images and labels, wherever they were read from."""
        arrays = [read(split) for split in ("train", "heldout") for read in (self.load, self._labels)]
        return hashlib.sha256("".join(_idx.sha256(a.astype(np.uint8)) for a in arrays).encode()).hexdigest()[:32]

    def stamp(self) -> tuple[tuple[Path, int, int], ...]:
        """Changes when one of the four files does; empty where they come from the hub."""
        folder = self._place()
        names = (f"{start}-{kind}-ubyte" for start in _PREFIX.values() for kind in ("images-idx3", "labels-idx1"))
        return () if folder is None else tuple(_stamped(folder, name) for name in names)

    def _images(self, split: Split) -> np.ndarray:
        folder = self._place()
        if folder is None:
            return _from_hub(self.revision, split)[0]
        return _read(*_stamped(folder, f"{_PREFIX[split]}-images-idx3-ubyte"), 3)[:, None]

    def _labels(self, split: Split) -> np.ndarray:
        folder = self._place()
        if folder is None:
            return _from_hub(self.revision, split)[1]
        labels = _read(*_stamped(folder, f"{_PREFIX[split]}-labels-idx1-ubyte"), 1)
        return _checked(labels, str(folder))

    def _place(self) -> Path | None:
        """The folder to read from, or None for the hub."""
        if self.folder is not None:
            return Path(self.folder).expanduser()
        return DEBIAN if DEBIAN.is_dir() else None


def _stamped(folder: Path, name: str) -> tuple[Path, int, int]:
    """The file of that name, plain or packed, with its time and size, so that a new file is read anew."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path, path.stat().st_mtime_ns, path.stat().st_size
    raise DataError(f"folder {shown(str(folder))} has no file {name} or {name}.gz; {_ELSEWHERE}.")


@lru_cache(maxsize=8)
def _read(path: Path, time: int, size: int, dimensions: int) -> np.ndarray:
    return _idx.read(path, dimensions)


def _checked(labels: np.ndarray, where: str) -> np.ndarray:
    if labels.size and labels.max() >= len(CLASSES):
        raise DataError(f"{shown(where)} has the label {labels.max()}, but Fashion-MNIST's are 0–9; get it again.")
    found = labels.astype(np.int64)
    found.setflags(write=False)
    return found


@lru_cache(maxsize=2)
def _from_hub(revision: str | None, split: Split) -> tuple[np.ndarray, np.ndarray]:
    from autophagy.images.reading import decoded

    table = _hub.load("source 'fashion-mnist' without a folder", HUB, None, revision)[
        "train" if split == "train" else "test"
    ]
    images, problems = decoded(_hub.pictures(table, "image", HUB), Look(28, "L", 28 * 28))
    refuse(HUB, problems)
    images.setflags(write=False)
    return images, _checked(np.array(table["label"][:]), HUB)
