"""Intervals are as wide as they say, and there is none where a jackknife has no answer."""

import math

import numpy as np
import pytest

from autophagy.scoring.comparison import Measured
from autophagy.scoring.intervals import jackknifed, lacking, own
from autophagy.scoring.score import score


def test_the_jackknife_of_a_mean_is_the_textbooks():
    blocks = np.random.default_rng(0).normal(size=(10, 30))
    left = [Measured({"mean": float(np.delete(blocks, i, 0).mean())}, {}) for i in range(10)]
    found = jackknifed({"mean": float(blocks.mean())}, left)["mean"]
    error = blocks.mean(1).std(ddof=1) / math.sqrt(10)
    assert found.se == pytest.approx(error)
    assert found.high - found.low == pytest.approx(2 * 2.2621571627 * error)  # t with 9 degrees of freedom


def test_counts_extremes_and_what_has_no_value_have_no_interval():
    def left(values):
        return [Measured({"x": value}, {}) for value in values]

    assert jackknifed({"x": 12.0}, left([11.0] * 4 + [12.0] * 6)) == {}
    assert jackknifed({"x": 0.5}, left([0.5] * 8 + [0.7] * 2)) == {}
    assert jackknifed({"x": math.nan}, left([math.nan] * 10)) == {}
    assert jackknifed({"x": 0.5}, left([0.5, 0.4] * 4)) == {}
    assert jackknifed({"x": 0.5}, left([0.5, 0.4] * 5)) != {}


def test_a_metrics_own_error_belongs_to_the_value_it_names():
    found = own(Measured({"distance": 3.0, "debiased": 2.0, "se": 0.5}, {"blocks": 10}))
    assert set(found) == {"debiased"}
    assert found["debiased"].high == pytest.approx(2 + 0.5 * 2.2621571627)
    kid = own(Measured({"kid": 3.0, "kid_se": 0.5, "other": 1.0}, {}))
    assert set(kid) == {"kid"}
    assert kid["kid"].high == pytest.approx(3 + 0.5 * 1.959963985)
    assert kid["kid"].kind == "the metric's own"
    assert own(Measured({"x": 1.0, "se": math.nan}, {})) == {}
    assert lacking(["kid", "other"], kid) == ["other"]
    assert lacking(["distance", "debiased", "infinite"], found) == ["infinite"]


def test_an_error_by_influence_is_no_jackknife():
    rng = np.random.default_rng(0)
    found = score(rng.normal(size=(200, 3)), rng.normal(size=(200, 3)) + 1, metrics="frechet")
    debiased = next(s for s in found.scores if s.name == "debiased")
    assert debiased.identity["se_by"] == "influence"
    assert debiased.interval.kind == "the metric's own"
    assert debiased.interval.high - debiased.value == pytest.approx(1.959963985 * debiased.interval.se)


def test_few_rows_have_no_jackknife():
    rows = np.random.default_rng(0).normal(size=(19, 2))
    assert score(rows, rows + 1, metrics=["precision-recall"]).scores[0].interval is None


SMOOTH = ("precision-recall.precision", "density-coverage.density", "moments.variance_match", "wasserstein.sliced_w2")
ROUGH = ("precision-recall.recall", "density-coverage.coverage", "nearest-real.ratio", "nearest-real.closer")


@pytest.mark.parametrize("limit", [10_000, 130], ids=["all rows", "a limit below"])
def test_intervals_hold_what_sets_of_these_sizes_give_on_average(limit):
    """Over 60 pairs of sets: the mean SE is near the spread, or above it where neighbours jump from row to row."""
    names = ["precision-recall", "density-coverage", "wasserstein", "nearest-real"]
    metrics = ["moments", *({"use": name, "limit": limit} for name in names)]
    rng = np.random.default_rng(1)
    values, errors = {n: [] for n in SMOOTH + ROUGH}, {n: [] for n in SMOOTH + ROUGH}
    for _ in range(60):
        real, fake = rng.normal(size=(200, 4)), 1.2 * rng.normal(size=(200, 4)) + 0.8
        for s in score(real, fake, metrics=metrics).scores:
            if (name := f"{s.metric}.{s.name}") in values and s.interval is not None:
                values[name].append(s.value)
                errors[name].append(s.interval.se)
    for name in SMOOTH + ROUGH:
        found, se = np.array(values[name]), np.array(errors[name])
        assert len(found) >= 50
        assert 0.75 < se.mean() / found.std(ddof=1) < (1.5 if name in SMOOTH else 2.3), name
        held = np.count_nonzero(np.abs(found - found.mean()) <= 2.262 * se)
        assert held >= len(found) - 9, name  # P(10 or more miss) = 0.0006 for Bin(60, 0.05)


