"""Writing the table of attributes that source `faces` reads: one line for each image, however often it is stopped."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from autophagy.core.errors import DataError
from autophagy.core.settings import shown
from autophagy.images.look import Picture
from autophagy.sources import _listing

HEAD = ("file_name", "gender", "race", "age")
MAX_PIXELS = 50_000_000


@dataclass(frozen=True)
class Attributes:
    """What a classifier says of one face: "man" or "woman", its own word for the race, years."""

    gender: str
    race: str
    age: float


Ask = Callable[[np.ndarray], Attributes | None]  # (h, w, 3) uint8 RGB → the largest face's; None where there is no face


@dataclass
class Asked:
    """What has become of a folder's images."""

    written: int = 0  # lines of this call
    known: int = 0  # images that had a line already
    faceless: list[str] = field(default_factory=list)  # a line without attributes, so that they are not asked again
    unreadable: list[str] = field(default_factory=list)  # no line


def write_table(folder: Path, out: Path, ask: Ask, progress: Callable[[int, int], None] | None = None) -> Asked:
    """Appends a line for every image of `folder` that has none in `out`. Raises DataError for what stops it.

    Every line is written at once, so that a stopped call loses the image under way.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {shown(str(folder), 120)}; give one that holds images of faces.")
    walk = _listing.walked(folder)
    if not walk.images:
        raise DataError(f"folder {shown(str(folder), 120)} holds no PNG, JPEG, WebP or BMP file; give one that does.")
    known = _known(out)
    left = sorted(walk.images - known)
    found = Asked(known=len(walk.images & known), unreadable=list(walk.problems))
    with out.open("a", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        if not out.stat().st_size:
            table.writerow(HEAD)
        for number, (name, line) in enumerate(_lines(folder, left, ask, found), 1):
            table.writerow((name, *line))
            file.flush()
            if progress:
                progress(number, len(left))
    return found


def _lines(folder: Path, names: list[str], ask: Ask, found: Asked) -> Iterator[tuple[str, tuple[str, str, str]]]:
    from autophagy.images.reading import Unusable, upright

    for name in names:
        try:
            pixels = np.asarray(upright(Picture(name, folder / name), "RGB", MAX_PIXELS))
        except Unusable as problem:
            found.unreadable.append(f"{shown(name, 120)} {problem}")
            continue
        said = _asked(name, pixels, ask)
        if said is None:
            found.faceless.append(shown(name, 120))
        found.written += 1
        yield name, ("", "", "") if said is None else (said.gender, said.race, f"{said.age:g}")


def _asked(name: str, pixels: np.ndarray, ask: Ask) -> Attributes | None:
    try:
        return ask(pixels)
    except DataError:
        raise
    except Exception as error:  # another package's, and the next image's too: a download that failed, a full memory
        raise DataError(
            f"{shown(name, 120)} could not be classified: {type(error).__name__}: {shown(str(error), 200)}; what was "
            "classified before is kept, so the same command goes on."
        ) from error


def _known(out: Path) -> set[str]:
    """The names that a table has; a line that a kill cut off is taken away first."""
    if not out.exists():
        return set()
    content = out.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(out, len(whole))
    try:
        rows = csv.DictReader(whole.decode("utf-8-sig").splitlines(), strict=True)
        heading = tuple(rows.fieldnames or HEAD)
        names = {str(row.get(HEAD[0])) for row in rows}
    except (ValueError, csv.Error) as error:
        raise DataError(f"{out} cannot be read as a table ({shown(str(error))}); choose another --out.") from None
    if heading != HEAD:
        raise DataError(f"{out} has the columns {', '.join(heading)}, not {', '.join(HEAD)}; choose another --out.")
    return names
