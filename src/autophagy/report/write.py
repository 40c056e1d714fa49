"""Run folder → report.html, figures and poster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from autophagy.archive import files
from autophagy.archive.run_folder import RunFolder

from .shelf import Decode

WRITTEN = ".figures"  # beside the page: the names of the figures that its report wrote
FIGURE = re.compile(r"[0-9]{2,3}-[a-z0-9-]+\.(svg|png)")


def write(store_root: Path, run_name: str, decode: Decode | None = None) -> Path:
    """Writes STORE/runs/NAME/report.html and figures/*.svg and *.png; returns the page's path.

    `decode(arm, rows)` reads an arm's rows of tokens; without it they are only counted.
    """
    from . import figures, page, picture_figures
    from .pictures import Pictures
    from .story import Story

    story = Story.read(store_root, run_name)
    folder = RunFolder(store_root, run_name).path
    pictures = Pictures.read(store_root, story, decode)
    text = page.render(store_root, story, pictures)
    with files.writing(store_root):
        written = figures.write(story, folder / "figures")
        written += picture_figures.write(story, pictures, folder / "figures", first=len(written) // 2)
        files.replace_file(folder / "report.html", text)
        _clear(folder / "figures", written)
    return folder / "report.html"


def _clear(folder: Path, written: Sequence[Path]) -> None:
    """Removes the figures that an earlier report wrote and this one has not; nothing else."""
    names, note = {path.name for path in written}, folder.parent / WRITTEN
    earlier = note.read_text(encoding="utf-8", errors="replace").split() if note.is_file() else []
    for name in earlier:
        if FIGURE.fullmatch(name) and name not in names and (folder / name).is_file():
            (folder / name).unlink()
    files.replace_file(note, "".join(f"{name}\n" for name in sorted(names)))


def poster(store_root: Path, run_name: str, path: Path) -> None:
    """Writes a PNG that shows a run at a glance: draws by arm and generation, and a curve."""
    from . import posters
    from .story import Story

    with files.writing(path.parent):
        posters.write(store_root, Story.read(store_root, run_name), path)
