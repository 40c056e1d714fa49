"""Your own texts: a file, or a folder of files, of plain text, JSON Lines or Parquet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from autophagy.core.catalog import register
from autophagy.core.errors import DataError, refuse
from autophagy.core.identity import PLACE
from autophagy.core.settings import Fraction, shown
from autophagy.sources import _listing, _text_splits
from autophagy.sources._metadata import is_text
from autophagy.sources._texts import SPLITS, Corpus, TextSource, TokenRows
from autophagy.text.documents import READERS, Document, Unreadable, read


@register("text-file")
@dataclass(frozen=True)
class TextFile(TextSource):
    """Texts of yours in UTF-8: `.txt` (a document each), `.jsonl` and `.parquet` (a document a row).

    Splits are the files in folders, or with names, that begin with `train` and `test` (or `validation`) where there are
    both; else documents are held out by a hash of their names (file, and line or row), so that adding one moves no
    other, and of a lone document stretches of passages, spread evenly. Every file is read whole, and again when one
    changes; where it lies is in no key.

    Attributes:
        path: the file or folder.
        column: where texts are in `.jsonl` and `.parquet`.
        heldout: the share held out where names say no splits, 0–1.
    """

    path: str = field(kw_only=False, metadata={PLACE: True})
    column: str = "text"
    heldout: Fraction = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        _text_splits.check_share(self.heldout)

    def corpus(self) -> Corpus:
        root = self._root()
        seen = _listing.stamp(root) if root.is_dir() else hash(_state(root))
        return _read(self.name, root, self.path, self.column, self.heldout, seen)

    def place(self) -> str:
        return shown(self.path, 120)

    def _root(self) -> Path:
        try:
            root = Path(self.path).expanduser()
            if root.is_dir() or root.is_file():
                return root
        except (OSError, RuntimeError, ValueError):  # a name that no file can have, or nobody's home
            pass
        raise DataError(f"{self.who}: there is no file or folder {self.place()}; name one that holds texts.")


class TextFileRows(TokenRows, TextFile):
    """The same as rows of tokens."""


@lru_cache(maxsize=4)
def _read(source: str, root: Path, told: str, column: str, heldout: float, seen: int) -> Corpus:
    """All documents of a file or folder; `seen` changes when a file there does."""
    who, where = f"source '{source}'", f"source '{source}': {shown(told, 120)}"
    problems: list[str] = []
    paths = dict(_files(root, problems))
    if not paths and not problems:
        kinds = (
            f"no {', '.join(READERS)} file" if root.is_dir() else f"a name that ends in none of {', '.join(READERS)}"
        )
        raise DataError(f"{where} has {kinds}; put texts there in one of these formats.")
    splits = _text_splits.by_name([*paths])
    found: dict[str, list[Document]] = {}
    hasher = hashlib.sha256(column.encode())
    for name, path in paths.items():
        if splits is not None and name not in splits:
            problems.append(f"{shown(name)} lies in neither split, train or test; move it into one")
            continue
        try:
            found[name] = read(who, path, "" if path == root else name, column)
            known_by = name if root.is_dir() else path.suffix.lower()  # which says how its bytes are read
            hasher.update(f"{known_by}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        except Unreadable as problem:
            problems.append(f"{shown(name)} {problem}")
    refuse(where, problems)
    digest = hasher.hexdigest()[:32]
    if splits is None:
        return _text_splits.by_hash([document for each in found.values() for document in each], heldout, digest)
    of_split = ([d for name, each in found.items() if splits[name] == held for d in each] for held in (False, True))
    return Corpus(dict(zip(SPLITS, map(tuple, of_split), strict=True)), digest)


def _files(root: Path, problems: list[str]) -> Iterator[tuple[str, Path]]:
    """The files to read, in the order of their names; hidden ones and links that leave are not among them."""
    if root.is_file():
        if root.suffix.lower() in READERS:
            yield root.name, root
        return
    inside, found = os.path.join(os.path.realpath(root), ""), []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in sorted(folders) if not name.startswith(".")]
        links = (path for name in folders if (path := Path(folder, name)).is_symlink())
        problems += [f"{shown(p.relative_to(root).as_posix())} is a link to a folder; copy the folder" for p in links]
        found += [Path(folder) / f for f in files if not f.startswith(".") and Path(f).suffix.lower() in READERS]
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in found):
        if not os.path.realpath(path).startswith(inside):
            problems.append(f"{shown(name)} is a link that leaves the folder; copy the file instead")
        elif not path.is_file() or not is_text(name):
            problems.append(f"{shown(name)} is not a file, or has a name that is not UTF-8; rename or remove it")
        else:
            yield name, path


def _state(path: Path) -> tuple[str, int, int, int]:
    about = path.stat()
    return str(path), about.st_size, about.st_mtime_ns, about.st_ctime_ns
