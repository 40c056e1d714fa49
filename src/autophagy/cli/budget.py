"""autophagy budget"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import STORE, RunName, Store

if TYPE_CHECKING:
    from autophagy.analysis.budget import Budget


def budget(
    name: RunName = None,
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

    from .stores import named

    allowed = Tolerance.parsed(tolerance)
    folder = named(store, name)
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
