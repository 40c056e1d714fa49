"""What an image folder holds, by Hugging Face's ImageFolder convention, without opening an image.

Only files found by walking the folder are ever opened, and links that leave it
are not among them; so nothing that metadata says can lead elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from autophagy.core.settings import shown
from autophagy.sources import _metadata
from autophagy.sources._metadata import Conditions

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
OTHER_FORMATS = (".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".svg", ".ico", ".ppm")
TRAIN = ("train", "training")
HELDOUT = ("test", "testing", "validation", "valid", "val", "dev", "eval")


@dataclass(frozen=True)
class Listing:
    """The images of each split, sorted by their names relative to the folder, and what is known of them."""

    names: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, Conditions]
    problems: tuple[str, ...]


@dataclass
class Walk:
    """The regular files under a folder, by name, and what is wrong with others."""

    images: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def refuse(self, name: str, why: str) -> None:
        self.refused.add(name)
        self.problems.append(f"{shown(name)} {why}")


def read(root: Path, column: str | None, heldout: float) -> Listing:
    """Lists a folder; `column` is the metadata's column to use, `heldout` the share without split folders."""
    walk = walked(root)
    problems = list(walk.problems)
    metadata = sorted(name for name in walk.others if PurePosixPath(name).name in _metadata.NAMES)
    if metadata:
        lines = _described(root, walk, metadata, problems)
        names = sorted(lines)
        known = _known([lines[name] for name in names], column, problems)
    else:
        names = sorted(walk.images)
        known = _class_folders(names, problems)
    is_heldout = held_out(names, heldout, problems)
    rows = {"train": np.flatnonzero(~is_heldout), "heldout": np.flatnonzero(is_heldout)}
    known = Conditions() if problems else known  # its length may not be that of the names
    return Listing(
        {split: tuple(names[i] for i in chosen) for split, chosen in rows.items()},
        {split: known.take(chosen) for split, chosen in rows.items()},
        tuple(problems),
    )


def stamp(root: Path) -> int:
    """Changes when a file is added, removed, resized or touched; good within one process only."""
    seen = []
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            about = os.stat(path if os.path.exists(path) else folder)  # a broken link has no size
            seen.append((path, about.st_size, about.st_mtime_ns))
    return hash(tuple(sorted(seen)))


def place(name: str) -> float:
    """A number in [0, 1) that depends on a name alone, as good as random."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def walked(root: Path) -> Walk:
    walk, inside = Walk(), os.path.join(os.path.realpath(root), "")

    def refuse(error: OSError) -> None:
        name = os.path.relpath(error.filename, root)
        if name != "lost+found":  # of a disk's own, at the root of it
            walk.refuse(name, f"cannot be read: {error.strerror}")

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        base = PurePosixPath(Path(folder).relative_to(root).as_posix())
        for name in folders:
            if os.path.islink(os.path.join(folder, name)):
                walk.refuse(str(base / name), "is a link to a folder; copy the folder instead")
        for name in sorted(f for f in files if not f.startswith(".")):
            _sort(walk, str(base / name), os.path.join(folder, name), inside)
    return walk


def _sort(walk: Walk, name: str, path: str, inside: str) -> None:
    """Puts one file where it belongs; files that are neither images nor metadata are nobody's business."""
    suffix = PurePosixPath(name).suffix.lower()
    is_plain = os.path.isfile(path) and os.path.realpath(path).startswith(inside) and _metadata.is_text(name)
    if suffix in OTHER_FORMATS:
        walk.refuse(name, "has a format that is not read here; save it as PNG, JPEG, WebP or BMP")
    elif is_plain:
        (walk.images if suffix in SUFFIXES else walk.others).add(name)
    elif suffix in SUFFIXES or PurePosixPath(name).name in _metadata.NAMES:
        walk.refuse(name, _why_not(path, inside))


def _why_not(path: str, inside: str) -> str:
    if not os.path.realpath(path).startswith(inside):
        return "is a link that leaves the folder; copy the file instead"
    return "has a name that is not UTF-8; rename it" if os.path.isfile(path) else "is not a file"


def _described(root: Path, walk: Walk, metadata: Sequence[str], problems: list[str]) -> dict[str, _metadata.Line]:
    """The images that metadata files name, with the line of each."""
    lines: dict[str, _metadata.Line] = {}
    for file in metadata:
        for line in _metadata.read(root, file, problems):
            name = file_of(line, PurePosixPath(file).parent, walk, problems)
            if name in lines:
                problems.append(f"{shown(name)} is named twice, the second time in {line.where}")
            elif name is not None:
                lines[name] = line
    problems += [f"{shown(name)} has no line in {metadata[0]}" for name in sorted(walk.images - lines.keys())]
    return lines


def file_of(line: _metadata.Line, folder: PurePosixPath, walk: Walk, problems: list[str]) -> str | None:
    """The walked file that a line names, or None after saying why there is none."""
    given = line.facts.get("file_name")
    if not isinstance(given, str) or not given:
        problems.append(f"{line.where} needs a file_name, but has {shown(given)}")
        return None
    path = PurePosixPath(given)
    if path.is_absolute() or ".." in path.parts or "\\" in given or PureWindowsPath(given).drive:
        problems.append(f"{line.where} names {shown(given)}, which may leave the folder; use a relative path with /")
        return None
    name = str(folder / path)
    if name in walk.images or name in walk.others:
        return name
    if name not in walk.refused:
        problems.append(f"{line.where} names {shown(given)}, which is not a file in the folder")
    return None


def _known(lines: Sequence[_metadata.Line], column: str | None, problems: list[str]) -> Conditions:
    chosen = column or _metadata.column_of(lines)
    if chosen is None:
        return Conditions()
    return _metadata.conditions(lines, chosen, problems, is_class=chosen == "label")


def _class_folders(names: Sequence[str], problems: list[str]) -> Conditions:
    """An image's class is the folder it lies in; a folder of loose images has none."""
    within = [PurePosixPath(name).parts[:-1] for name in names]
    if all(parts and parts[0].lower() in (*TRAIN, *HELDOUT) for parts in within):
        within = [parts[1:] for parts in within]
    if not any(within):
        return Conditions()
    loose = [name for name, parts in zip(names, within, strict=True) if not parts]
    problems += [f"{shown(name)} lies beside the class folders; move it into one" for name in loose]
    return _metadata.named([parts[-1] if parts else "" for parts in within])


def held_out(names: Sequence[str], share: float, problems: list[str]) -> np.ndarray:
    """`(n,)` bool: by split folder where there are two, else by a hash of the name, which no other image can change."""
    tops = [PurePosixPath(name).parts[0].lower() if "/" in name else "" for name in names]
    if not (set(tops) & set(TRAIN) and set(tops) & set(HELDOUT)):
        return np.array([place(name) for name in names], np.float64) < share
    stray = [name for name, top in zip(names, tops, strict=True) if top not in (*TRAIN, *HELDOUT)]
    problems += [f"{shown(name)} lies in neither split, train or test; move it into one" for name in stray]
    return np.array([top in HELDOUT for top in tops], bool)
