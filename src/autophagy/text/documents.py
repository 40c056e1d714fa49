"""Documents out of files: plain text, JSON Lines and Parquet, read whole or refused with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autophagy.core.errors import MissingPackage
from autophagy.core.settings import shown

_HALF = re.compile("[\ud800-\udfff]")  # of a character; JSON can hold it, UTF-8 cannot
_END = re.compile(r"\r\n?")


@dataclass(frozen=True)
class Document:
    """A text and the name that its place in a split depends on."""

    name: str
    text: str


class Unreadable(Exception):
    """Says what is wrong with a file, as part of a sentence that begins with its name."""


def read(who: str, path: Path, name: str, column: str) -> list[Document]:
    """The documents of a file: one of a `.txt`, one of each row of a `.jsonl` or `.parquet`.

    `name` begins the documents' names. Raises Unreadable, or MissingPackage where `who` needs pyarrow.
    """
    try:
        return READERS[path.suffix.lower()](who, path, name, column)
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror or shown(str(error))})") from None


def told(texts: Iterable[Any], column: str, what: str) -> list[str]:
    """The cells of a text column, line ends made plain. Raises Unreadable that counts those that are no texts."""
    found = list(texts)
    faults = [(i, fault) for i, fault in enumerate(map(_fault, found), 1) if fault]
    if faults:
        (first, fault), more = faults[0], len(faults) - 1
        others = f", as {more:,} more have" if more else ""
        raise Unreadable(f"{what} {first} has {fault} in the column {shown(column)}{others}")
    return [_END.sub("\n", text) for text in found]


def _plain(who: str, path: Path, name: str, column: str) -> list[Document]:
    text = _decoded(path)
    if not text.strip():
        raise Unreadable("is empty")
    return [Document(name, _END.sub("\n", text))]


def _json_lines(who: str, path: Path, name: str, column: str) -> list[Document]:
    lines = [(i, line) for i, line in enumerate(_decoded(path).split("\n"), 1) if line.strip()]
    rows = [_row(i, line) for i, line in lines]
    if not rows:
        raise Unreadable("is empty")
    if not any(column in row for row in rows):
        raise Unreadable(f"has no column {shown(column)}; it has: {', '.join(map(shown, rows[0])) or 'none'}")
    cells = told((row.get(column) for row in rows), column, "line")
    return [Document(f"{name} line {i}".strip(), cell) for (i, _), cell in zip(lines, cells, strict=True)]


def _row(number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise Unreadable(f"has a line {number} that is no JSON object")
    return row


def _parquet(who: str, path: Path, name: str, column: str) -> list[Document]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_schema, read_table
    except ImportError:
        raise MissingPackage(who, "pyarrow", "parquet") from None
    try:
        known: Sequence[str] = read_schema(path).names
        if column not in known:
            raise Unreadable(f"has no column {shown(column)}; it has: {', '.join(map(shown, known)) or 'none'}")
        cells = told(read_table(path, columns=[column])[column].to_pylist(), column, "row")
    except ArrowException as error:
        raise Unreadable(f"is no Parquet file ({shown(str(error), 120)})") from None
    if not cells:
        raise Unreadable("is empty")
    return [Document(f"{name} row {i}".strip(), cell) for i, cell in enumerate(cells, 1)]


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 at byte {error.start:,}; save it as UTF-8, or leave it out") from None
    if "\0" in text:
        at = content.index(b"\0")
        raise Unreadable(f"has a NUL at byte {at:,}, as binary files and UTF-16 have; save it as plain text in UTF-8")
    return text


def _fault(text: Any) -> str:
    if not isinstance(text, str):
        return "nothing" if text is None else f"{shown(text)} and no text"
    if "\0" in text:
        return "a NUL, which no text may hold,"
    return "half a character" if _HALF.search(text) else ""


READERS: Mapping[str, Callable[[str, Path, str, str], list[Document]]] = {
    ".txt": _plain,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
