"""Folders that pass between autophagy and somebody else's program: made afresh, checked, copied; never opened."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.pool import Pool
from autophagy.core.settings import shown
from autophagy.images import folder as image_folder


def owned(folder: Path) -> Path:
    """A folder that is there and is no link, whatever an earlier process or a stranger's archive has left in it."""
    if not is_folder(folder):
        folder.unlink(missing_ok=True)
    folder.mkdir(exist_ok=True)
    return folder


def emptied(folder: Path) -> Path:
    """The same, with nothing in it."""
    shutil.rmtree(owned(folder))
    folder.mkdir()
    return folder


def added_to(log: Path) -> Path:
    """A log that can be written without being led elsewhere."""
    if not is_plain(log):
        log.unlink(missing_ok=True)
    return log


def is_plain(path: Path) -> bool:
    """Whether it is a file, and neither a link nor a pipe."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def write_training_set(train: Pool, folder: Path) -> None:
    """An ImageFolder, written again for every attempt: a killed one may have changed it, or left a part."""
    image_folder.write(train, emptied(folder))


def write_conditions(condition: np.ndarray | None, n: int, path: Path) -> None:
    """A JSON object a line for every sample that is to be drawn: its label, its text, or neither."""
    column = "text" if condition is not None and condition.dtype.kind == "U" else "label"
    asked = [{}] * n if condition is None else [{column: value} for value in condition.tolist()]
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in asked), encoding="utf-8")


def sizes(weights: Path) -> dict[str, int]:
    """The files in a folder of weights, with their bytes; raises DataError for what no copy could keep."""
    if not is_folder(weights):
        raise DataError(f"{weights} must stay the folder that it was, but has become a link or a file, or is gone.")
    inside = os.path.join(os.path.realpath(weights), "")
    found: dict[str, int] = {}
    for name in _names(weights):
        problem = _problem(name, weights / name, inside)
        if problem:
            raise DataError(f"{shown(name)} in {weights} {problem}; mend that there and run again.")
        found[name] = (weights / name).stat().st_size
    return found


def copy(weights: Path, target: Path) -> None:
    """Copies all files and folders, and whether their owner may execute them; a link to another file becomes that."""
    files = sizes(weights)
    for folder in _folders(weights):
        (target / folder).mkdir()
    for name in files:
        shutil.copyfile(weights / name, target / name)
        if (weights / name).stat().st_mode & stat.S_IXUSR:
            (target / name).chmod((target / name).stat().st_mode | stat.S_IXUSR)


def make_durable(weights: Path) -> None:
    """Waits until all of it would survive a power cut."""
    files = [weights / name for name in _names(weights) if is_plain(weights / name)]
    for path in (*files, *(weights / folder for folder in _folders(weights))):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def stamps(weights: Path) -> dict[str, tuple[int, int]]:
    """Changes when a file is added, removed, resized or touched."""
    about = {name: (weights / name).lstat() for name in _names(weights)}
    return {name: (found.st_size, found.st_mtime_ns) for name, found in about.items()}


def remove(weights: Path, names: Iterable[str]) -> None:
    """Removes files by relative name where that can be done, and folders that are empty then."""
    for name in names:
        with suppress(OSError):
            (weights / name).unlink()
        for folder in list(Path(name).parents)[:-1]:
            with suppress(OSError):  # others lie in it
                (weights / folder).rmdir()


def _folders(weights: Path) -> list[str]:
    """Relative names of all folders, itself first, each before those within it."""
    return [os.path.relpath(folder, weights) for folder, _, _ in os.walk(weights)]


def _names(folder: Path, prefix: str = "") -> Iterator[str]:
    """Relative names of everything but folders, in an order that never changes; a link to a folder is no folder."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _names(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def _problem(name: str, path: Path, inside: str) -> str:
    """Why a copy could not keep a file, as part of a sentence; empty if it could."""
    try:
        name.encode()
        mode = path.stat().st_mode
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    except OSError:
        return "is a link that leads nowhere"
    if not os.path.join(os.path.realpath(path), "").startswith(inside):
        return "is a link that leaves the folder"
    return "" if stat.S_ISREG(mode) else "is a link to a folder, or no plain file"
