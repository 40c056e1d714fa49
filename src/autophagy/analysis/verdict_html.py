"""Verdicts as a small HTML table, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from autophagy.core.generation import Record
from autophagy.core.text import clean

from . import words
from .verdict import Measure, Verdict, verdicts

HEADS = (
    "arm", "axis", "score", "verdict", "founder → last", "change [95 % t-interval over lineages]", "p (Holm)",
    "change point", "smallest visible change", "n lineages",
)  # fmt: skip


def verdict_html(
    records: Sequence[Record], measures: Mapping[str, Mapping[str, Measure]], failures: Sequence[str] = ()
) -> str:
    """The primary scores' verdicts, and what failed or diverged before; every text is escaped."""
    lost = "".join(f"<p>{escape(clean(text))}</p>" for text in _lost(records, failures))
    found = [v for v in verdicts(records, measures) if v.is_primary]
    if not found:
        is_measured = any(record.scores for record in records)
        why = "no score with a declared direction was measured" if is_measured or not lost else "nothing was measured"
        return f"{lost}<p>Nothing to judge: {why}.</p>"
    head = "".join(f"<th>{escape(text)}</th>" for text in HEADS)
    return f"{lost}<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, found))}</tbody></table>"


def _lost(records: Sequence[Record], failures: Sequence[str]) -> Iterator[str]:
    if failures:
        turns = "1 turn" if len(failures) == 1 else f"{len(failures):,} turns"
        yield f"{turns} failed, and what comes after is missing. The first: {failures[0]}"
    diverged = {(record.arm, record.seed) for record in records if record.status == "diverged"}
    if diverged:
        yield f"{len(diverged):,} lineage{'' if len(diverged) == 1 else 's'} diverged."


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
