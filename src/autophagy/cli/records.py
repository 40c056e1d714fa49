"""autophagy records"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import STORE, Store

if TYPE_CHECKING:
    from autophagy.archive.run_folder import RunFolder

Format = Literal["csv", "json", "parquet"]


def records(
    run: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A run, or the file or recipe it was made from.")],
    format: Annotated[Format, typer.Option("--format", help="What kind of table; parquet needs --out.")] = "csv",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to the terminal.")] = None,
    store: Store = STORE,
) -> None:
    """Print every number of a run as a table: one row for each arm, seed, generation and score."""
    from autophagy.analysis import tables
    from autophagy.core.errors import ConfigError

    from .numbers import numbers
    from .outputs import writing_to

    found = numbers(folder_of(store, run))
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


def folder_of(store: Path, run: str) -> RunFolder:
    """The run of that name, or of that file's name."""
    from .stores import named

    return named(store, Path(run).stem if run.endswith(".toml") else run)