@pytest.mark.parametrize(
    ("metric", "kept"),
    [
        ({"use": "kid", "subsets": 5, "subset_size": 30}, False),
        ({"use": "vendi", "size": 30, "draws": 2}, False),
        ({"use": "vendi"}, True),
        ({"use": "wasserstein", "of": "exact", "pairs": 40}, True),
    ],
    ids=str,
)
def test_what_draws_its_own_rows_has_no_jackknife(metric, kept):
    rng = np.random.default_rng(0)
    found = score(rng.normal(size=(100, 3)), rng.normal(size=(100, 3)) + 1, metrics=metric)
    assert any(s.interval is not None for s in found.scores) is kept


def test_the_exact_distance_of_some_pairs_is_as_sure_as_it_says():
    """Of 200 rows it reads 40: without a block, 36 of the same, or the choice of others would be taken for noise."""
    rng, values, errors = np.random.default_rng(2), [], []
    for _ in range(50):
        real, fake = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 1
        (one,) = score(real, fake, metrics={"use": "wasserstein", "of": "exact", "pairs": 40}).scores
        values.append(one.value)
        errors.append(one.interval.se)
    assert 0.75 < np.mean(errors) / np.std(values, ddof=1) < 1.5


UNEQUAL = [
    ({"use": "wasserstein", "of": "exact"}, "exact_w2", (400, 80)),
    ({"use": "wasserstein", "of": "exact"}, "exact_w2", (80, 400)),
    ("vendi", "vendi_match", (400, 80)),
    ("vendi", "vendi_match", (80, 400)),
    ({"use": "nearest-real", "limit": 100}, "ratio", (600, 600)),
    ({"use": "authenticity", "limit": 100}, "excess", (600, 600)),
]


@pytest.mark.parametrize(("metric", "name", "sizes"), UNEQUAL, ids=str)
def test_blocks_are_left_out_of_what_is_read_of_each_side(metric, name, sizes):
    """Of the larger side, of samples and of the control a part is read, of what may have been copied all."""
    rng, values, errors = np.random.default_rng(3), [], []
    for _ in range(100):
        real, fake = (rng.normal(size=(n, 3)) for n in sizes)
        found = score(real, fake + 1, metrics=metric).scores
        one = next(s for s in found if s.name == name)
        values.append(one.value)
        errors.append(one.interval.se)
    assert 0.75 < np.mean(errors) / np.std(values, ddof=1) < 1.7


def test_diversity_within_classes_reads_a_limit_of_each(digits):
    """No class has more rows than the limit, so all are read and the limit cannot change how sure the numbers are."""
    some, more = (
        score(digits[:200], digits[200:], metrics={"use": "intra-class-diversity", "limit": limit}).scores
        for limit in (100, 1000)
    )
    assert [(s.value, s.interval) for s in some] == [(s.value, s.interval) for s in more]


def test_a_value_that_only_some_rows_would_have_is_said_to_be_missing() -> None:
    """Sixty samples in ten cells, none of which has the twenty that C_T needs."""
    rng = np.random.default_rng(0)
    found = score(rng.normal(size=(300, 4)), rng.normal(size=(60, 4)), metrics="memorisation", intervals=False)
    why = "has no value here: too few rows, none that its settings leave, no classes to go by, or numbers too large"
    assert found.left_out == {"memorisation.c_t": why, "memorisation.c_t_z": why}
    assert math.isfinite(found.value("memorisation.auc"))


def test_a_table_shows_a_metrics_first_value_and_those_with_a_direction_each_with_an_interval():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4)), 0.9 * rng.normal(size=(200, 4))
    metrics = ["vendi", "pairwise-distance", "authenticity", "memorisation", {"use": "frechet", "sizes": 5}]
    shown = {f"{s.label}.{s.name}": s for s in score(*rows, metrics=metrics).scores if s.is_main}
    values = ["authenticity.authenticity", "authenticity.excess", "vendi.vendi", "vendi.vendi_match"]
    values += [f"memorisation.{name}" for name in ("c_t", "c_t_z", "auc", "ratio")]
    values += [f"frechet.{name}" for name in ("distance", "debiased", "infinite")]
    assert set(shown) == {*values, "pairwise-distance.mean"}
    assert [name for name, one in shown.items() if one.interval is None] == ["frechet.distance"]
    for name in ("vendi.vendi", "frechet.infinite"):
        assert shown[name].interval.kind == "jackknife, 10 blocks"


@pytest.mark.parametrize(("n", "is_told"), [(60, False), (120, True)])
def test_fewer_rows_than_features_leave_the_debiased_distance_without_an_interval(n, is_told):
    """What leave-outs take away is of order 1/n, and the bias is not there."""
    rng, sizes = np.random.default_rng(2), np.arange(1, 101) ** -0.5
    found = score(rng.normal(size=(n, 100)) * sizes, rng.normal(size=(n, 100)) * sizes, metrics="frechet")
    intervals = {one.name: one.interval for one in found.scores}
    assert (intervals["debiased"] is not None) is is_told
    assert any("debiased or not" in text for text in found.warnings) is not is_told
