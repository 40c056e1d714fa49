"""Finding a store and a run in it, with a sentence for whoever named another one."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from shlex import quote

from autophagy.archive.disk import DiskStore, names, refused
from autophagy.archive.run_folder import RunFolder, runs
from autophagy.core.errors import ConfigError, StoreError, listed, nearest
from autophagy.core.settings import shown
from autophagy.core.text import clean
from autophagy.experiment.config import check_name
from autophagy.experiment.read import digest, recipes

from .options import STORE
from .terminal import count


def opened(root: Path) -> DiskStore:
    """The store in a folder; raises StoreError if there is none, or none that can be read."""
    try:
        is_store = any((root / inner).is_dir() for inner in ("artefacts", "runs"))
        what = "has no store in it" if root.is_dir() else "is a file" if root.exists() else "does not exist"
    except OSError as error:  # nobody may look there, or no name is that long
        raise refused(root, error) from None
    if not is_store:
        raise StoreError(
            f"{shown(str(root), 200)} {what}; name the folder of your runs with --store, or make one: autophagy demo"
        )
    return DiskStore(root)


def named(root: Path, told: str | None) -> RunFolder:
    """The run of that name, file, recipe or folder, or the one begun last; says so if a file is not what was run.

    Raises StoreError, or ConfigError for a name that cannot be one.
    """
    opened(root)
    names(root / "runs")  # raises where nobody may look, of which `runs` would make an empty list
    known = runs(root)
    name = None if told is None else _name(root, told)
    if name is None:
        if not known:
            where = quote(str(root))
            raise StoreError(f"there is no run in {root} yet; begin one with: autophagy run FILE --store {where}")
        name = max(known, key=lambda run: (root / "runs" / run / "run.json").stat().st_mtime)
    check_name("run", name)  # a name with slashes would lead out of the store
    if name not in known:
        if told is not None and (Path(told).is_file() or told in recipes()):
            where = "" if root == STORE else f" --store {quote(str(root))}"
            way = f"run it first: autophagy run {quote(told)}{where}"
            raise StoreError(f"'{name}' has not been run in {root} yet; {way}")
        raise StoreError(f"there is no run '{name}' in {root}.{nearest(name, known)} There are: {listed(known)}.")
    folder = RunFolder(root, name)
    if told is not None and told.endswith(".toml"):
        _compare(folder, Path(told))
    with suppress(OSError):
        if unread := folder.unread():
            _note(
                f"{count(unread, 'line')} of {folder.path / 'records.jsonl'} cannot be read and "
                f"{'is' if unread == 1 else 'are'} left out; run it again to write that file anew"
            )
    return folder


def _name(root: Path, told: str) -> str:
    path = Path(told)
    is_folder = path.absolute().parent == (root / "runs").absolute() and (path / "run.json").is_file()
    return path.name if is_folder else path.stem if told.endswith(".toml") else told


def _compare(folder: RunFolder, file: Path) -> None:
    """Of two files with one name, or of one that was edited, the numbers are those of what was run last."""
    with suppress(StoreError, OSError, ConfigError):
        if (was := folder.notes().recipe) and was != digest(file):
            _note(f"{file} is not what run '{folder.name}' was made from; running it brings that run up to date")


def _note(told: str) -> None:
    print(f"note: {clean(told)}.", file=sys.stderr)
