"""n_e: exact where theory knows it, through the engine; open where a curve ends; silent where it knows nothing."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from autophagy import Experiment
from autophagy.analysis.effective_size import LearningCurve, effective_size, learning_curve
from autophagy.analysis.lineages import Lineages, by_arm
from autophagy.analysis.paired import column, paired, without_value
from autophagy.archive.store import MemoryStore
from autophagy.core.generation import Record
from autophagy.experiment.forecasts import forecasts
from autophagy.theory.closed_forms import fully_synthetic_wasserstein

SIZES = (6, 9, 13, 20, 30, 40)
SEEDS = 300


@cache
def gaussians() -> tuple[dict[str, Lineages], dict[str, tuple[float, ...]]]:
    """Scores of Gaussian loops of 40 points in ten dimensions, and the n_e that theory gives by generation."""
    experiment = Experiment.of(
        {
            "seeds": list(range(SEEDS)),
            "generations": 3,
            "base": {
                "source": {"use": "normal", "dim": 10}, "model": "gaussian", "real": 40, "gallery": 0,
                "reference": 10, "metrics": ["moments"],
            },
            "arms": {
                "closed": {"loop": "fully-synthetic", "learning_curve": list(SIZES)},
                "half": {"loop": {"use": "fixed-share", "synthetic": 0.5}},
                "anchored": {"loop": "synthetic-augmentation"},
            },
        }
    )  # fmt: skip
    run = experiment.run(MemoryStore())
    told = {arm: forecast.effective_sample_size for arm, forecast in forecasts(run.plan).items()}
    return by_arm(run.records()), told


def squared_shift(arm: str, generation: int) -> dict[int, float]:
    """E‖mean − μ0‖² grows with the variance of the fitted mean alone, and 1/n_e is that variance: exact at any n."""
    found = column(gaussians()[0][arm], "moments.mean_shift", generation)
    return {seed: value**2 for seed, value in found.items()}


def curve() -> LearningCurve:
    found = learning_curve({n: squared_shift(f"closed, n={n}", 0) for n in SIZES}, "shift²", "lower")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arm", "generation"), [("closed", 1), ("closed", 3), ("half", 3), ("anchored", 1), ("anchored", 3)]
)
def test_a_gaussian_loop_has_the_effective_sample_size_of_its_forecast(arm: str, generation: int) -> None:
    found = effective_size(curve(), squared_shift(arm, generation))
    truth = gaussians()[1][arm][generation]
    error = math.log(found.high / found.low) / (2 * 1.97)
    assert abs(math.log(found.size / truth)) / error < 4
    assert error < 0.06  # else this would show nothing
    assert found.n == SEEDS


def test_the_founder_itself_is_worth_its_own_size() -> None:
    found = effective_size(curve(), squared_shift("closed, n=20", 0))
    assert (found.size, found.low, found.high) == pytest.approx((20, 20, 20), rel=0.01)


def test_intervals_from_five_lineages_hold_the_true_size_as_often_as_they_say() -> None:
    truth, held, rounds = gaussians()[1]["half"][3], 0, SEEDS // 5
    for first in range(0, SEEDS, 5):
        seeds = range(first, first + 5)
        few = [{s: of_size[s] for s in seeds} for of_size in curve().columns]
        loop = squared_shift("half", 3)
        found = effective_size(LearningCurve("shift²", "lower", SIZES, tuple(few)), {s: loop[s] for s in seeds})
        held += found.low <= truth <= found.high
    assert held >= binom.ppf(1e-3, rounds, 0.90)


@pytest.mark.parametrize(("lineages", "noise", "width"), [(3, 0.02, 0.2), (5, 0.1, 0.6), (10, 0.1, 0.3)])
def test_intervals_of_a_steady_score_hold_the_true_size_and_are_no_wider_than_that_takes(
    lineages: int, noise: float, width: float
) -> None:
    """A score of 100/n, with a lineage's luck and noise of its own in every value; a loop that is worth 24 rows."""
    rng, truth, rounds, sizes, found = np.random.default_rng(lineages), 24, 400, (10, 14, 20, 28, 40), []

    def column(n: int, luck: np.ndarray) -> dict[int, float]:
        return dict(enumerate(100 / n * (1 + luck + noise * rng.standard_normal(lineages))))

    for _ in range(rounds):
        luck = noise * rng.standard_normal(lineages)
        founders = LearningCurve("m.x", "lower", sizes, tuple(column(n, luck) for n in sizes))
        found.append(effective_size(founders, column(truth, luck)))
    held = sum(one.low <= truth <= one.high for one in found)
    assert binom.ppf(1e-3, rounds, 0.93) <= held <= binom.ppf(1 - 1e-3, rounds, 0.98)
    assert np.median([(one.high - one.low) / truth for one in found]) < width


