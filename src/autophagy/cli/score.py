"""autophagy score"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from autophagy.scoring.scores import Scores, Side

SHOWN = 20  # of what was left out


def score(
    real: Annotated[str, typer.Argument(metavar="REAL", help="A folder of images, or a file; see above.")],
    fake: Annotated[str, typer.Argument(metavar="FAKE", help="The samples to be judged, likewise.")],
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="NAME,…", help="Which metrics; all that can be had of features if left out."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="NAME", help="What makes features of images (lenet if left out)."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.SETTING=VALUE", help="A setting of a metric or the encoder; repeatable."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="PIXELS", help="Cut images to their central square of this size.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="At most so many of each side.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the halves of REAL and the blocks for intervals.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a side with anything that cannot be used.")] = False,
    intervals: Annotated[
        bool, typer.Option("--intervals/--no-intervals", help="Without: no jackknife, an eleventh of the work.")
    ] = True,
    save_features: Annotated[
        Path | None,
        typer.Option("--save-features", metavar="DIR", help="Keep features there, to be compared again later."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print strict JSON, with every number and setting.")] = False,
) -> None:
    """Hold two sets against each other: FID and every other metric, with intervals, floors and warnings.

    Each side is a folder of images (any depth), features as .npy or .npz (n, d), a features file that --save-features
    wrote, uint8 images as .npy or .npz, or statistics as pytorch-fid saves them (.npz with mu and sigma).
    """
    from autophagy.scoring.score import score as scored

    wanted, chosen = _recipes(metrics, encoder, changes or ())
    with _watching() as watch:
        found = scored(
            real,
            fake,
            metrics=wanted,
            encoder=chosen,
            size=size,
            limit=limit,
            seed=seed,
            strict=strict,
            intervals=intervals,
            save_features=save_features,
            watch=watch,
        )
    if as_json:
        print(found.to_json(), end="")
    else:
        _show(found)


def _recipes(
    metrics: str | None, encoder: str | None, changes: Sequence[str]
) -> tuple[list[dict[str, Any]] | None, dict[str, Any] | None]:
    """What was asked for, as tables; each change goes to the metric or encoder it names."""
    from autophagy.core.errors import ConfigError, listed

    from .parts import parsed

    names = None if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]
    tables: dict[str, dict[str, Any]] = {name: {"use": name} for name in names or ()}
    if encoder is not None:
        tables[encoder] = {"use": encoder}
    for change in changes:
        place, value = parsed(change)
        name, _, setting = place.partition(".")
        if name not in tables or not setting:
            raise ConfigError(
                f"--set {change}: settings are NAME.SETTING=VALUE of a metric or encoder that is named on the command "
                f"line; named are: {listed(tables)}."
            )
        tables[name][setting] = value
    chosen = None if encoder is None else tables[encoder]
    return None if names is None else [tables[name] for name in dict.fromkeys(names)], chosen


@contextmanager
def _watching() -> Iterator[Callable[[str, int, int], None]]:
    """Progress on stderr, where that is a terminal; output that is piped stays clean."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from autophagy.core.text import clean

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def watch(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(clean(what), total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield watch


def _show(found: Scores) -> None:
    """The two sides, a table of the numbers to judge by, and what speaks against them."""
    from autophagy.scoring.scores import HEADS, cells

    from .terminal import cell, say, show, table, write

    for name, side in (("real", found.real), ("fake", found.fake)):
        say(f"{name}: {side.label}, {side.told()}")
    say(found.encoder)
    say()
    rows = table(HEADS, numbers=HEADS[3:6])
    for score in found.scores:
        if score.is_main:
            rows.add_row(*map(cell, cells(score)))
    show(rows)
    say()
    for line in found.notes():
        say(line)
    for text in found.warnings:
        write(cell("! ", "yellow").append_text(cell(text)))
    for side in (found.real, found.fake):
        _show_left_out(side)
    absences = found.absences()
    for line in ["", "not measured:", *(f"  {line}" for line in absences)] if absences else []:
        say(line)


def _show_left_out(side: Side) -> None:
    from .terminal import say

    for reason in side.left_out[:SHOWN]:
        say(f"  left out of {side.label}: {reason}")
    if len(side.left_out) > SHOWN:
        say(f"  … and {len(side.left_out) - SHOWN:,} more (--json names them all)")
