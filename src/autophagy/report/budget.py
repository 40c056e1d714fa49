"""The synthetic budget of a run: read from its folder, drawn beside its report, and a section of its page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autophagy.analysis import budget_words, words
from autophagy.analysis.budget import Budget, Tolerance, budgets
from autophagy.archive import files
from autophagy.archive.run_folder import RunFolder, readable
from autophagy.core.errors import ConfigError, StoreError

from .budget_figure import figure
from .figures import DOTS_PER_INCH, lay_out, save, style
from .story import Story

USUAL = Tolerance(0.05, is_relative=True)
NO_BREAK = "\u00a0"  # a space at which no line ends
HEADINGS = ("arm", "synthetic", "value", "loss", "worth", "its real rows", "n")


@dataclass(frozen=True)
class Section:
    """What the page shows of one budget: the answer, a table, a picture as a data URI, and what gives pause."""

    sentences: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caveats: tuple[str, ...]
    picture: str


def read(
    folder: RunFolder,
    *,
    tolerance: Tolerance = USUAL,
    score: str | None = None,
    generation: int | None = None,
    last: int = 1,
) -> list[Budget]:
    """Reads a run's budgets. Raises ConfigError if it has none to give, StoreError for files that no run writes."""
    with readable(folder):
        notes, records, measures = folder.notes(), folder.records(), folder.measures()
        if not measures:  # written when a run ends
            raise StoreError(f"run '{folder.name}' has not come to an end yet; the command that began it goes on.")
    return budgets(
        notes.arms,
        records,
        measures,
        tolerance=tolerance,
        score=score,
        generation=generation,
        last=last,
        seeds=notes.seeds,
    )


def write_figures(found: Sequence[Budget], folder: Path) -> list[Path]:
    """Writes budget.svg and budget.png, and budget-2 … for further groups of arms; returns the paths."""
    paths = []
    with files.writing(folder), style():
        for i, budget in enumerate(found):
            paths += save(figure(budget), folder, "budget" if i == 0 else f"budget-{i + 1}")
    return paths


def sections(story: Story) -> list[Section]:
    """One for each axis's primary score and group of arms, with two shares of synthetic data or a learning curve."""
    return [
        _section(budget)
        for score in story.primary.values()
        for budget in _usual(story, score)
        if budget.curve or len(budget.shares) > 2
    ]


def _usual(story: Story, score: str) -> list[Budget]:
    try:
        notes = story.notes
        return budgets(notes.arms, story.records, story.measures, tolerance=USUAL, score=score, seeds=notes.seeds)
    except ConfigError:  # a run that was made for another question, or a score that can be 0
        return []


def rows(budget: Budget) -> list[tuple[str, ...]]:
    """The table below the answer, by `HEADINGS`; the real-only arm first."""
    n = budget.group.rows
    return [
        (
            dose.diet.arm,
            budget_words.percent(dose.diet.share),
            words.spread(dose.value),
            budget_words.loss(budget, dose.loss) if i else "–",
            budget_words.worth(dose.worth, n),
            f"{dose.diet.real / n:.2f}",
            f"{dose.loss.n}"
            + (f", {dose.ended} ended" if dose.ended else "")
            + (f", {dose.absent} missing" if dose.absent else ""),
        )
        for i, dose in enumerate((*budget.shares, *budget.additions))
    ]


def _section(budget: Budget) -> Section:
    return Section(
        _unbroken([budget_words.sentence(budget), *budget_words.additions(budget)]),
        tuple(map(_unbroken, rows(budget))),
        _unbroken(budget_words.caveats(budget)),
        _picture(budget),
    )


def _unbroken(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts whose lines do not end between a number and its %."""
    return tuple(text.replace(" %", NO_BREAK + "%") for text in texts)


def _picture(budget: Budget) -> str:
    file = io.BytesIO()
    with style():
        made = figure(budget)
        lay_out(made)
        made.savefig(file, format="png", dpi=1.5 * DOTS_PER_INCH)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
