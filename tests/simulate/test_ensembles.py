"""Ensembles: seeds, batches, refusals, and what diverges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from autophagy import Experiment, Mixture, drawn, register
from autophagy.archive.run_folder import Forecast
from autophagy.core.errors import AutophagyError, ConfigError, PlanError
from autophagy.core.parts import Loop
from autophagy.experiment.forecasts import forecasts
from autophagy.simulate.course import Course
from autophagy.simulate.ensemble import ArmEnsemble, Ensemble, summed_up

BASE = {"source": {"use": "normal", "dim": 2}, "model": "gaussian", "real": 10, "loop": "fully-synthetic"}


@register("two-arms")
@dataclass(frozen=True)
class TwoArms(Loop):
    """The last generation of arms a and b, and nothing of its own."""

    def mixture(self, generation: int) -> Mixture:
        return Mixture((drawn(generation - 1, "a").whole(), drawn(generation - 1, "b").whole()))


def experiment(generations: int = 3, **arm: Any) -> Experiment:
    return Experiment.of({"generations": generations, "arms": {"arm": {**BASE, **arm}}})


def same(one: ArmEnsemble, other: ArmEnsemble, replicates: int) -> bool:
    pairs = ((one.readings[name][:, :replicates], other.readings[name][:, :replicates]) for name in one.readings)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_seed_decides_every_number() -> None:
    found = experiment(loop={"use": "accumulate-subsample", "size": 10})
    once, again, other = (found.simulate(replicates=50, seed=s).arms["arm"] for s in (3, 3, 4))
    assert same(once, again, 50)
    assert not np.array_equal(once.readings["w2"], other.readings["w2"])


def test_replicates_do_not_depend_on_how_many_there_are_or_on_processes() -> None:
    """Whole batches have random numbers of their own, whoever works on them."""
    found = experiment(loop={"use": "fresh-data", "real": 5})
    course = Course.of(found.plan())
    few, many = (found.simulate(replicates=n * course.width).arms["arm"] for n in (1, 2))
    assert same(few, many, course.width)
    assert same(many, found.simulate(replicates=2 * course.width, on="processes:2").arms["arm"], 2 * course.width)
    first, second = np.split(many.readings["w2"], 2, axis=1)
    assert not np.intersect1d(first, second).size


def test_an_arm_is_the_same_whatever_other_arms_there_are() -> None:
    """As long as nobody needs single points of what they share."""
    loops = {"arm": "fully-synthetic", "fresh": {"use": "fresh-data", "real": 5}, "all": "accumulate"}
    arms = {name: {**BASE, "loop": loop} for name, loop in loops.items()}
    alone, among = (
        Experiment.of({"generations": 3, "arms": chosen}).simulate(replicates=40)
        for chosen in ({"arm": arms["arm"]}, dict(reversed(arms.items())))
    )
    assert same(alone.arms["arm"], among.arms["arm"], 40)


def test_memory_is_bounded_by_narrower_batches() -> None:
    small, large = (
        Course.of(experiment(model={"use": "kde", "bandwidth": 0.1}, real=n).plan()).width for n in (10, 100_000)
    )
    assert small > 16 * large >= 16


def test_a_block_is_kept_as_no_more_than_its_readers_ask_for() -> None:
    forms = {}
    for name, loop in {
        "whole": "accumulate",
        "part once": {"use": "fully-synthetic", "size": 4},
        "part again": {"use": "fixed-share", "synthetic": 0.5},
        "thinned": {"use": "accumulate-subsample", "size": 10},
    }.items():
        course = Course.of(experiment(loop=loop).plan())
        forms[name] = {"real" if block in course.reals else "drawn": kept for block, kept in course.kept.items()}
    assert {kept.form for kept in forms["whole"].values()} == {"moments"}
    assert (forms["part once"]["drawn"].form, forms["part once"]["drawn"].part) == ("moments", 4)
    assert not forms["part once"]["drawn"].is_whole
    assert {side: kept.form for side, kept in forms["part again"].items()} == {"real": "points", "drawn": "moments"}
    assert {kept.form for kept in forms["thinned"].values()} == {"points"}


def test_what_diverges_reads_nothing_and_is_counted() -> None:
    """A kernel that widens with its data, which are nearly as far apart as numbers go: variances overflow."""
    source = {"use": "normal", "dim": 1, "covariance": [[1e300]]}
    found = experiment(150, model={"use": "kde", "bandwidth": "scott"}, source=source, real=30)
    arm = found.simulate(replicates=8).arms["arm"]
    summary = arm.summary("variance_ratio")
    assert summary.n[0] == 8
    assert summary.n[-1] < 8
    assert (np.diff(summary.n) <= 0).all()
    assert np.isnan(arm.readings["variance_ratio"]).sum(1).tolist() == (8 - summary.n).tolist()


def test_summaries_leave_out_what_is_no_number() -> None:
    found = summed_up(np.array([[1.0, 3.0, np.nan, 2.0], [np.nan] * 4, [-np.inf, 0.0, 0.0, 0.0]]))
    assert found.n.tolist() == [3, 0, 4]
    assert found.mean[0] == 2.0
    assert found.error[0] == pytest.approx(1 / np.sqrt(3))
    assert found.quantiles[:, 0].tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
    assert np.isnan(found.mean[1])
    assert found.mean[2] == -np.inf
    assert found.quantiles[0, 2] == -np.inf


def test_tables_and_json_say_every_generation() -> None:
    found = experiment().simulate(replicates=30)
    table = found.to_pandas()
    assert len(table) == 4 * len(found.arms["arm"].readings)
    row = table.query("reading == 'variance_ratio' and generation == 3").iloc[0]
    assert row.n == 30
    assert row["forecast"] == pytest.approx(0.9**4)
    assert row.q5 <= row.q50 <= row.q95
    assert found.json()["forecasts"]["arm"] == {"is_exact": True, "reason": "", "of": "variance_ratio"}
    assert found.json()["rows"][0]["forecast"] is None


def test_figures_are_written_and_other_endings_refused(tmp_path: Any) -> None:
    from autophagy.simulate.figures import save

    found: Ensemble = experiment().simulate(replicates=30)
    for ending in (".png", ".svg", ".pdf"):
        save(found, tmp_path / f"figure{ending}")
        assert (tmp_path / f"figure{ending}").stat().st_size > 5000
    with pytest.raises(ConfigError, match=r"must end in .png, .svg, .pdf"):
        save(found, tmp_path / "figure.txt")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a model without closed form": ({"model": "gaussian-mixture"}, "model 'gaussian-mixture' has no closed form"),
    "a source with an end": (
        {"source": "mnist", "model": {"use": "gaussian"}},
        r"takes vectors, but source 'mnist' gives images|independent real data without end",
    ),
    "curators": ({"curators": ["dedupe"]}, "curator 'dedupe' looks at single samples"),
    "encoders": (
        {"metrics": [{"use": "frechet", "encoder": "pixels"}]},
        "metric 'frechet' looks at samples through an encoder",
    ),
    "one point for an unbiased covariance": (
        {"model": {"use": "gaussian", "unbiased": True}, "loop": {"use": "fully-synthetic", "size": 1}},
        "needs at least 2 samples, but the loop gives it 1",
    ),
    "fewer points than features": (
        {"model": "linear-regression", "source": {"use": "normal", "dim": 5}, "real": 3, "samples": 3},
        "needs at least 4 samples, but the loop gives it 3",
    ),
    "features that are not standard": (
        {"model": "linear-regression", "source": {"use": "normal", "dim": 2, "covariance": [[4, 0], [0, 1]]}},
        r"draws features from N\(0, I\)",
    ),
    "data without variance": ({"source": {"use": "normal", "dim": 1, "covariance": [[0]]}}, "has no variance"),
    "labels without noise": (
        {"model": "linear-regression", "source": {"use": "normal", "dim": 2, "covariance": [[1, 1], [1, 1]]}},
        "has no noise in its last column",
    ),
    "more points than memory has": (
        {"loop": {"use": "accumulate-subsample", "size": 10}, "real": 10**9, "samples": 10**9},
        "would hold 8,000,000,000 numbers at once",
    ),
    "parts of more symbols than can be drawn": (
        {"model": "categorical", "source": "categorical", "real": 2 * 10**9, "loop": "fixed-share"},
        "a part of 2,000,000,000 symbols cannot be drawn",
    ),
    "an alphabet that is too small": (
        {"model": {"use": "categorical", "alphabet": 3}, "source": {"use": "categorical", "symbols": 4}},
        "alphabet = 3, but source 'categorical' has 4 symbols",
    ),
}


@pytest.mark.parametrize(("arm", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_has_no_closed_form_is_refused_in_one_sentence(arm: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AutophagyError, match=sentence) as caught:
        experiment(**arm).simulate(replicates=5)
    assert "\n" not in str(caught.value)


def test_arms_that_share_random_numbers_point_by_point_are_refused() -> None:
    arms = {"a": BASE, "b": {**BASE, "loop": "synthetic-augmentation"}, "c": {**BASE, "loop": "two-arms"}}
    with pytest.raises(PlanError, match="arms that share random numbers"):
        Experiment.of({"generations": 3, "arms": arms}).simulate(replicates=5)


def shares_numbers(other: dict[str, Any]) -> tuple[Experiment, Forecast]:
    """Arm b eats from arm a; with its forecast."""
    found = Experiment.of({"generations": 2, "arms": {"a": {**BASE, **other}, "b": {**BASE, "loop": EATS_A}}})
    return found, forecasts(found.plan())["b"]


EATS_A = [{"use": "synthetic-augmentation", "arm": "a", "generations": 1}, "accumulate"]


def test_arms_whose_draws_meet_later_are_refused_and_their_forecast_doubted() -> None:
    found, told = shares_numbers({"samples": 11})
    assert told.reason == "a guide: it eats, of one generation, from arms that share random numbers"
    with pytest.raises(PlanError, match="arms that share random numbers"):
        found.simulate(replicates=5)


def test_real_sets_that_share_rows_are_doubted() -> None:
    """One generation, in which a share of another arm meets the rest of real rows that it began with."""
    loop = {"use": "fixed-share", "synthetic": 0.5, "arm": "a"}
    arms = {"a": {**BASE, "samples": 20}, "b": {**BASE, "real": 20, "loop": loop}}
    found = Experiment.of({"generations": 1, "arms": arms})
    told = forecasts(found.plan())["b"]
    assert told.reason == "a guide: it eats from arms whose real sets share rows with its own, or random numbers"
    with pytest.raises(PlanError, match="real sets of 10 and 20 samples, drawn from the same random numbers"):
        found.simulate(replicates=5)


def test_what_never_meets_in_one_history_is_neither_doubted_nor_refused() -> None:
    """First one arm's output and then another's; and a founder that nobody eats."""
    apart = [{"use": "fully-synthetic", "arm": "a", "generations": 2}, {"use": "fully-synthetic", "arm": "b"}]
    arms = {"a": BASE, "b": {**BASE, "loop": "accumulate"}, "c": {**BASE, "loop": apart}}
    arms["d"] = {**BASE, "real": 30, "loop": {"use": "fully-synthetic", "arm": "a"}}
    found = Experiment.of({"generations": 4, "arms": arms})
    told = forecasts(found.plan())
    assert told["c"].is_exact
    assert told["d"].is_exact
    assert found.simulate(replicates=5).arms["d"].readings["w2"].shape == (5, 5)


def test_an_alphabet_may_be_large() -> None:
    found = experiment(model="categorical", source={"use": "categorical", "symbols": 12_000}, real=50, samples=50)
    assert found.simulate(replicates=3).arms["arm"].readings["lost"].shape == (4, 3)


def test_arms_that_share_a_founder_are_simulated_and_foretold() -> None:
    found, told = shares_numbers({})
    assert told.is_exact
    assert found.simulate(replicates=5).arms["b"].readings["w2"].shape == (3, 5)


def test_real_sets_from_one_stream_of_numbers_are_refused() -> None:
    """Two normal sources make their rows from the same numbers."""
    moved = {"source": {"use": "normal", "dim": 2, "mean": [0.5, 0]}}
    other = {**BASE, **moved, "loop": {"use": "fixed-share", "synthetic": 0.5, "arm": "a"}}
    with pytest.raises(PlanError, match="whose sources draw from the same random numbers"):
        Experiment.of({"generations": 1, "arms": {"a": BASE, "b": other}}).simulate(replicates=5)


def test_a_real_set_of_points_is_split_into_different_ones() -> None:
    """A founder has an error of 1/n of the variance and keeps 1 − 1/n of it, whatever a later reader takes."""
    arm = {**BASE, "source": {"use": "gaussian-mixture", "means": [[-1.0], [1.0]]}, "real": 20}
    found = Experiment.of({"generations": 1, "arms": {"a": {**arm, "loop": "fixed-share"}}}).simulate(replicates=4000)
    for reading, expected in (("mean_error", 1 / 20), ("variance_ratio", 1 - 1 / 20)):
        told = found.arms["a"].summary(reading)
        assert abs(told.mean[0] - expected) < 4 * told.error[0]


def test_readings_without_meaning_are_left_out_and_nobody_has_diverged() -> None:
    flat = experiment(source={"use": "normal", "dim": 2, "covariance": [[1, 1], [1, 1]]}).simulate(replicates=20)
    assert "log_variance" not in flat.arms["arm"].readings
    single = experiment(model="categorical", source={"use": "categorical", "probabilities": [1.0]})
    readings = single.simulate(replicates=20).arms["arm"].readings
    assert "gini_ratio" not in readings
    assert all(np.isfinite(values).all() for values in readings.values())


def test_real_sets_of_which_one_is_the_others_beginning_are_refused() -> None:
    other = {**BASE, "real": 20, "loop": {"use": "synthetic-augmentation", "arm": "a"}}
    with pytest.raises(PlanError, match="have real sets of 10 and 20 samples"):
        Experiment.of({"generations": 3, "arms": {"a": BASE, "b": other}}).simulate(replicates=5)
    alone = Experiment.of({"generations": 3, "arms": {"a": BASE, "b": {**BASE, "real": 20}}})
    assert alone.simulate(replicates=5).arms["b"].readings["w2"].shape == (4, 5)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"replicates": 0}, "replicates must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"replicates": 10**9}, "are too many to be kept"),
        ({"on": "moon"}, "on must be auto, serial or processes:N"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        experiment().simulate(**sizes)
