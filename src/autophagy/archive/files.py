"""Durable files: written beside, synced and renamed, so that a kill leaves the old state or the new one."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from autophagy.core.errors import StoreError
from autophagy.core.processes import writer

_WHY = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EFBIG: "the file would be larger than is allowed; raise the limit (ulimit -f)",
    errno.EIO: "the disk does not work; choose another --store",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another --store",
    errno.EACCES: "permission is denied; choose another --store or change the folder's rights",
    errno.EPERM: "permission is denied; choose another --store or change the folder's rights",
    errno.ENOTDIR: "a file stands where a folder should be; choose another --store",
    errno.ENAMETOOLONG: "the name is too long; choose another --store",
    errno.EEXIST: "a file stands where a folder should be; choose another --store",
}


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns an operating system's refusal into one sentence. What was committed before stays."""
    try:
        yield
    except Exception as error:
        why = _WHY.get(_errno(error))
        if why is None or isinstance(error, StoreError):
            raise
        raise StoreError(
            f"cannot write to {folder}: {why} and run the same command again; what was finished is kept."
        ) from error


def _errno(error: Exception) -> int:
    """The system's number of an error, which libraries in Rust (safetensors) only tell in words."""
    if isinstance(error, OSError):
        return error.errno or 0
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told.group(1)) if told else 0


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds a lock for a moment; the system lets go of it if the process dies."""
    with writing(path.parent):
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class Syncer:
    """Syncs files and folders behind the back of whoever goes on computing, until `settle` asks for the result."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None  # made when first used, so that a forked process makes its own
        self._pending: list[Future[None]] = []
        self._folders: set[Path] = set()

    def sync_at_last(self, *folders: Path) -> None:
        """Hands over folders of which names have changed; once is enough, when everything else is on its way."""
        self._folders.update(folders)

    def sync(self, *paths: Path | str) -> None:
        """One after the other, beside those of other calls."""
        self.do(sync_all, *paths)

    def do(self, work: Callable[..., None], *paths: Path | str) -> None:
        """Other work on files or folders that need not be waited for."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(4, "sync")
        self._pending.append(self._pool.submit(work, *paths))

    def sync_folders(self) -> None:
        """Begins with the folders, for all that changes names in them is done for now."""
        if self._folders:
            self.sync(*self._folders)
            self._folders.clear()

    def settle(self) -> None:
        """Waits until everything handed over is durable; raises the first OSError that kept it from being so."""
        self.sync_folders()
        pending, self._pending = self._pending, []
        for future in pending:
            future.result()


def sync_all(*paths: Path | str) -> None:
    for path in paths:
        sync(path)


def sync(path: Path | str) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # deleted in the meantime
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Makes names in a folder (creations, renames, removals) survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: Path, text: str) -> None:
    """Writes a small text file and syncs it, in place; only for names nobody reads yet."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, text: str) -> None:
    """Puts a new content under a name that others may be reading."""
    partial = path.with_name(f".{path.name}.{writer()}.partial")
    try:
        write_file(partial, text)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sha256(path: Path | str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
