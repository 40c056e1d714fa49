"""What a person may give as a side: a folder of images, an array, features in a file, or statistics of them."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from autophagy.core.errors import ConfigError, DataError
from autophagy.core.settings import shown
from autophagy.core.text import clean
from autophagy.kernels import arrays
from autophagy.kernels.moments import Moments
from autophagy.kernels.rows import chosen

from . import files
from .album import Album, Array, Folder
from .encode import vectors
from .encoding import Encoded, strange

LARGEST_ARRAY = 2**35  # bytes of a .npz file's array, unpacked
TIGHTEST, SMALL = 200, 2**28  # a .npz that unpacks to more than so many times its size is a bomb, if not small

UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    MemoryError,
    OverflowError,
    RuntimeError,
)  # by NumPy


@dataclass(frozen=True)
class Statistics:
    """Moments of features, as pytorch-fid saves them.

    Attributes:
        unread: arrays that lie beside them in the file.
    """

    label: str
    moments: Moments
    unread: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return len(self.moments.mean)


What: TypeAlias = "str | Path | arrays.Array"
Given = Album | Encoded | Statistics


def given(what: What, side: str, limit: int | None = None) -> Given:
    """Finds out what one side is; `side` is "REAL" or "FAKE". At most `limit` rows, always the same of as many.

    Images come whole: which of them can be used is not known yet.

    Raises DataError for what cannot be read, and ConfigError for what is nothing to read, in one sentence.
    """
    if isinstance(what, np.ndarray) or arrays.is_tensor(what):
        _check_plain(what, side)
        return _array(arrays.to_numpy(what), side, limit)
    if not isinstance(what, (str, Path)):
        raise ConfigError(
            f"{side} must be a path, a NumPy array or a torch tensor, but is {_article(type(what).__name__)}."
        )
    path, label = _found(what, side), clean(str(what))
    if path.is_dir():
        return Folder.of(path, label)
    if path.suffix == ".safetensors":
        found = files.load(path, label)
        return found.take(chosen(len(found), limit)) if limit is not None and len(found) > limit else found
    if path.suffix == ".npz":
        return _archive(path, label, limit)
    if path.suffix == ".npy":
        return _array(_read_npy(path, label), label, limit)
    raise DataError(
        f"{side}: {shown(str(what), 200)} is none of what can be scored: a folder of images, features as .npy, .npz "
        "or .safetensors, or statistics as .npz."
    )


def _check_plain(what: arrays.Array, side: str) -> None:
    """Raises ConfigError for arrays that hold something else than their numbers, one after the other."""
    if isinstance(what, np.ma.MaskedArray):
        raise ConfigError(f"{side} is a masked array; give a plain one, without the rows that have masked numbers.")
    if arrays.is_tensor(what) and (what.is_meta or what.is_quantized or str(what.layout) != "torch.strided"):
        kind = "a tensor without data" if what.is_meta else "a quantised or sparse tensor"
        raise ConfigError(f"{side} is {kind}; give a dense one of plain numbers.")


def _found(what: str | Path, side: str) -> Path:
    """The path of something that is there. Raises DataError."""
    name = shown(str(what), 200)
    try:
        path = Path(what).expanduser()
        if path.is_dir() or path.is_file():
            return path
    except (OSError, RuntimeError) as error:  # a name that is too long, or nobody's home
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"{side}: {name} cannot be looked for ({why}); name a file or folder.") from None
    raise DataError(f"{side}: there is no file or folder {name}.")


def _article(kind: str) -> str:
    return kind if kind == "NoneType" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _read_npy(path: Path, label: str) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        raise _unreadable(label, error) from None
    return found


def _archive(path: Path, label: str, limit: int | None) -> Given:
    names = _names(path, label)
    if {"mu", "sigma"} <= names:
        return _statistics(path, label, names)
    name = next((name for name in ("features", "arr_0", *names) if name in names), None)
    if name is None or (len(names) > 1 and name not in ("features", "arr_0")):
        raise DataError(
            f"{label} holds the arrays {shown(sorted(names))}; expected one array of features, or mu and sigma."
        )
    return _array(_unpacked(path, name, label), label, limit)


def _names(path: Path, label: str) -> set[str]:
    try:
        with zipfile.ZipFile(path) as packed:
            return {name.removesuffix(".npy") for name in packed.namelist()}
    except UNREADABLE as error:
        raise _unreadable(label, error) from None


def _unpacked(path: Path, name: str, label: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as packed:
            member = packed.getinfo(f"{name}.npy")
        if member.file_size > LARGEST_ARRAY or member.file_size > max(SMALL, TIGHTEST * member.compress_size):
            raise DataError(f"{label} would unpack to {member.file_size / 2**30:,.1f} GiB; save its features as .npy.")
        with np.load(path, allow_pickle=False) as arrays:
            found: np.ndarray = arrays[name]
            return found
    except UNREADABLE as error:
        raise _unreadable(label, error) from None


def _unreadable(label: str, error: Exception) -> DataError:
    said = str(error) or type(error).__name__
    if any(word in said for word in ("pickle", "Python objects")):  # what NumPy takes any file for that is not its own
        return DataError(f"{label} is no array of plain numbers; pickled objects are never read: save numbers (n, d).")
    return DataError(f"{label} cannot be read as arrays ({shown(said)}); save it again.")


def _statistics(path: Path, label: str, names: set[str]) -> Statistics:
    moments = Moments.load(path)
    if not len(moments.mean):
        raise DataError(f"{label} holds statistics of no feature at all; make them again.")
    return Statistics(label, moments, tuple(sorted(names & {"features", "arr_0"})))


def _array(found: np.ndarray, label: str, limit: int | None) -> Given:
    """Rows `(n, d)` of numbers, or uint8 images `(n, h, w)`, `(n, c, h, w)` or `(n, h, w, c)`."""
    images = _as_images(found)
    if images is not None and len(images):
        return Array.of(images, label)
    if found.ndim != 2 or not found.size or not _are_numbers(found):
        raise DataError(
            f"{label} holds {found.dtype} of shape {shown(found.shape)}; features are numbers of shape (n, d), "
            "images uint8 of shape (n, height, width, 3)."
        )
    rows = _limited(found, limit)
    values = np.asarray(found if len(rows) == len(found) else found[rows])
    floats = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    return vectors(floats, label, rows.tolist())


def _limited(found: np.ndarray, limit: int | None) -> np.ndarray:
    """Which rows to take: so many that can be used, and those that cannot, to be named."""
    if limit is None or len(found) <= limit:
        return np.arange(len(found))
    bad = strange(found)
    usable = np.flatnonzero(~bad)
    kept = usable if len(usable) <= limit else usable[chosen(len(usable), limit)]
    return np.sort(np.concatenate([kept, np.flatnonzero(bad)]))


def _as_images(found: np.ndarray) -> np.ndarray | None:
    """Returns `(n, c, h, w)`, or None if these are no images."""
    if found.dtype != np.uint8 or found.ndim not in (3, 4) or not found.size:
        return None
    if found.ndim == 3:
        return found[:, None]
    if found.shape[1] in (1, 3):
        return found
    return found.transpose(0, 3, 1, 2) if found.shape[3] in (1, 3) else None


def _are_numbers(*arrays: np.ndarray) -> bool:
    return all(array.dtype.kind in "fiu" for array in arrays)
