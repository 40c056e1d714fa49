"""The block recursion against loops that are really run, point by point, thousands of times."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from autophagy.core.parts import LinearFamily
from autophagy.theory.closed_forms import gini
from autophagy.theory.recursion import Step, forecast

REPLICATES = 40_000
MAXIMUM_LIKELIHOOD = LinearFamily()


@dataclass(frozen=True)
class Case:
    steps: Sequence[Step]
    real: Mapping[Hashable, int] = field(default_factory=lambda: {"real": 12})
    family: LinearFamily = MAXIMUM_LIKELIHOOD
    bias: float = 1.0


def chosen(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the columns of `(replicates, n)`, chosen anew for every replicate."""
    return points if count == points.shape[1] else rng.permuted(points, axis=1)[:, :count]


def run(case: Case, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and covariance `(replicates,)` of every step's fit, in one dimension with a standard normal truth."""
    pools = {name: rng.standard_normal((REPLICATES, n)) for name, n in case.real.items()}
    fits = []
    for step in case.steps:
        train = np.concatenate([chosen(pools[name], count, rng) for name, count in step.taken], axis=1)
        if step.budget is not None and step.budget < train.shape[1]:
            train = chosen(train, step.budget, rng)
        mean, variance = train.mean(1), train.var(1, ddof=int(case.family.is_unbiased))
        fits.append((mean, variance))
        noise = rng.standard_normal((REPLICATES, step.size))
        if case.family.added:  # a kernel around a training point
            rows = rng.integers(train.shape[1], size=noise.shape)
            pools[step.block] = np.take_along_axis(train, rows, 1) + math.sqrt(case.bias * case.family.added) * noise
        else:
            pools[step.block] = mean[:, None] + np.sqrt(case.bias * variance)[:, None] * noise
    return fits


def founder(size: int = 12) -> Step:
    return Step(0, size, (("real", 12),))


def loop(*taken: tuple[tuple[Hashable, int], ...], size: int = 12, budget: int | None = None) -> list[Step]:
    return [founder(size), *(Step(g, size, t, budget) for g, t in enumerate(taken, 1))]


FRESH = {"real": 12} | {f"new {g}": 5 for g in range(1, 7)}
MIXED = loop(
    (("real", 12), ("new 1", 5), (0, 9)),
    (("real", 12), ("new 2", 5), (1, 9), (0, 9)),
    (("real", 12), ("new 3", 5), (2, 9), (1, 9)),
    ((3, 9),),
    ((4, 9), (3, 4)),
    (("real", 6), (5, 3), (4, 9), ("new 4", 2)),
    size=9,
)
KDE = LinearFamily(takes_bias=False, added=0.16)
UNBIASED = LinearFamily(is_unbiased=True)
CROSSED = [
    Step("a0", 8, (("real", 12),)),
    Step("b0", 6, (("real", 7),)),
    Step("a1", 8, (("a0", 8), ("b0", 6))),
    Step("b1", 6, (("b0", 6), ("a0", 3))),
    Step("a2", 8, (("a1", 8), ("b1", 6), ("b0", 2))),
    Step("b2", 6, (("real", 5), ("a1", 4), ("a2", 4))),
]

CASES = {
    "replace": Case(loop(*(((g, 12),) for g in range(6)))),
    "replace with fewer": Case(loop(*(((g, 7),) for g in range(6)))),
    "augmentation by the previous": Case(loop(*((("real", 12), (g, 12)) for g in range(6)))),
    "augmentation by the last two": Case(
        loop(*((("real", 12), *((h, 8) for h in (g - 1, g) if h >= 0)) for g in range(6)))
    ),
    "augmentation by all": Case(loop(*((("real", 12), *((h, 7) for h in range(g + 1))) for g in range(6)))),
    "fresh data": Case(loop(*(((f"new {g + 1}", 5), (g, 9)) for g in range(6)), size=9), FRESH),
    "accumulate": Case(loop(*((("real", 12), *((h, 12) for h in range(g + 1))) for g in range(6)))),
    "accumulate-subsample": Case(
        loop(*((("real", 12), *((h, 12) for h in range(g + 1))) for g in range(6)), budget=10)
    ),
    "fixed share, subsampled": Case(loop(*((("real", 4), (g, 6)) for g in range(6)))),
    "real data subsampled": Case(loop(*((("real", 5),) for _ in range(3)), ((3, 12), (2, 12), (1, 12)))),
    "one block twice": Case(loop(*(((g, 5), (g, 5), ("real", 3), ("real", 3)) for g in range(5)))),
    "phases": Case(
        loop(((0, 12),), ((1, 12),), (("real", 12),), (("real", 6), (3, 6)), ((4, 12),), ((5, 12), (2, 12)))
    ),
    "fixed, fresh, t-1 and t-2": Case(MIXED, FRESH),
    "two arms": Case(CROSSED),
    "bias": Case(loop(*((("real", 6), (g, 9)) for g in range(6))), bias=0.8),
    "bias, unbiased": Case(MIXED, FRESH, UNBIASED, bias=0.8),
    "bias, unbiased, thinned": Case(
        loop(*((("real", 12), *((h, 12) for h in range(g + 1))) for g in range(6)), budget=8), family=UNBIASED, bias=0.8
    ),
    "bias, thinned, two arms": Case([Step(s.block, s.size, s.taken, 7) for s in CROSSED], bias=0.6),
    "kde": Case(loop(*((("real", 6), (g, 9)) for g in range(6))), family=KDE),
    "kde, mixed": Case(MIXED, FRESH, KDE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_loop_that_is_run_does_what_was_forecast(name: str) -> None:
    case = CASES[name]
    found = forecast(case.steps, real=case.real, family=case.family, bias=case.bias)
    fits = run(case, np.random.default_rng(sorted(CASES).index(name)))
    for g, (mean, variance) in enumerate(fits):
        for sample, expected in ((mean**2, found.mean_variance[g]), (variance, found.kept_variance[g])):
            z = (sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(REPLICATES))
            assert abs(z) < 4, f"{name}, step {g}"


def test_categorical_frequencies_follow_the_same_forecast() -> None:
    truth = np.array([0.5, 0.3, 0.15, 0.05])
    rng = np.random.default_rng(23)
    steps = loop(*((("real", 12), (g, 8)) for g in range(5)), size=8)
    found = forecast(steps, real={"real": 12})
    real = drawn = rng.multinomial(12, np.tile(truth, (REPLICATES, 1)))  # (replicates, symbols) counts
    for g in range(len(steps)):
        counts = real if g == 0 else real + drawn
        p = counts / counts.sum(1, keepdims=True)
        left = 1 - (p**2).sum(1)
        expected = found.kept_variance[g] * gini(truth.tolist())
        assert abs(left.mean() - expected) / (left.std(ddof=1) / math.sqrt(REPLICATES)) < 4
        drawn = rng.multinomial(8, p)
