"""Where a sample command works: a folder for temporary files that goes when its process does, and logs that stay."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autophagy.core.errors import DataError

from ._command_lock import NAME, is_locked

PREFIX = "autophagy-sample-"
LONGEST = 64  # characters of a model's name in that of its log


@contextmanager
def drawing() -> Iterator[tuple[Path, int]]:
    """A new folder and its lock, for a program to hold too. What killed processes left is removed first."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    handle = _locked(folder)
    try:
        yield folder, handle
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


@contextmanager
def log_of(model: str) -> Iterator[Path]:
    """A file for a program's output: the model's last log if all goes well, else one that keeps a name of its own."""
    folder, model = _logs(), model[:LONGEST]
    handle, name = tempfile.mkstemp(prefix=f"{model}-", suffix=".log", dir=folder)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    except BaseException:
        with suppress(OSError):  # the program may have removed it
            if not path.stat().st_size:
                path.unlink()
        raise
    with suppress(OSError):
        path.replace(folder / f"{model}.log")


def _logs() -> Path:
    """Ours alone, since its name can be guessed and everybody may write beside it."""
    folder = Path(tempfile.gettempdir()) / f"autophagy-logs-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _is_ours(folder):
        raise DataError(f"the folder for logs, {folder}, is a link or somebody else's; set TMPDIR to another place.")
    return folder


def _is_ours(folder: Path) -> bool:
    about = folder.lstat()
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()


def _locked(folder: Path) -> int:
    """The lock is taken before it has its name, so that whoever sweeps never finds it free too early."""
    handle = os.open(folder / f".{NAME}", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    is_locked(handle)
    (folder / f".{NAME}").rename(folder / NAME)
    return handle


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another process is faster
            if _is_ours(folder):
                _remove_unless_held(folder)


def _remove_unless_held(folder: Path) -> None:
    handle = os.open(folder / NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if is_locked(handle):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
