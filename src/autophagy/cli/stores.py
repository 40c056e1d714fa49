"""Finding a store and a run in it, with a sentence for whoever named another one."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from autophagy.archive.disk import DiskStore, names, refused
from autophagy.archive.run_folder import RunFolder, runs
from autophagy.core.errors import StoreError, listed, nearest
from autophagy.core.settings import shown
from autophagy.experiment.config import check_name


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


def named(root: Path, name: str | None) -> RunFolder:
    """The run of that name, or the one begun last; raises StoreError, or ConfigError for a name that cannot be one."""
    opened(root)
    names(root / "runs")  # raises where nobody may look, of which `runs` would make an empty list
    known = runs(root)
    if name is None:
        if not known:
            where = quote(str(root))
            raise StoreError(f"there is no run in {root} yet; begin one with: autophagy run FILE --store {where}")
        name = max(known, key=lambda run: (root / "runs" / run / "run.json").stat().st_mtime)
    check_name("run", name)  # a name with slashes would lead out of the store
    if name not in known:
        raise StoreError(f"there is no run '{name}' in {root}.{nearest(name, known)} There are: {listed(known)}.")
    return RunFolder(root, name)
