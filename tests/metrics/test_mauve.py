"""Metric `mauve`: the published definition from given clusters, and what the clusters see."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import entropy

from autophagy.core.seeds import Seed
from autophagy.kernels.divergence_curve import divergence_curve, frontier_integral, mauve, quantised
from autophagy.testing.toys import LAW, WORDS


def texts(n, seed, law=LAW):
    rng = np.random.default_rng(seed)
    return np.array([" ".join(rng.choice(WORDS, 12, p=law)) for _ in range(n)])


def published(p, q, scale=5.0):
    """Pillutla et al. 2021, equation 1 and the area below it, by scipy's divergences, one mixture at a time."""
    points = [(0.0, 1.0), (1.0, 0.0)]
    for weight in np.linspace(1e-6, 1 - 1e-6, 25):
        r = weight * p + (1 - weight) * q
        points.append((np.exp(-scale * entropy(q, r)), np.exp(-scale * entropy(p, r))))
    by_x, by_y = sorted(points), sorted((y, x) for x, y in points)
    areas = [sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(s)) for s in (by_x, by_y)]
    return np.mean(areas)


def histograms():
    rng = np.random.default_rng(0)
    for size, spread in ((2, 1.0), (10, 0.1), (50, 5.0), (50, 0.02)):
        p, q = (np.round(x, 3) for x in rng.dirichlet(np.full(size, spread), 2))
        yield p / p.sum(), q / q.sum()


@pytest.mark.parametrize(("p", "q"), list(histograms()))
def test_it_is_the_published_area(p, q):
    assert mauve(p, q) == pytest.approx(published(p, q), rel=1e-9)
    assert mauve(p, q) == pytest.approx(mauve(q, p))


def test_equal_distributions_have_one_and_separate_ones_nearly_none():
    p = np.array([0.2, 0.3, 0.5, 0, 0])
    assert mauve(p, p) == pytest.approx(1)
    assert mauve(p, p[::-1] * [0, 0, 0, 1, 1] / 0.5) < 0.01
    assert frontier_integral(p, p) == pytest.approx(0, abs=1e-12)
    assert frontier_integral(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(1)


@pytest.mark.parametrize(("p", "q"), list(histograms()))
def test_the_frontier_integral_is_an_integral(p, q):
    weights = (np.arange(20_000) + 0.5) / 20_000
    mixtures = [weight * p + (1 - weight) * q for weight in weights[::50]]
    lines = [w * entropy(p, r) + (1 - w) * entropy(q, r) for w, r in zip(weights[::50], mixtures, strict=True)]
    assert frontier_integral(p, q) == pytest.approx(2 * np.mean(lines), abs=1e-3)


def test_the_curve_runs_from_end_to_end():
    curve = divergence_curve(np.array([0.5, 0.5]), np.array([0.9, 0.1]), points=7)
    assert curve.shape == (9, 2)
    np.testing.assert_array_equal(curve[[0, -1]], [[0, 1], [1, 0]])
    assert (np.diff(curve[:, 0]) >= 0).all()


def test_clusters_that_lie_apart_are_found():
    rng = np.random.default_rng(1)
    middles = np.eye(4, 12) * 9
    which = rng.integers(0, 4, 300)
    rows = middles[which] + 0.1 * rng.standard_normal((300, 12))
    seeds = [Seed(("start", i)) for i in range(5)]
    counts = quantised(rows[:200], rows[200:], 4, variance=0.9, seeds=seeds)
    expected = [np.bincount(part, minlength=4) for part in (which[:200], which[200:])]
    assert sorted(zip(*counts, strict=True)) == sorted(zip(*expected, strict=True))


def test_it_falls_as_words_are_lost(measure):
    real, fresh = texts(200, 0), texts(200, 1)
    poor = np.where(np.arange(len(LAW)) < 3, LAW, 0)
    alike, apart = (
        measure("mauve", some, real, {"clusters": 10, "starts": 1})
        for some in (fresh, texts(200, 2, poor / poor.sum()))
    )
    assert alike["mauve"] > 0.9
    assert apart["mauve"] < 0.6
    assert apart["frontier_integral"] > alike["frontier_integral"]


def test_smoothing_brings_distributions_nearer(measure):
    real, poor = texts(100, 0), np.repeat(texts(5, 3), 20)
    plain, smooth = (measure("mauve", poor, real, {"smoothing": s})["mauve"] for s in (0.0, 0.5))
    assert plain < smooth < 1


@pytest.mark.parametrize("clusters", [1, 2, 10, 200])
def test_equal_sets_have_no_divergence(clusters):
    p = np.random.default_rng(clusters).dirichlet(np.ones(clusters))
    assert mauve(p, p) == pytest.approx(1.0)
