"""What a plan looks like in a table: an arm a row, in the terminal and in notebooks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from autophagy.archive.run_folder import ArmNotes, Eaten, RunNotes
from autophagy.core.text import clean

from .notes import notes
from .plan import Plan

HEADINGS = ("arm", "generation 1 eats", "last generation eats", "turns", "real", "samples", "keeps variance", "n_e")


def rows(told: RunNotes) -> Iterator[list[str]]:
    """The cells of each arm, by `HEADINGS`."""
    for arm in told.arms:
        forecast, sign = arm.forecast, "" if arm.forecast.is_exact else "≈ "
        yield [
            arm.name,
            meal(arm.mixtures[1]) if len(arm.mixtures) > 1 else "founders only",
            meal(arm.mixtures[-1]) if len(arm.mixtures) > 1 else "–",
            f"{turns(told, arm):,}",
            f"{arm.real:,}",
            f"{arm.samples:,}",
            sign + _percent(forecast.kept_variance[-1]) if forecast.kept_variance else "–",
            sign + _number(forecast.effective_sample_size[-1]) if forecast.effective_sample_size else "–",
        ]


def turns(told: RunNotes, arm: ArmNotes) -> int:
    return (arm.generations + 1) * len(told.seeds)


def html(plan: Plan) -> str:
    """The same for a notebook; every text is escaped."""
    told = notes(plan)
    head = "".join(f"<th>{escape(text)}</th>" for text in HEADINGS)
    body = "".join(f"<tr>{''.join(f'<td>{escape(clean(cell))}</td>' for cell in row)}</tr>" for row in rows(told))
    reasons = {arm.forecast.reason for arm in told.arms if arm.forecast.reason}
    below = "".join(f"<p>forecast: {escape(clean(reason))}</p>" for reason in sorted(reasons))
    total = f"{told.turns:,} turns, {told.distinct_fits:,} distinct fits"
    return f"<table><caption>{total}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def meal(mixture: Sequence[Eaten]) -> str:
    """ "500 real + 4,500 of generations 0–8"."""
    return " + ".join(_course(course) for course in _courses(mixture)) or "nothing"


def _courses(mixture: Sequence[Eaten]) -> list[list[Eaten]]:
    """Draws of one generation after the other are told together."""
    courses: list[list[Eaten]] = []
    for eaten in mixture:
        before = _generation(courses[-1][-1]) if courses else None
        if before is not None and _generation(eaten) == before + 1:
            courses[-1].append(eaten)
        else:
            courses.append([eaten])
    return courses


def _course(course: list[Eaten]) -> str:
    total = sum(eaten.count for eaten in course)
    if len(course) == 1:
        of = "" if course[0].origin in ("real", "fresh") else "of "
        again = f" ({course[0].reused:,} seen before)" if course[0].reused else ""
        return f"{total:,} {of}{course[0].origin}{again}"
    return f"{total:,} of generations {_generation(course[0])}–{_generation(course[-1])}"


def _generation(eaten: Eaten) -> int | None:
    word, _, number = eaten.origin.partition(" ")
    return int(number) if word == "generation" and number.isdecimal() else None


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share >= 0.001 or share == 0 else "< 0.1 %"


def _number(x: float) -> str:
    return f"{x:,.0f}" if math.isfinite(x) and abs(x) >= 100 else f"{x:.3g}"
