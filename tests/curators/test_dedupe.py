"""Curator `dedupe`: the first of equals stays, and nothing else goes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.kernels import near


def pool(samples, generation=3):
    return Pool.born(np.asarray(samples), Origin(f"pool {generation}", generation))


def curated(fresh, real=None, **fields):
    curator = build("curator", {"use": "dedupe", **fields})
    return curator.curate(fresh, real=fresh if real is None else real, founder=fresh, seed=Seed(("test",)))


def greedy(x, tolerance, taboo=()):
    """The rule as one would say it: in order, keep what lies further than the tolerance from everything kept."""
    kept = []
    for i, row in enumerate(x):
        others = [*taboo, *x[kept]]
        if all(((row - other) ** 2).sum() > tolerance**2 for other in others):
            kept.append(i)
    return np.array(kept, int)


@pytest.fixture(scope="module")
def digits():
    return build("source", "mnist").load("heldout")[:600]


@pytest.mark.parametrize(
    "samples",
    [
        np.array([3, 1, 3, 2, 1]),
        np.array(["a cat", "a dog", "a cat", "a cow", "a dog"]),
        np.array([[0.0, 1], [2, 3], [-0.0, 1], [4, 5], [2, 3]]),
        np.arange(5 * 12, dtype=np.uint8).reshape(5, 3, 2, 2)[[0, 1, 0, 3, 1]],
    ],
    ids=["symbols", "text", "vectors", "images"],
)
def test_exact_copies_go_and_the_first_stays_in_every_space(samples):
    np.testing.assert_array_equal(curated(pool(samples)).row, [0, 1, 3])


def test_real_digits_are_all_different_and_planted_copies_go(digits):
    assert len(curated(pool(digits))) == 600
    planted = np.concatenate([digits[:300], digits[50:60], digits[300:]])
    kept = curated(pool(planted))
    np.testing.assert_array_equal(kept.row, np.delete(np.arange(610), np.arange(300, 310)))


def test_conditions_travel_and_are_not_compared():
    fresh = Pool.born(np.array([[1.0], [1.0], [2.0]]), Origin("g", 1), condition=np.array([0, 1, 2]))
    kept = curated(fresh)
    np.testing.assert_array_equal(kept.condition, [0, 2])


def test_memorised_samples_go_only_when_real_data_counts(digits):
    fresh, real = pool(digits[:20]), pool(digits[10:400], REAL_DATA)
    assert len(curated(fresh, real)) == 20
    np.testing.assert_array_equal(curated(fresh, real, against="fresh-and-real").row, np.arange(10))


def test_nearly_equal_digits_go(digits):
    rng = np.random.default_rng(1)
    noisy = np.clip(digits[:40].astype(int) + rng.integers(-3, 4, digits[:40].shape), 0, 255).astype(np.uint8)
    fresh = pool(np.concatenate([digits, noisy]))
    assert len(curated(fresh)) == 640
    kept = curated(fresh, encoder="pixels", tolerance=0.5)
    np.testing.assert_array_equal(kept.row, np.arange(600))
    kept = curated(pool(noisy), pool(digits, REAL_DATA), encoder="pixels", tolerance=0.5, against="fresh-and-real")
    assert len(kept) == 0


@pytest.mark.parametrize("encoder", ["pixels", "lenet", {"use": "pca", "components": 10}], ids=str)
def test_curating_twice_changes_nothing_and_what_stays_is_apart(digits, encoder):
    built = build("encoder", encoder).prepared(pool(digits))
    x = built.encode(digits).astype(np.float64)
    distances = cdist(x, x)
    tolerance = float(np.quantile(distances, 0.05))
    real = pool(digits, REAL_DATA)
    kept = curated(pool(digits), real, encoder=encoder, tolerance=tolerance)
    assert 10 < len(kept) < 590
    apart = distances[np.ix_(kept.row, kept.row)] + np.diag(np.full(len(kept), np.inf))
    assert apart.min() > tolerance
    assert (distances[:, kept.row] <= tolerance).any(1).all()  # what went had a neighbour that stayed
    np.testing.assert_array_equal(curated(kept, real, encoder=encoder, tolerance=tolerance).row, kept.row)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(0, 25), st.integers(1, 3)), elements=st.integers(-4, 4).map(float)),
    st.sampled_from([0.5, 1.0, 2.0, np.sqrt(2.0)]),
    st.integers(1, 9),
    st.sampled_from([0.0, 1e6]),
)
def test_blocks_give_what_one_loop_over_pairs_gives(x, tolerance, block, shift):
    """Points of a lattice lie exactly at the tolerance, also far from the origin."""
    x = x + shift
    before = near.BLOCK
    near.BLOCK = block
    try:
        kept = curated(pool(x), encoder="pixels", tolerance=float(tolerance))
    finally:
        near.BLOCK = before
    np.testing.assert_array_equal(kept.row, greedy(x, tolerance))


def test_a_collapsed_pool_leaves_one_sample():
    cloud = 1.0 + 1e-9 * np.random.default_rng(2).standard_normal((2000, 5))
    assert len(curated(pool(cloud))) == 2000
    np.testing.assert_array_equal(curated(pool(cloud), encoder="pixels", tolerance=1e-6).row, [0])


def test_an_empty_pool_stays_empty():
    assert len(curated(pool(np.zeros((0, 2))))) == 0
    assert len(curated(pool(np.zeros((0, 2))), encoder="pixels", tolerance=1.0)) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tolerance": 0.1}, r"tolerance = 0\.1 is a distance between features; add encoder"),
        ({"encoder": "pixels"}, r"encoder 'pixels' does nothing without a tolerance above 0"),
        ({"tolerance": -1}, r"tolerance must be at least 0, but is -1\.0"),
        ({"against": "real"}, r"against must be one of fresh, fresh-and-real"),
    ],
)
def test_settings_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        build("curator", {"use": "dedupe", **fields})
