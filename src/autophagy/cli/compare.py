"""autophagy compare"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import STORE, RunName, Store

if TYPE_CHECKING:
    from autophagy.analysis.differences import Difference
    from autophagy.archive.run_folder import RunFolder

Format = Literal["table", "csv", "json", "parquet"]
Intervals = Literal["t", "bootstrap"]


def compare(
    against: Annotated[str, typer.Option("--against", metavar="ARM", help="The arm that the others are held against.")],
    name: RunName = None,
    intervals: Annotated[
        Intervals, typer.Option("--intervals", help="Over lineages: Student's t, or the studentised bootstrap.")
    ] = "t",
    format: Annotated[
        Format, typer.Option("--format", help="table: the last generation; csv, json, parquet: every generation.")
    ] = "table",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to the terminal.")] = None,
    store: Store = STORE,
) -> None:
    """Hold every arm against a reference arm, seed by seed: differences with intervals over lineages."""
    from autophagy.analysis.differences import differences
    from autophagy.core.errors import ConfigError

    from .numbers import numbers
    from .stores import named

    if format == "parquet" and out is None:
        raise ConfigError("parquet is no text for a terminal; name a file with --out, e.g. --out differences.parquet.")
    if format == "table" and out is not None:
        raise ConfigError("a table is for a terminal; say --format csv, json or parquet with --out.")
    folder = named(store, name)
    records, measures = numbers(folder)
    _check_far_enough(folder, {record.arm for record in records}, against)
    found = differences(records, measures, against, method=intervals)
    if not any(len(difference.curve.generations) for difference in found):
        _check_done(folder)
    if format == "table":
        _show(found, against, intervals, len(folder.notes().seeds))
    else:
        _write(found, format, out)


def _check_far_enough(folder: RunFolder, arms: set[str], against: str) -> None:
    """A run at work or killed may have too little yet: that is no reason to say that nothing can be compared."""
    from autophagy.core.errors import StoreError
    from autophagy.experiment.status import read

    is_begun = (folder.path / "measures.json").exists()
    if is_begun and arms > {against}:
        return
    status = read(folder)
    planned = {lineage.arm for lineage in status.lineages}
    if is_begun and (not status.left or against not in planned or planned == {against}):
        return  # more turns would change nothing
    if not status.left:
        raise StoreError(
            f"run '{folder.name}' is done, but its measures.json, which says what scores stand on, is gone; the "
            "command that ran it writes it again."
        )
    _check_done(folder)


def _check_done(folder: RunFolder) -> None:
    """Raises StoreError where what cannot be compared yet may still come."""
    from autophagy.core.errors import StoreError
    from autophagy.experiment.status import read

    status = read(folder)
    if status.left:
        raise StoreError(
            f"run '{folder.name}' is not finished ({status.finished:,} of {status.turns:,} turns), and nothing can be "
            "compared before the first turns of its arms are; run it on with the command that began it, or watch it: "
            "autophagy status --watch"
        )


def _show(found: list[Difference], against: str, intervals: Intervals, seeds: int) -> None:
    from autophagy.analysis import words
    from autophagy.analysis.trajectories import FEWEST

    from .terminal import cell, say, show, table

    primary = [d for d in found if d.is_primary and len(d.curve.generations)]
    if not primary:
        say(f"no other arm shares a score with a direction with '{against}'.")
        return
    made = table(("arm", "score", "generation", f"difference from {against}", "p (Holm)", "pairs", "would show"))
    for d in primary:
        generation = int(d.curve.generations[-1])
        last = d.curve.at(generation)
        p, shown = words.p_value(d.p_holm).removeprefix("= "), words.visible(d.detectable)
        texts = (d.arm, words.axis_name(d.score), generation, words.spread(last, signed=True), p, last.n, shown)
        made.add_row(*map(cell, texts))
    show(made)
    fewest = FEWEST[intervals]
    needs = f", which needs {fewest} pairs" if any(d.curve.n[-1] < fewest for d in primary) else ""
    say(f"Differences are taken within seeds; in brackets the {words.KINDS[intervals]}{needs}.")
    paired: dict[str, int] = {}
    for d in primary:
        paired[d.arm] = min(int(d.curve.n[-1]), paired.get(d.arm, seeds))
    missing = [f"{seeds - n} for '{arm}'" for arm, n in paired.items() if n < seeds]
    if missing:
        why = "a lineage failed, diverged, has no finite value or has not come so far"
        say(f"Of {seeds} seeds some make no pair, since {why}: {', '.join(missing)}.")
    say("would show: the smallest difference that so many pairs find 8 times in 10, and as a share of the reference.")


def _write(found: list[Difference], format: Format, out: Path | None) -> None:
    from autophagy.analysis import tables

    from .outputs import writing_to

    rows, columns = tables.difference_rows(found), tables.DIFFERENCE_COLUMNS
    if out is None:
        print(tables.csv_text(rows, columns) if format == "csv" else tables.json_text(rows), end="")
        return
    with writing_to(out):
        if format == "parquet":
            tables.write_parquet(tables.framed(rows, columns), out)
        else:
            text = tables.csv_text(rows, columns) if format == "csv" else tables.json_text(rows)
            out.write_text(text, encoding="utf-8")
