"""Verdicts as a small HTML table, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from autophagy.core.generation import Record
from autophagy.core.text import clean

from . import words
from .verdict import Measure, Verdict, verdicts

HEADS = (
    "arm", "axis", "score", "verdict", "founder → last", "change [95 % t-interval over lineages]", "p (Holm)",
    "change point", "smallest visible change", "n lineages",
)  # fmt: skip


def verdict_html(records: Iterable[Record], measures: Mapping[str, Mapping[str, Measure]]) -> str:
    """The primary scores' verdicts; every text is escaped."""
    found = [v for v in verdicts(records, measures) if v.is_primary]
    if not found:
        return "<p>Nothing to judge: no score with a declared direction was measured.</p>"
    head = "".join(f"<th>{escape(text)}</th>" for text in HEADS)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, found))}</tbody></table>"


def _row(v: Verdict) -> str:
    cells = (
        v.arm,
        v.axis,
        words.axis_name(v.score),
        v.word,
        f"{words.number(v.founder)} → {words.number(v.last)}",
        words.spread(v.change, signed=True),
        words.p_value(v.p_word).removeprefix("= "),
        words.since(v) or "–",
        ", ".join(filter(None, (words.visible(v.detectable), words.wanted(v.detectable)))),
        words.lineages(v),
    )
    return "<tr>" + "".join(f"<td>{escape(clean(text))}</td>" for text in cells) + "</tr>"
