"""Run folder → report.html, figures and poster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from autophagy.archive import files
from autophagy.archive.run_folder import RunFolder

from .shelf import Decode

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
    """Removes the figures of an earlier report that this one has not; nothing else in the folder is a report's."""
    for path in folder.iterdir():
        if FIGURE.fullmatch(path.name) and path not in written and path.is_file():
            path.unlink()


def poster(store_root: Path, run_name: str, path: Path) -> None:
    """Writes a PNG that shows a run at a glance: draws by arm and generation, and a curve."""
    from . import posters
    from .story import Story

    with files.writing(path.parent):
        posters.write(store_root, Story.read(store_root, run_name), path)
