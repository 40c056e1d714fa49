"""What a comparison of two sets came to, and its forms for people and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from autophagy.analysis import words
from autophagy.analysis.trajectories import Interval as Spread
from autophagy.archive.strict_json import wrapped
from autophagy.core.text import clean

from .intervals import Interval

if TYPE_CHECKING:
    import pandas

HEADS = ("metric", "value [95 %]", "interval", "n real", "n fake", "floor", "better")


@dataclass(frozen=True)
class Floor:
    """The same number for real data against other real data of the same set."""

    value: float
    n_real: int | None
    n_fake: int | None


@dataclass(frozen=True)
class Score:
    """One number.

    Attributes:
        label: the metric's name, with its settings where another one has the same name.
        n_real: real rows it was held against; None if none were.
        floor: None where the real side cannot be halved.
        better: "higher", "lower", or "" where neither is.
        is_main: whether it is in the table; the others explain it.
        identity: what the number stands on, in the metric's own words.
    """

    metric: str
    label: str
    name: str
    value: float
    interval: Interval | None
    n_real: int | None
    n_fake: int | None
    floor: Floor | None
    better: str
    axis: str
    is_main: bool
    identity: Mapping[str, str | int | float]

    def told(self) -> str:
        """ "0.412 [0.38, 0.44]"."""
        if self.interval is None:
            return words.number(self.value)
        return words.spread(Spread(self.value, self.interval.low, self.interval.high, 1))


@dataclass(frozen=True)
class Side:
    """One of the two sets.

    Attributes:
        n: how many are compared; None for statistics that do not say.
        looks: of images, "size", "format" and "mode" → how many have which.
        left_out: what could not be used, each with its reason.
        digest: of the content of all of them, in order.
    """

    label: str
    n: int | None
    looks: Mapping[str, Mapping[str, int]]
    left_out: tuple[str, ...]
    digest: str

    def told(self) -> str:
        """ "990 images, 28 × 28, PNG, L"."""
        if self.n is None:
            return "statistics of a set whose size they do not tell"
        if not self.digest:
            return f"statistics of {self.n:,}"
        looks = [next(iter(counts)) + (" and others" if len(counts) > 1 else "") for counts in self.looks.values()]
        return ", ".join([f"{self.n:,} {'image' if self.looks else 'row'}{'s' * (self.n != 1)}", *looks])


@dataclass(frozen=True)
class Scores:
    """All numbers of a comparison, with what they stand on and what speaks against them.

    Attributes:
        encoder: which features, in words.
        encoding: the same as a recipe.
        scores: distances first, then quality, diversity and the rest.
        left_out: metrics, and values of theirs, that there are none of here, and why.
        warnings: what a reader of the numbers must know.
    """

    real: Side
    fake: Side
    encoder: str
    encoding: Mapping[str, Any]
    seed: int
    scores: tuple[Score, ...]
    left_out: Mapping[str, str]
    warnings: tuple[str, ...]

    def value(self, name: str) -> float:
        """The number called "metric.value", e.g. "frechet.distance"; KeyError if there is none.

        Of two metrics of one name, each is called with its settings: "precision-recall[pixels, k=3].precision".
        """
        return {f"{s.label}.{s.name}": s.value for s in self.scores}[name]

    def notes(self) -> list[str]:
        """How to read the table."""
        floors = sorted({(s.floor.n_fake, s.floor.n_real) for s in self.scores if s.floor and s.n_real}, key=str)
        told = [f"{_count(fake)} against {_count(real)}" for fake, real in floors]
        found = [f"floor: real data against other real data of the same set, {' or '.join(told)}"] if told else []
        if told and any(s.floor and s.n_fake and s.floor.n_fake and s.floor.n_fake < s.n_fake for s in self.scores):
            found[0] += "; of fewer rows, distances that are not debiased come out larger"
        reach: dict[object, dict[str, None]] = {}
        for score in self.scores:
            if "k" in score.identity:
                reach.setdefault(score.identity["k"], {})[score.label] = None
        if reach:
            found.append("neighbours: " + ", ".join(f"k = {k} for {' and '.join(its)}" for k, its in reach.items()))
        if any(score.interval for score in self.scores):
            found.append("intervals are of what sets of these sizes give, from standard errors")
        return found

    def absences(self) -> list[str]:
        """Which metrics are not in the table, a line for each reason: many where all were asked for."""
        names: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            names.setdefault(why, []).append(name)
        return [f"{', '.join(its)}: {why}" for why, its in names.items()]

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each number."""
        import pandas

        return pandas.DataFrame([_row(score) for score in self.scores])

    def to_json(self) -> str:
        """Strict JSON; NaN and infinities are texts."""
        found = {
            "real": asdict(self.real),
            "fake": asdict(self.fake),
            "encoder": self.encoder,
            "encoding": self.encoding,
            "seed": self.seed,
            "scores": [wrapped_row(_row(score)) | {"identity": wrapped_row(score.identity)} for score in self.scores],
            "left_out": self.left_out,
            "warnings": self.warnings,
        }
        return json.dumps(found, indent=1, allow_nan=False) + "\n"

    def _repr_html_(self) -> str:
        """A table for notebooks; every text is escaped."""
        head = "".join(f"<th>{text}</th>" for text in HEADS)
        body = "".join(_html_row(cells(score)) for score in self.scores if score.is_main)
        absences = [f"not measured: {text}" for text in self.absences()]
        notes = "".join(f"<li>{escape(clean(text))}</li>" for text in (*self.notes(), *self.warnings, *absences))
        return (
            f"<p>{escape(clean(self.encoder))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<ul>{notes}</ul>"
        )


def cells(score: Score) -> tuple[str, ...]:
    """A score as a table shows it."""
    return (
        (score.name if score.name.startswith(score.label) else f"{score.label} {score.name}").replace("_", " "),
        score.told(),
        score.interval.kind if score.interval else "–",
        _count(score.n_real),
        _count(score.n_fake),
        words.number(score.floor.value) if score.floor else "–",
        score.better or "–",
    )


def wrapped_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Its numbers as strict JSON can hold them."""
    return dict(row) | wrapped({name: value for name, value in row.items() if isinstance(value, float)})


def _row(score: Score) -> dict[str, Any]:
    interval, floor = score.interval, score.floor
    return {
        "metric": score.label,
        "name": score.name,
        "value": score.value,
        "se": interval.se if interval else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "interval": interval.kind if interval else None,
        "n_real": score.n_real,
        "n_fake": score.n_fake,
        "floor": floor.value if floor else None,
        "floor_n_real": floor.n_real if floor else None,
        "floor_n_fake": floor.n_fake if floor else None,
        "better": score.better,
        "axis": score.axis,
        "is_main": score.is_main,
    }


def _count(n: int | None) -> str:
    return "–" if n is None else f"{n:,}"


def _html_row(texts: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<td>{escape(clean(text))}</td>" for text in texts) + "</tr>"
