"""Streams whose truth is known draw what they say they draw."""

from __future__ import annotations

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.known import KnownModes, KnownMoments
from autophagy.core.parts import Source, Stream
from autophagy.core.seeds import Seed

N = 40_000
RECIPES = [
    {"use": "normal"},
    {"use": "normal", "dim": 3, "mean": [1, -2, 0.5], "covariance": [[2, 1, 0], [1, 1, 0], [0, 0, 0]]},
    {"use": "gaussian-grid"},
    {"use": "gaussian-grid", "side": 2, "spacing": 0.5, "deviation": 0.3},
    {"use": "gaussian-mixture"},
    {
        "use": "gaussian-mixture",
        "means": [[0, 0, 1], [3, 0, -1], [0, 5, 0]],
        "weights": [1, 2, 5],
        "covariances": [np.eye(3).tolist(), [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 0]], np.diag([0.1, 4, 2]).tolist()],
    },
]


@pytest.fixture(params=RECIPES, ids=lambda recipe: f"{recipe['use']}-{len(recipe)}")
def stream(request: pytest.FixtureRequest) -> Stream:
    source: Stream = build("source", request.param)
    return source


def z_scores(values: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """`(…)` z of the mean over the first axis; values that never vary must equal what is expected."""
    error = values.std(0, ddof=1) / np.sqrt(len(values))
    gap = values.mean(0) - expected
    still = error < 1e-12
    assert np.allclose(gap[still], 0, atol=1e-12)
    return np.abs(gap[~still] / error[~still])


def test_samples_have_the_moments_that_are_known(stream: Stream) -> None:
    assert isinstance(stream, KnownMoments)
    mean, covariance = stream.moments()
    x = stream.draw(N, Seed(("moments",)))
    assert x.shape == (N, len(mean))
    assert x.dtype == np.float64
    gap = x - mean
    assert z_scores(x, mean).max() < 4
    assert z_scores(gap[:, :, None] * gap[:, None, :], covariance).max() < 4


def test_the_same_seed_draws_the_same_samples_and_another_draws_others(stream: Stream) -> None:
    first, again, other = (stream.draw(50, Seed(("draw", name))) for name in "aab")
    assert np.array_equal(first, again)
    assert not np.isin(other, first).all()


def test_streams_never_run_dry_and_have_no_conditions(stream: Source) -> None:
    assert stream.size("train") is None
    assert stream.conditions("heldout") is None


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r["use"] != "normal"], ids=str)
def test_samples_lie_around_their_modes(recipe: dict[str, object]) -> None:
    stream = build("source", recipe)
    assert isinstance(stream, KnownModes)
    x, centres = stream.draw(5_000, Seed(("modes",))), stream.modes()
    squares = ((x[:, None] - centres) ** 2).sum(-1)  # (n, k)
    assert squares.min(1).max() < (6 * stream.spread()) ** 2
    assert set(squares.argmin(1)) == set(range(len(centres)))
