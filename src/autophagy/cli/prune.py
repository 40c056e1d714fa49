"""autophagy prune"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import STORE, Store

Delete = Annotated[bool, typer.Option("--delete", help="Delete it; without this, it is only counted.")]


def prune(store: Store = STORE, delete: Delete = False) -> None:
    """Find what no run in the store keeps: artefacts of deleted runs, and of settings that were changed since.

    To be rid of a run, delete its folder in runs/ first. What several runs share stays as long as one of them is there.
    """
    from autophagy.archive.disk import names
    from autophagy.archive.run_folder import kept
    from autophagy.archive.store import remove_tree
    from autophagy.experiment.disk import megabytes

    from .stores import opened
    from .terminal import count, say

    found = opened(store)
    with kept(found.root) as keys:  # no run begins meanwhile, and of those at work everything is kept
        unkept = set(found.keys()) - keys
        places = {key: place for key in unkept if (place := found.place(key))}
        work = (found.root / "work" / name for name in names(found.root / "work") if name not in keys)
        begun = [folder for folder in work if folder.is_dir() and not folder.is_symlink()]
        size = sum(map(_size, (*places.values(), *begun)))
        for key in places if delete else ():
            found.delete(key)
        for folder in begun if delete else ():
            remove_tree(folder)
        if delete:
            found.sweep()
        found.settle()
    counted = {"artefact": len(places), "unfinished fit": len(begun)}
    what = " and ".join(count(n, name) for name, n in counted.items() if n) + f" ({megabytes(size)})"
    if not any(counted.values()):
        say(f"every artefact in {found.root} is kept by a run.")
    elif delete:
        say(f"deleted, since no run kept it: {what}.")
    else:
        say(f"kept by no run: {what}; autophagy prune --delete removes that.")


def _size(place: Path) -> int:
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(file.lstat().st_size for file in files if not file.is_dir())
