"""Tidy tables: records, one row for each arm, seed, generation and score; and differences from a reference arm."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autophagy.core.errors import MissingPackage
from autophagy.core.generation import Record

from .differences import Difference
from .lineages import axis_of, split
from .trajectories import Kind

if TYPE_CHECKING:
    import pandas


class Identified(Protocol):
    """What must be known of a metric; `archive.run_folder.Measure` is one."""

    @property
    def axis(self) -> str: ...
    @property
    def axes(self) -> Mapping[str, str]: ...
    @property
    def identity(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Row:
    """One number with what it stands on.

    A generation that diverged, or was not measured, has one row with an empty
    score and no value, so that nobody counts lineages without it.
    """

    arm: str
    seed: int
    generation: int
    status: str
    score: str
    value: float
    axis: str
    n: int | None  # samples measured, of this very generation
    n_reference: int | None  # real ones they were held against
    reason: str  # why it diverged
    remarks: str  # where its fit had to go on otherwise than its recipe has it


@dataclass(frozen=True)
class DifferenceRow:
    """One arm less the reference arm at one generation, with its interval over the lineages that have both."""

    arm: str
    against: str
    generation: int
    score: str
    axis: str
    value: float  # of the arm and of the reference: means over the same lineages
    reference: float
    difference: float
    low: float
    high: float
    interval: Kind
    n: int


Measures = Mapping[str, Mapping[str, Identified]]  # arm → metric
COLUMNS = tuple(f.name for f in dataclasses.fields(Row))
DIFFERENCE_COLUMNS = tuple(f.name for f in dataclasses.fields(DifferenceRow))
AnyRow = Row | DifferenceRow


def rows(records: Iterable[Record], measures: Measures) -> list[Row]:
    """Flattens records, in their order."""
    given = list(records)
    kept = first_kept(given)
    return [
        _row(record, score, value, measures.get(record.arm, {}).get(split(score)[0]), kept.get(record.arm, 0))
        for record in given
        for score, value in (record.scores or {"": math.nan}).items()
    ]


def first_kept(records: Iterable[Record]) -> dict[str, int]:
    """Arm → the size of its first generation with scores, which is the one that metrics' identities speak of."""
    found: dict[str, int] = {}
    for record in records:
        if record.scores:
            found.setdefault(record.arm, record.kept)
    return found


def sample_size(identity: Mapping[str, Any], label: str, kept: int, first: int) -> int | None:
    """How many of a generation's `kept` samples the metric `label` read; None where its identity has no n.

    The identity's n is that of the `first` generation. A metric that then read
    fewer than there were has a limit, which holds for every generation. A
    probe's samples are no generation's own, and as many everywhere.
    """
    n = _count(identity.get("n"))
    if n is None or "@" in label:
        return n
    return min(kept, n) if n < first else kept


def difference_rows(found: Iterable[Difference]) -> list[DifferenceRow]:
    """One row for each difference and generation."""
    return [
        DifferenceRow(
            d.arm, d.against, int(g), d.score, d.axis, float(d.value[i]), float(d.reference[i]),
            float(d.curve.mean[i]), float(d.curve.low[i]), float(d.curve.high[i]), d.curve.kind, int(d.curve.n[i]),
        )
        for d in found
        for i, g in enumerate(d.curve.generations)
    ]  # fmt: skip


def to_csv(records: Iterable[Record], measures: Measures) -> str:
    return csv_text(rows(records, measures), COLUMNS)


def to_json(records: Iterable[Record], measures: Measures) -> str:
    return json_text(rows(records, measures))


def to_pandas(records: Iterable[Record], measures: Measures) -> pandas.DataFrame:
    """A data frame with `Row`'s columns."""
    frame = framed(rows(records, measures), COLUMNS)
    return frame.astype({"value": "float64", "n": "Int64", "n_reference": "Int64"})


def csv_text(found: Iterable[AnyRow], columns: Sequence[str]) -> str:
    """CSV with a header line; NaN and infinities as `NaN`, `Infinity`, unknown numbers left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_plain(row) for row in found)
    return text.getvalue()


def json_text(found: Iterable[AnyRow]) -> str:
    """A strict JSON list of objects; NaN and infinities as texts."""
    import json

    return json.dumps([_plain(row) for row in found], indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def framed(found: Iterable[AnyRow], columns: Sequence[str]) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame([dataclasses.asdict(row) for row in found], columns=list(columns))


def write_parquet(frame: pandas.DataFrame, path: Path) -> None:
    """Writes a Parquet file; needs pyarrow."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingPackage("a table in the format 'parquet'", "pyarrow", "parquet") from None
    frame.to_parquet(path, engine="pyarrow", index=False)


def _row(record: Record, score: str, value: float, measure: Identified | None, first: int) -> Row:
    identity = measure.identity if measure else {}
    return Row(
        arm=record.arm,
        seed=record.seed,
        generation=record.generation,
        status=record.status,
        score=score,
        value=value,
        axis=axis_of(measure, score) if measure else "",
        n=sample_size(identity, split(score)[0], record.kept, first),
        n_reference=_count(identity.get("n_reference")),
        reason=record.reason,
        remarks="; ".join(record.remarks),
    )


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _plain(row: AnyRow) -> dict[str, Any]:
    """A row as JSON holds it."""
    return {
        name: _text(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in vars(row).items()
    }


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"
