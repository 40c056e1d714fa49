"""autophagy budget"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import STORE, Store

if TYPE_CHECKING:
    from autophagy.analysis.budget import Budget
    from autophagy.archive.run_folder import RunFolder


def budget(
    experiment: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="A run, or the file or recipe it was made from.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="SCORE", help="What counts as a loss; the primary distance.")
    ] = None,
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="LOSS", help="5% of the real-only value, or 0.3 in the score's units.")
    ] = "5%",
    generation: Annotated[
        int | None, typer.Option("--generation", metavar="G", min=1, help="The last one if left out.")
    ] = None,
    last: Annotated[
        int, typer.Option("--last", metavar="K", min=1, help="Judge the mean of so many generations up to that one.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print strict JSON and draw nothing.")] = False,
    store: Store = STORE,
) -> None:
    """Say how much synthetic data a model can live on, from a finished run. Runs nothing.

    Holds arms that train on a share of synthetic data against the real-only arm, seed by seed: the largest share that
    costs less than the tolerance, and, with a learning curve of real-only founders, what each share is worth in real
    data. Draws both as figures/budget.svg and .png in the run's folder.
    """
    from autophagy.analysis.budget import Tolerance
    from autophagy.report.budget import read, write_figures

    allowed = Tolerance.parsed(tolerance)
    folder = _folder(store, experiment)
    found = read(folder, tolerance=allowed, score=metric, generation=generation, last=last)
    if as_json:
        import json

        from autophagy.analysis.budget_json import plain

        print(json.dumps({"run": folder.name, "budgets": [plain(each) for each in found]}, indent=1, allow_nan=False))
        return
    from .terminal import say

    for each in found:
        _tell(each)
    for path in write_figures(found, folder.path / "figures"):
        say(f"figure: {path}")


def _folder(store: Path, experiment: str | None) -> RunFolder:
    """The run of that name, or of that file's name; says which command would make it."""
    from autophagy.core.errors import StoreError
    from autophagy.experiment.read import recipes

    from .stores import named

    if experiment is None:
        return named(store, None)
    name = Path(experiment).stem if experiment.endswith(".toml") else experiment
    try:
        return named(store, name)
    except StoreError:
        if not Path(experiment).is_file() and experiment not in recipes():
            raise
        where = "" if store == STORE else f" --store {shlex.quote(str(store))}"
        raise StoreError(
            f"'{name}' has not been run in {store} yet; run it first: autophagy run {shlex.quote(experiment)}{where}"
        ) from None


def _tell(budget: Budget) -> None:
    from autophagy.analysis import budget_words
    from autophagy.report.budget import HEADINGS, rows

    from .terminal import cell, say, show, table

    say(budget_words.sentence(budget))
    for line in budget_words.additions(budget):
        say(line)
    say()
    told = table(HEADINGS, numbers=HEADINGS[1:])
    for row in rows(budget):
        told.add_row(*map(cell, row))
    show(told)
    say()
    for line in budget_words.caveats(budget):
        say(line)
