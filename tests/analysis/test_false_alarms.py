"""How often arms that eat nothing but real data are accused, by simulation and through the engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.analysis.lineages import Lineages, by_arm
from autophagy.analysis.verdict import judge
from autophagy.archive.run_folder import Measure

MEASURE = Measure("distance", {"x": "lower"}, {}, {})
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
REAL_ONLY: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "lognormal": lambda rng, shape: rng.lognormal(0, 1, shape),
    "share of 500": lambda rng, shape: rng.binomial(500, 0.97, shape) / 500,
    "rare counts": lambda rng, shape: rng.poisson(0.2, shape).astype(float),
    "two values": lambda rng, shape: rng.integers(0, 2, shape).astype(float),
    "walk without drift": lambda rng, shape: rng.normal(size=shape).cumsum(-1),
}


def arm(name: str, values: np.ndarray, score: str = "m.x") -> Lineages:
    """`(n, g)` values as an arm."""
    n, g = values.shape
    return Lineages(name, tuple(range(n)), np.arange(g), {score: values}, np.full(n, np.inf), np.ones((n, g), bool))


def most(runs: int, level: float = 0.05) -> float:
    return level * runs + 3 * (level * (1 - level) * runs) ** 0.5


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("name", REAL_ONLY)
def test_no_test_alarms_more_often_than_its_level_over_all_arms(name: str, seeds: int) -> None:
    """Three arms of an experiment, seven generations: any p-value below the level, any change point."""
    rng, runs, accused, dated = np.random.default_rng(seeds), 1500, 0, 0
    measures = {f"a{i}": {"m": MEASURE} for i in range(3)}
    for _ in range(runs):
        values = REAL_ONLY[name](rng, (3, seeds, 8))
        found = judge([arm(f"a{i}", x) for i, x in enumerate(values)], measures)
        accused += any(v.p_word <= 0.05 for v in found)
        dated += any(np.isfinite(v.onset.generation) for v in found)
    assert accused <= most(runs)
    assert dated <= most(runs)


def test_real_only_arms_of_the_engine_are_not_accused() -> None:
    """150 experiments of four lineages, all in one run: Gaussians fitted to the same or to fresh real data for ever."""
    seeds, together = 600, 4
    base = {
        "source": {"use": "normal", "dim": 1},
        "model": "gaussian",
        "real": 20,
        "reference": 50,
        "gallery": 0,
        "metrics": ["moments"],
    }
    arms = {"fixed": {"loop": "real-only"}, "fresh": {"loop": {"use": "real-only", "fresh": 20}}}
    run = Experiment.of({"seeds": list(range(seeds)), "generations": 3, "base": base, "arms": arms}).run()
    whole, accused, dated = by_arm(run.records()), 0, 0
    for first in range(0, seeds, together):
        part = slice(first, first + together)
        found = judge([_part(lineages, part) for lineages in whole.values()], run.measures)
        primary = [v for v in found if v.is_primary]
        assert [v.score for v in primary] == ["moments.variance_match"] * 2
        accused += any(v.p_word <= 0.05 for v in primary)
        dated += any(np.isfinite(v.onset.generation) for v in primary)
    assert accused <= most(seeds // together)
    assert dated <= most(seeds // together)


def _part(whole: Lineages, rows: slice) -> Lineages:
    scores = {name: values[rows] for name, values in whole.scores.items()}
    return Lineages(
        whole.arm, whole.seeds[rows], whole.generations, scores, whole.diverged_at[rows], whole.reached[rows]
    )
