"""autophagy records"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .options import STORE, RunName, Store

Format = Literal["csv", "json", "parquet"]


def records(
    name: RunName = None,
    format: Annotated[Format, typer.Option("--format", help="What kind of table; parquet needs --out.")] = "csv",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to the terminal.")] = None,
    store: Store = STORE,
) -> None:
    """Print every number of a run as a table: one row for each arm, seed, generation and score."""
    from autophagy.analysis import tables
    from autophagy.core.errors import ConfigError

    from .numbers import numbers
    from .outputs import writing_to
    from .stores import named

    found = numbers(named(store, name))
    if format == "parquet":
        if out is None:
            raise ConfigError("parquet is no text for a terminal; name a file with --out, e.g. --out records.parquet.")
        with writing_to(out):
            tables.write_parquet(tables.to_pandas(*found), out)
        return
    text = tables.to_csv(*found) if format == "csv" else tables.to_json(*found)
    if out is None:
        print(text, end="")
        return
    with writing_to(out):
        out.write_text(text, encoding="utf-8")
