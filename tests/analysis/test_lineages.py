import math

import numpy as np
import pytest

from autophagy.analysis.lineages import axis_of, by_arm, split
from autophagy.archive.run_folder import Measure
from autophagy.core.catalog import build
from autophagy.core.generation import Record


def record(arm: str, seed: int, generation: int, **scores: float) -> Record:
    return Record(arm, seed, generation, "finished", "k", scores={f"m.{k}": v for k, v in scores.items()})


def test_scores_are_arrays_by_lineage_and_generation() -> None:
    records = [record("a", s, g, x=10 * s + g) for s in (7, 3) for g in range(3)]
    found = by_arm(records)["a"]
    assert found.seeds == (3, 7)
    assert found.scores["m.x"].tolist() == [[30, 31, 32], [70, 71, 72]]


def test_values_that_are_not_finite_and_records_that_are_not_there_are_nan() -> None:
    records = [record("a", 0, 0, x=1.0), record("a", 0, 1, x=math.inf), record("a", 1, 0, x=2.0)]
    assert np.isnan(by_arm(records)["a"].scores["m.x"]).tolist() == [[False, True], [False, True]]


def test_a_diverged_lineage_is_counted_from_there_on() -> None:
    records = [record("a", s, g, x=1.0) for s in range(3) for g in range(4) if not (s == 1 and g >= 2)]
    records.append(Record("a", 1, 2, "diverged", "k", reason="not finite"))
    found = by_arm(records)["a"]
    assert found.diverged.tolist() == [0, 0, 1, 1]
    assert found.diverged_at.tolist() == [math.inf, 2, math.inf]


def test_a_huge_generation_number_takes_no_memory() -> None:
    found = by_arm([record("a", 0, 0, x=1.0), record("a", 0, 10**15, x=2.0)])["a"]
    assert found.generations.tolist() == [0, 10**15]
    assert found.scores["m.x"].shape == (1, 2)


def test_a_score_is_split_at_its_last_point() -> None:
    assert split("frechet[blocks=0.5].distance") == ("frechet[blocks=0.5]", "distance")


@pytest.mark.parametrize(
    ("metric", "value", "axis"),
    [
        ("precision-recall", "recall", "diversity"),
        ("precision-recall", "precision", "quality"),
        ("density-coverage", "density", "quality"),
        ("density-coverage", "coverage", "diversity"),
    ],
)
def test_a_value_may_be_about_another_axis_than_its_metric(metric: str, value: str, axis: str) -> None:
    part = build("metric", metric)
    measure = Measure(part.axis, part.better, {}, {}, part.axes)
    assert axis_of(measure, f"{metric}[lenet, k=3]@other.{value}") == axis
