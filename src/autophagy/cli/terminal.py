"""Talking to a terminal, or to a file. Text from outside is cleaned and never read as markup."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autophagy.core.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

WIDE = 200  # columns, where nobody's window limits a line


def say(line: str = "") -> None:
    """Prints one line as it is, however long: paths must survive being copied."""
    print(clean(line))


def console() -> Console:
    from rich.console import Console

    found = Console(markup=False, highlight=False, emoji=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found.width = WIDE
    return found


def show(renderable: RenderableType) -> None:
    console().print(renderable)


def write(line: Text) -> None:
    """Prints one styled line; only the window breaks it."""
    console().print(line, soft_wrap=True)


def cell(text: object, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(str(text)), style=style)


def table(headings: Sequence[str], *, numbers: Sequence[str] = ()) -> Table:
    """An empty table without frames; the columns in `numbers` are set flush right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        made.add_column(cell(heading), justify="right" if heading in numbers else "left")
    return made


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    rest, parts = round(seconds), []
    for unit, size in units:
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2])


def count(n: int, what: str) -> str:
    """ "1 turn", "1,200 turns"."""
    return f"{n:,} {what}" + ("" if n == 1 else "s")
