"""`metadata.jsonl` and `metadata.csv`: what is said of each image, read without trusting a line of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autophagy.core.settings import shown

NAMES = ("metadata.jsonl", "metadata.csv")
COLUMNS = ("text", "caption", "label")  # looked for in this order
LARGEST_FILE = 2**28  # bytes
LONGEST_CAPTION = 1000  # characters; numpy gives every caption the room of the longest


@dataclass(frozen=True)
class Line:
    where: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Conditions:
    """What is known of n images.

    Attributes:
        column: `(n,)` int64 classes, or captions, or None where nothing is known.
        classes: what each class is called; None unless the column holds classes.
    """

    column: np.ndarray | None = None
    classes: Mapping[int, str] | None = None

    def take(self, rows: np.ndarray) -> Conditions:
        if self.column is None:
            return self
        column = self.column[rows]
        column.setflags(write=False)
        return Conditions(column, self.classes)


def read(root: Path, name: str, problems: list[str]) -> list[Line]:
    """The lines of one metadata file; what cannot be read is added to `problems`."""
    path = root / name
    if path.stat().st_size > LARGEST_FILE:
        problems.append(f"{shown(name)} is larger than {LARGEST_FILE // 2**20} MiB")
        return []
    found: list[Line] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found.extend(
                _json_lines(name, file, problems) if name.endswith(".jsonl") else _csv_lines(name, file, problems)
            )
    except (ValueError, csv.Error) as error:
        problems.append(f"{shown(name)} cannot be read ({shown(str(error))})")
    return found


def column_of(lines: Sequence[Line]) -> str | None:
    """The first of `text`, `caption` and `label` that any line has."""
    return next((c for c in COLUMNS if any(c in line.facts for line in lines)), None)


def conditions(lines: Sequence[Line], column: str, problems: list[str], *, is_class: bool) -> Conditions:
    """What a column says of every line: whole numbers are classes; texts too if `is_class`, else they are captions."""
    found: list[Any] = [line.facts.get(column) for line in lines]
    if is_class and all(isinstance(v, str) and v.isdecimal() and len(v) < 10 for v in found):
        found = [int(v) for v in found]  # a CSV file cannot tell 3 from "3"
    is_number = bool(found) and type(found[0]) is int
    complaints = [_complaint(v, is_number) for v in found]
    for line, value, complaint in zip(lines, found, complaints, strict=True):
        if complaint:
            problems.append(f"{line.where} {complaint} as '{column}', but has {shown(value)}")
    if any(complaints) or not found:
        return Conditions()
    if is_number:
        return Conditions(np.array(found, np.int64), {label: str(label) for label in sorted(set(found))})
    return named(found) if is_class else Conditions(np.array(found, np.str_))


def named(classes: Sequence[str]) -> Conditions:
    """Numbers classes by the order of their names."""
    names, labels = np.unique(np.array(classes, np.str_), return_inverse=True)
    return Conditions(labels.astype(np.int64), dict(enumerate(names.tolist())))


def _complaint(value: Any, is_number: bool) -> str | None:
    """What a line needs and lacks."""
    if is_number:
        return None if type(value) is int and 0 <= value < 2**31 else "needs a whole number from 0"
    if not isinstance(value, str) or not is_text(value):
        return "needs a text"
    return None if len(value) <= LONGEST_CAPTION else f"needs a text of at most {LONGEST_CAPTION} characters"


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON and file systems can hold halves of characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_lines(name: str, file: Iterable[str], problems: list[str]) -> Iterator[Line]:
    for number, text in enumerate(file, 1):
        where = f"{shown(name)} line {number}"
        try:
            facts = json.loads(text) if text.strip() else {}
        except (ValueError, RecursionError):
            facts = None
        if not isinstance(facts, dict):
            problems.append(f"{where} is not a JSON object")
        elif facts:
            yield Line(where, facts)


def _csv_lines(name: str, file: Iterable[str], problems: list[str]) -> Iterator[Line]:
    rows = csv.DictReader(file, strict=True)
    columns = rows.fieldnames or ()
    problems += [f"{shown(name)} has the column {shown(c)} twice" for c in sorted(set(columns)) if columns.count(c) > 1]
    for facts in rows:
        where = f"{shown(name)} line {rows.line_num}"
        if None in facts:  # what no column is there for
            problems.append(f"{where} has more values than there are columns; quote those that hold a comma")
        else:
            yield Line(where, facts)
