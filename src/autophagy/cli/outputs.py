"""Writing where the user says, with a sentence if that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autophagy.core.errors import StoreError


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror or error}; choose another --out.") from None


def empty_folder(out: Path) -> None:
    """Makes a folder; raises StoreError rather than write between other files."""
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise StoreError(f"{out} has files in it already, which are left alone; choose another --out.")
