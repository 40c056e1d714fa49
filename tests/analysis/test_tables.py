from __future__ import annotations

import csv
import io
import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autophagy.analysis import tables
from autophagy.core.errors import MissingPackage
from autophagy.core.generation import Record


@dataclass(frozen=True)
class Told:
    axis: str = "distance"
    axes: dict[str, str] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=lambda: {"n": 500, "n_reference": 1000})


MEASURES = {"a, b": {"frechet[lenet]": Told()}}
RECORDS = [
    Record("a, b", 0, 0, "finished", "k", kept=500, scores={"frechet[lenet].distance": 1.5, "moments.shift": math.inf}),
    Record("a, b", 0, 1, "finished", "k", kept=420, scores={"frechet[lenet].distance": math.nan}),
    Record("a, b", 0, 2, "diverged", "k", reason='said "no"\nand stopped'),
]


def test_csv_reads_back_with_every_number_and_every_ending() -> None:
    found = list(csv.DictReader(io.StringIO(tables.to_csv(RECORDS, MEASURES))))
    assert [row["value"] for row in found] == ["1.5", "Infinity", "NaN", "NaN"]
    assert [row["status"] for row in found] == ["finished"] * 3 + ["diverged"]
    assert found[0]["arm"] == "a, b"
    assert found[3]["reason"] == 'said "no"\nand stopped'


def test_numbers_carry_the_sizes_they_stand_on() -> None:
    first, other = tables.rows(RECORDS, MEASURES)[:2]
    assert (first.axis, first.n, first.n_reference) == ("distance", 500, 1000)
    assert (other.axis, other.n, other.n_reference) == ("", None, None)


@pytest.mark.parametrize(
    ("label", "n", "expected"),
    [
        ("frechet[lenet]", 500, [500, 420]),  # what curators leave
        ("precision-recall", 450, [450, 420]),  # first fewer than there were: the metric has a limit
        ("frechet@other", 80, [80, 80]),  # a probe's samples are not the generation's own
        ("frechet", math.nan, [None, None]),
    ],
)
def test_n_is_that_of_the_very_generation(label: str, n: float, expected: list[int | None]) -> None:
    records = [
        Record("a", 0, g, "finished", "k", kept=kept, scores={f"{label}.x": 1.0}) for g, kept in enumerate((500, 420))
    ]
    found = tables.rows(records, {"a": {label: Told(identity={"n": n})}})
    assert [row.n for row in found] == expected


def test_json_is_strict() -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    found = json.loads(tables.to_json(RECORDS, MEASURES), parse_constant=refuse)
    assert [row["value"] for row in found] == [1.5, "Infinity", "NaN", "NaN"]


def test_data_frame_has_one_row_a_score() -> None:
    frame = tables.to_pandas(RECORDS, MEASURES)
    assert tuple(frame.columns) == tables.COLUMNS
    assert frame.value.dtype == "float64"
    assert frame.n.isna().sum() == 2
    assert tables.to_pandas([], {}).empty


def test_parquet_reads_back(tmp_path: Path) -> None:
    import pandas

    tables.write_parquet(tables.to_pandas(RECORDS, MEASURES), tmp_path / "t.parquet")
    pandas.testing.assert_frame_equal(
        pandas.read_parquet(tmp_path / "t.parquet"), tables.to_pandas(RECORDS, MEASURES), check_dtype=False
    )


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackage, match=r"pip install 'autophagy\[parquet\]'"):
        tables.write_parquet(tables.to_pandas(RECORDS, MEASURES), tmp_path / "t.parquet")
