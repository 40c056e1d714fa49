"""autophagy faces"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

SHOWN = 20  # names of images that a list gives


def faces(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Images of faces, at any depth.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The table; attributes.csv in the folder if left out."),
    ] = None,
) -> None:
    """Write the table of gender, race and age that source `faces` reads, by DeepFace. Goes on where it was stopped."""
    from autophagy.sources._deepface import deepface
    from autophagy.sources._face_table import write_table

    from .outputs import writing_to
    from .terminal import count, say

    ask, table = deepface(), out or folder / "attributes.csv"
    with writing_to(table):
        found = write_table(folder, table, ask, _tell if sys.stderr.isatty() else None)
    say(f"{table}: {count(found.written, 'image')} classified, {found.known:,} known before.")
    _list(f"{count(len(found.faceless), 'image')} without a face, left out by source 'faces'", found.faceless)
    _list(f"{count(len(found.unreadable), 'image')} not read, which have no line", found.unreadable)


def _tell(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} images", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _list(what: str, names: Sequence[str]) -> None:
    from .terminal import say

    if names:
        rest = f"; and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        say(f"{what}: {'; '.join(names[:SHOWN])}{rest}")
