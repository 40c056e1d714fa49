import math

import numpy as np

from autophagy.analysis.lineages import Lineages, by_arm
from autophagy.analysis.noise import errors, noise
from autophagy.analysis.trajectories import curve
from autophagy.core.generation import Record


def arm(**scores: np.ndarray) -> Lineages:
    s, g = next(iter(scores.values())).shape
    named = {f"m.{name}": values for name, values in scores.items()}
    return Lineages("a", tuple(range(s)), np.arange(g), named, np.full(s, np.inf), np.ones((s, g), bool))


def test_both_noises_are_found_again_and_the_interval_holds_that_of_the_loop() -> None:
    rng, n, runs = np.random.default_rng(0), 6, 4000
    loops, measuring = 0.3 * rng.normal(size=(n, runs)), 0.2 * rng.normal(size=(n, runs))
    found = noise(arm(x=loops + measuring), "m.x", np.full((n, runs), 0.2))
    assert found.evaluation.tolist() == [math.sqrt(6 * 0.2**2 / 6)] * runs
    squares = found.between**2 - 0.2**2
    z = (squares.mean() - 0.3**2) / (squares.std() / math.sqrt(runs))
    assert abs(z) < 4
    held = ((found.low <= 0.3) & (found.high >= 0.3)).mean()
    assert abs(held - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs)


def test_lineages_that_differ_less_than_they_are_measured_have_no_noise_of_their_own() -> None:
    found = noise(arm(x=np.array([[1.0], [1.1], [1.2]])), "m.x", np.full((3, 1), 0.5))
    assert (found.loop[0], found.low[0]) == (0, 0)
    assert found.between[0] < found.evaluation[0]


def test_lineages_without_a_value_or_an_error_are_left_out() -> None:
    values, known = np.array([[1.0], [2.0], [4.0], [9.0]]), np.array([[0.1], [0.1], [np.nan], [0.1]])
    values[3] = np.nan
    found = noise(arm(x=values), "m.x", known)
    assert found.n.tolist() == [2]
    np.testing.assert_allclose(found.between, math.sqrt(0.5))
    assert np.isnan(noise(arm(x=values[:1]), "m.x", known[:1]).between).all()


def test_an_error_belongs_to_its_value_or_to_all_values_with_a_direction() -> None:
    one = np.ones((2, 1))
    lineages = arm(x=one, x_se=2 * one, y=one, se=3 * one)
    assert errors(lineages, "m.x", {"x"})[0, 0] == 2
    assert errors(lineages, "m.y", {"y"})[0, 0] == 3
    assert errors(lineages, "m.y", {"x"}) is None


def test_one_lineage_has_an_interval_over_its_samples_and_says_so() -> None:
    records = [Record("a", 0, g, "finished", "k", scores={"m.x": 2.0, "m.se": 0.1}) for g in range(2)]
    lineages = by_arm(records)["a"]
    found = curve(lineages, "m.x", errors=errors(lineages, "m.x", {"x"})).at(1)
    assert found.kind == "samples"
    np.testing.assert_allclose((found.low, found.high), (2 - 0.1959964, 2 + 0.1959964), rtol=1e-6)


def test_several_lineages_are_never_given_an_interval_over_samples() -> None:
    lineages = arm(x=np.array([[1.0], [2.0]]), se=np.full((2, 1), 1e-6))
    found = curve(lineages, "m.x", errors=errors(lineages, "m.x", {"x"})).at(0)
    assert found.kind == "t"
    assert found.high - found.low > 1
