"""Records as a tidy table: one row for each arm, seed, generation and score."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autophagy.core.errors import MissingPackage
from autophagy.core.generation import Record

from .lineages import axis_of, split

if TYPE_CHECKING:
    import pandas


class Identified(Protocol):
    """What must be known of a metric; `archive.run_folder.Measure` is one."""

    @property
    def axis(self) -> str: ...
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


Measures = Mapping[str, Mapping[str, Identified]]  # arm → metric
COLUMNS = tuple(f.name for f in dataclasses.fields(Row))


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


def to_csv(records: Iterable[Record], measures: Measures) -> str:
    """CSV with a header line; NaN and infinities as `NaN`, `Infinity`, unknown numbers left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_plain(row) for row in rows(records, measures))
    return text.getvalue()


def to_json(records: Iterable[Record], measures: Measures) -> str:
    """A strict JSON list of objects; NaN and infinities as texts."""
    import json

    return (
        json.dumps([_plain(row) for row in rows(records, measures)], indent=1, allow_nan=False, ensure_ascii=False)
        + "\n"
    )


def to_pandas(records: Iterable[Record], measures: Measures) -> pandas.DataFrame:
    """A data frame with `Row`'s columns."""
    import pandas

    frame = pandas.DataFrame([dataclasses.asdict(row) for row in rows(records, measures)], columns=list(COLUMNS))
    return frame.astype({"value": "float64", "n": "Int64", "n_reference": "Int64"})


def write_parquet(records: Iterable[Record], measures: Measures, path: Path) -> None:
    """Writes `to_pandas` as a Parquet file; needs pyarrow."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingPackage("a table in the format 'parquet'", "pyarrow", "parquet") from None
    to_pandas(records, measures).to_parquet(path, engine="pyarrow", index=False)


def _row(record: Record, score: str, value: float, measure: Identified | None, first: int) -> Row:
    identity = measure.identity if measure else {}
    return Row(
        arm=record.arm,
        seed=record.seed,
        generation=record.generation,
        status=record.status,
        score=score,
        value=value,
        axis=axis_of(measure.axis, score) if measure else "",
        n=sample_size(identity, split(score)[0], record.kept, first),
        n_reference=_count(identity.get("n_reference")),
        reason=record.reason,
    )


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _plain(row: Row) -> dict[str, Any]:
    """A row as JSON holds it."""
    value = row.value
    if not math.isfinite(value):
        return dataclasses.asdict(row) | {"value": "NaN" if value != value else f"{'-' * (value < 0)}Infinity"}
    return dataclasses.asdict(row)
