"""Durable files: written beside, synced and renamed, so that a kill leaves the old state or the new one."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autophagy.core.errors import StoreError

_WHY = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EFBIG: "the file would be larger than is allowed; raise the limit (ulimit -f)",
    errno.EIO: "the disk does not work; choose another --store",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another --store",
    errno.EACCES: "permission is denied; choose another --store or change the folder's rights",
    errno.EPERM: "permission is denied; choose another --store or change the folder's rights",
    errno.ENOTDIR: "a file stands where a folder should be; choose another --store",
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


def seal(path: Path) -> tuple[int, str]:
    """Syncs a file that is written; returns its size in bytes and its sha256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


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
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write_file(partial, text)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