def test_w2_in_one_dimension_has_the_effective_size_of_its_closed_form() -> None:
    """Unbiased Gaussian, λ = 1: E[W2²] is known for founders of any n and for every generation."""
    sizes, n, generation = (8, 12, 18, 27, 40), 40, 2
    base = {
        "source": "normal",
        "model": {"use": "gaussian", "unbiased": True},
        "real": n,
        "gallery": 0,
        "reference": 10,
    }
    arms = {"closed": {"loop": "fully-synthetic", "learning_curve": list(sizes)}}
    metrics = [{"use": "wasserstein", "of": "model"}]
    settings = {
        "seeds": list(range(400)),
        "generations": generation,
        "base": {**base, "metrics": metrics},
        "arms": arms,
    }
    lineages = by_arm(Experiment.of(settings).run(MemoryStore()).records())
    score = next(iter(lineages["closed"].scores))

    def squares(arm: str, g: int) -> dict[int, float]:
        return {seed: value**2 for seed, value in column(lineages[arm], score, g).items()}

    founders = learning_curve({m: squares(f"closed, n={m}", 0) for m in sizes}, "W2²", "lower")
    assert founders is not None
    found = effective_size(founders, squares("closed", generation))
    fine = np.linspace(sizes[0], sizes[-1], 4000)
    expected = np.array([fully_synthetic_wasserstein_of(m) for m in fine])
    truth = fine[np.argmin(np.abs(expected - fully_synthetic_wasserstein(n, generation)))]
    error = math.log(found.high / found.low) / (2 * 1.97)
    assert abs(math.log(found.size / truth)) / error < 4
    assert error < 0.15


def fully_synthetic_wasserstein_of(size: float) -> float:
    """The founder's E[W2²] between whole numbers, by a straight line."""
    low = math.floor(size)
    part = size - low
    return (1 - part) * fully_synthetic_wasserstein(low, 0) + part * fully_synthetic_wasserstein(low + 1, 0)


# ── what is not known is not said ────────────────────────────────────────────


def falling(*values: float, better: str = "lower", seeds: int = 4) -> LearningCurve:
    wobble = [0.001 * (s % 2) for s in range(seeds)]
    columns = {10 * 2**i: {s: v + wobble[s] for s in range(seeds)} for i, v in enumerate(values)}
    found = learning_curve(columns, "score", better)
    assert found is not None
    return found


def loop(value: float, seeds: int = 4) -> dict[int, float]:
    return {s: value + 0.001 * (s % 2) for s in range(seeds)}


def test_beyond_the_curve_is_fewer_or_more() -> None:
    ends = falling(8, 4, 2)
    assert effective_size(ends, loop(9)).size == 0
    assert effective_size(ends, loop(1)).size == math.inf
    assert effective_size(ends, loop(1)).largest == 40
    assert effective_size(ends, loop(4)).size == pytest.approx(20)


def test_higher_may_be_better() -> None:
    assert effective_size(falling(0.2, 0.4, 0.8, better="higher"), loop(0.4)).size == pytest.approx(20)


def test_a_score_by_which_founders_get_no_better_is_told_apart() -> None:
    assert falling(8, 4, 2).improves
    assert not falling(2, 4, 8).improves
    noisy = learning_curve({10: dict(enumerate([3, 5, 4, 6])), 20: dict(enumerate([5, 3, 6, 4]))}, "score", "lower")
    assert noisy is not None
    assert not noisy.improves


def test_sizes_whose_founders_diverged_are_left_out_with_smaller_ones() -> None:
    columns = {10: loop(8), 20: {**loop(4), 2: math.nan}, 40: loop(2), 80: loop(1)}
    found = learning_curve(columns, "score", "lower")
    assert found is not None
    assert found.sizes == (40, 80)
    assert learning_curve({10: loop(8), 20: {0: math.nan}, 40: loop(1)}, "score", "lower") is None


def test_only_seeds_that_all_have_are_compared() -> None:
    found = effective_size(falling(8, 4, 2, seeds=4), {1: 4.001, 2: 4.0, 3: 4.001, 9: 0.0})
    assert found.n == 3
    assert found.size == pytest.approx(20, rel=0.01)
    assert effective_size(falling(8, 4, 2), {9: 1.0}).n == 0


# ── columns ──────────────────────────────────────────────────────────────────


def test_a_column_is_the_mean_of_the_last_generations_and_marks_what_ended() -> None:
    def record(seed: int, generation: int, value: float, status: str = "finished") -> Record:
        ended = status == "diverged"
        return Record(
            "a", seed, generation, "diverged" if ended else "finished", "", scores={} if ended else {"s": value}
        )

    records = [record(0, g, 10.0 * g) for g in range(4)]
    records += [record(1, g, 1.0) for g in range(2)]  # not come so far
    records += [record(2, 0, 1.0), record(2, 1, 0.0, "diverged")]
    records += [record(3, g, math.nan if g == 3 else 1.0) for g in range(4)]
    lineages = by_arm(records)["a"]
    found = column(lineages, "s", 3)
    assert found.keys() == {0, 2, 3}
    assert found[0] == 30
    assert without_value(found) == 2
    assert column(lineages, "s", 3, last=2)[0] == 25
    assert paired([found, column(lineages, "s", 0)]).seeds == (0,)
