"""Metric `lpips-diversity`: all pairs, of the whole set or of each class."""

import math
from dataclasses import replace

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.metrics import lpips_diversity
from autophagy.testing.fakes import Logged, LoggedByClass, Numbered


@pytest.fixture(scope="module")
def digits():
    return build("source", "mnist").load("heldout")[:24]


@pytest.fixture(scope="module")
def squares(digits):
    """(24, 24) LPIPS of every pair, one by one."""
    rows = build("encoder", "lpips").encode(digits).astype(np.float64)
    return np.array([((rows - row) ** 2).sum(1) for row in rows])


def pairs_of(squares, rows):
    part = squares[np.ix_(rows, rows)]
    return part[np.triu_indices(len(rows), 1)].mean()


def test_the_mean_is_that_of_every_pair(measure, digits, squares):
    found = measure("lpips-diversity", digits[:12], digits[12:])
    own, real = (pairs_of(squares, rows) for rows in (range(12), range(12, 24)))
    assert found["mean"] == pytest.approx(own, abs=3e-7)
    assert found["ratio"] == pytest.approx(own / real, rel=1e-6)
    assert found["match"] == pytest.approx(min(own / real, real / own), rel=1e-6)
    assert 0 < found["mean_se"] < found["mean"] / 5


def test_one_digit_again_and_again_has_none(measure, digits):
    found = measure("lpips-diversity", np.repeat(digits[:1], 12, axis=0), digits)
    assert found == {"mean": 0.0, "mean_se": 0.0, "ratio": 0.0, "match": 0.0}


def test_more_diverse_than_the_real_data_is_no_better(measure):
    tints = np.random.default_rng(1).integers(0, 200, (20, 3, 1, 1))
    bright = (np.random.default_rng(0).integers(0, 56, (20, 3, 28, 28)) + tints).astype(np.uint8)
    found = measure("lpips-diversity", bright, bright // 8)
    assert found["ratio"] > 1.5
    assert found["match"] == pytest.approx(1 / found["ratio"])


def test_by_class_only_pairs_of_one_class_count(finish, digits, squares):
    labels = np.array([0] * 5 + [1] * 6 + [2] * 12 + [3])  # the last has no pair
    generation = finish(digits, digits)
    generation = replace(
        generation,
        samples=replace(generation.samples, condition=labels),
        reference=replace(generation.reference, condition=labels),
    )
    found = build("metric", {"use": "lpips-diversity", "by_class": True}).measure(generation)
    truth = np.mean([pairs_of(squares, np.flatnonzero(labels == c)) for c in (0, 1, 2)])
    assert found["mean"] == pytest.approx(truth, abs=3e-7)
    assert found["ratio"] == 1.0


def test_by_class_a_side_that_has_fewer_classes_is_held_against_these(finish, digits):
    """Copies of the reference's most alike class: nothing of it is lost, whatever the others look like."""
    labels = np.array([0] * 5 + [1] * 6 + [2] * 13)
    generation = finish(digits[:5], digits)
    generation = replace(
        generation,
        samples=replace(generation.samples, condition=labels[:5]),
        reference=replace(generation.reference, condition=labels),
    )
    found = build("metric", {"use": "lpips-diversity", "by_class": True}).measure(generation)
    assert found["ratio"] == found["match"] == 1.0


def test_by_class_without_classes_is_refused(measure, digits):
    with pytest.raises(DataError, match="by_class = true needs classes or captions, but got none"):
        measure("lpips-diversity", digits, digits, {"by_class": True})


def test_by_class_asks_for_a_conditional_model_in_the_plan():
    metric = build("metric", {"use": "lpips-diversity", "by_class": True})
    assert "leave by_class out" in metric.objection(Numbered(), Logged())
    assert "leave by_class out" in metric.objection(build("source", "normal"), LoggedByClass())
    assert metric.objection(build("source", "mnist"), LoggedByClass()) is None


def test_features_that_do_not_fit_are_worked_out_twice_to_the_same_bits(measure, digits, monkeypatch):
    kept = measure("lpips-diversity", digits[:10], digits)
    monkeypatch.setattr(lpips_diversity, "ROOM", 0)
    monkeypatch.setattr(lpips_diversity, "TOGETHER", 3)
    assert measure("lpips-diversity", digits[:10], digits) == kept


def test_the_limit_is_said(finish, digits):
    metric, generation = build("metric", {"use": "lpips-diversity", "limit": 10}), finish(digits, digits[:7])
    assert {name: metric.identity(generation)[name] for name in ("n", "n_reference")} == {"n": 10, "n_reference": 7}
    assert metric.measure(generation)["mean"] != build("metric", "lpips-diversity").measure(generation)["mean"]


def test_undefined_is_nan(measure, digits):
    assert all(math.isnan(v) for v in measure("lpips-diversity", digits[:1], digits).values())
    found = measure("lpips-diversity", digits, np.repeat(digits[:1], 3, axis=0))
    assert math.isnan(found["ratio"])
    assert found["mean"] > 0


def test_unlike_images_are_refused(measure, digits):
    with pytest.raises(DataError, match="compares like with like"):
        measure("lpips-diversity", np.repeat(digits, 3, axis=1), digits)


def test_its_version_rises_with_its_encoders():
    own = 1  # how often it has risen by itself
    assert build("metric", "lpips-diversity").version == build("encoder", "lpips").version + own
