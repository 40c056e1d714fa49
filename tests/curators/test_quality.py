"""Curator `quality`: keeps what is near, by three scores, and nothing else."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import gammainc

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed

RNG_SEED = 20240


def pool(samples, generation=3):
    return Pool.born(np.asarray(samples), Origin(f"pool {generation}", generation))


def curated(fresh, real, **settings):
    curator = build("curator", {"use": "quality", **settings})
    return curator.curate(fresh, real=real, founder=fresh, seed=Seed(("test",)))


@pytest.fixture
def cloud():
    """60 fresh and 200 real points in three dimensions that are stretched and shifted."""
    rng = np.random.default_rng(RNG_SEED)
    root = rng.standard_normal((3, 3))
    return pool(rng.standard_normal((60, 3)) @ root + 5), pool(rng.standard_normal((200, 3)) @ root + 5, REAL_DATA)


def reference_scores(score, x, target):
    if score == "nearest-real":
        return cdist(x, target).min(1)
    if score == "centre":
        return np.linalg.norm(x - target.mean(0), axis=1)
    return cdist(x, [target.mean(0)], "mahalanobis", VI=np.linalg.inv(np.cov(target.T)))[:, 0]


@pytest.mark.parametrize(
    ("score", "against"),
    [
        ("nearest-real", "real"),
        ("centre", "real"),
        ("centre", "fresh"),
        ("mahalanobis", "real"),
        ("mahalanobis", "fresh"),
    ],
)
def test_the_nearest_share_is_kept_in_order(cloud, score, against):
    fresh, real = cloud
    far = reference_scores(score, fresh.samples, (real if against == "real" else fresh).samples)
    kept = curated(fresh, real, score=score, against=against, share=0.3)
    np.testing.assert_array_equal(kept.row, np.sort(np.argsort(far)[:18]))
    np.testing.assert_array_equal(kept.samples, fresh.samples[kept.row])


@pytest.mark.parametrize("score", ["nearest-real", "centre", "mahalanobis"])
def test_a_radius_keeps_what_lies_within_it_and_curating_twice_changes_nothing(cloud, score):
    fresh, real = cloud
    far = reference_scores(score, fresh.samples, real.samples)
    radius = float(np.median(far))
    kept = curated(fresh, real, score=score, radius=radius)
    np.testing.assert_array_equal(kept.row, np.flatnonzero(far <= radius))
    again = curated(kept, real, score=score, radius=radius)
    np.testing.assert_array_equal(again.row, kept.row)


@pytest.mark.parametrize("score", ["nearest-real", "centre", "mahalanobis"])
def test_a_planted_bad_sample_goes_first(cloud, score):
    fresh, real = cloud
    planted = fresh.edited(np.where(np.arange(60)[:, None] == 41, 100.0, fresh.samples))
    kept = curated(planted, real, score=score, share=59 / 60)
    np.testing.assert_array_equal(kept.row, np.delete(np.arange(60), 41))


@pytest.mark.parametrize("score", ["nearest-real", "centre", "mahalanobis"])
@pytest.mark.parametrize("rule", [{"share": 1.0}, {"radius": 1e9}], ids=["share", "radius"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_always_dropped(cloud, score, rule, bad):
    fresh, real = cloud
    broken = fresh.edited(np.where(np.arange(60)[:, None] == 7, bad, fresh.samples))
    against = "real" if score == "nearest-real" else "fresh"
    kept = curated(broken, real, score=score, against=against, **rule)
    np.testing.assert_array_equal(kept.row, np.delete(np.arange(60), 7))


def exactly(covariance, rng):
    """500 points whose mean is 0 and whose covariance (divisor n − 1) is the one given, to rounding."""
    x = rng.standard_normal((500, len(covariance)))
    x -= x.mean(0)
    return (
        np.linalg.solve(np.linalg.cholesky(np.cov(x.T).reshape(covariance.shape)), x.T).T
        @ np.linalg.cholesky(covariance).T
    )


@pytest.mark.parametrize(("d", "c"), [(1, 1.0), (2, 1.5), (5, 2.0)])
def test_culling_to_a_mahalanobis_radius_shrinks_the_covariance_as_theory_says(d, c):
    """Σ is multiplied by P(d/2 + 1, c²/2) / P(d/2, c²/2)."""
    rng = np.random.default_rng(RNG_SEED + d)
    covariance = np.eye(d) + 0.5
    real, root = pool(exactly(covariance, rng), REAL_DATA), np.linalg.cholesky(covariance)
    replicates = []
    for _ in range(400):
        kept = curated(pool(rng.standard_normal((1000, d)) @ root.T), real, score="mahalanobis", radius=c).samples
        replicates.append(np.trace(np.linalg.solve(covariance, kept.T @ kept)) / len(kept) / d)  # the mean is 0
    expected = gammainc(d / 2 + 1, c**2 / 2) / gammainc(d / 2, c**2 / 2)
    z = (np.mean(replicates) - expected) / (np.std(replicates, ddof=1) / np.sqrt(len(replicates)))
    assert abs(z) < 4


def test_culling_against_the_pool_itself_follows_its_own_spread():
    rng = np.random.default_rng(RNG_SEED)
    fresh = pool(rng.standard_normal((20_000, 2)) * 1e-8 + 3)  # a pool that has nearly collapsed
    real = pool(rng.standard_normal((100, 2)), REAL_DATA)
    kept = curated(fresh, real, score="mahalanobis", radius=1.5, against="fresh")
    expected = gammainc(1, 1.5**2 / 2)
    z = (len(kept) - 20_000 * expected) / np.sqrt(20_000 * expected * (1 - expected))
    assert abs(z) < 4


def test_a_sample_off_the_plane_that_real_data_lies_in_is_infinitely_far():
    rng = np.random.default_rng(RNG_SEED)
    flat = np.hstack([rng.standard_normal((50, 2)), np.full((50, 1), 4.0)])
    fresh = np.vstack([flat[:10], [[0.0, 0.0, 4.001]]])
    kept = curated(pool(fresh), pool(flat, REAL_DATA), score="mahalanobis", radius=1e6)
    np.testing.assert_array_equal(kept.row, np.arange(10))


def test_a_pool_that_has_collapsed_to_a_point_is_kept():
    point = pool(np.full((30, 2), 0.1))
    assert len(curated(point, point, score="mahalanobis", radius=1.0, against="fresh")) == 30


@pytest.mark.parametrize(("encoder", "score"), [("pixels", "nearest-real"), ("pixels", "centre")])
def test_noise_among_digits_is_culled(encoder, score):
    source = build("source", "mnist")
    images, classes = source.load("heldout"), source.conditions("heldout")
    noise = np.random.default_rng(RNG_SEED).integers(0, 256, (20, 1, 28, 28), np.uint8)
    mixed = np.concatenate([images[:90], noise, images[90:180]])
    fresh = Pool.born(mixed, Origin("g", 1), condition=np.concatenate([classes[:90], [0] * 20, classes[90:180]]))
    real = Pool.born(images[200:1200], Origin("real", REAL_DATA))
    kept = curated(fresh, real, score=score, encoder=encoder, share=0.9)
    np.testing.assert_array_equal(kept.row, np.delete(np.arange(200), np.arange(90, 110)))
    np.testing.assert_array_equal(kept.condition, classes[:180])


def test_half_is_kept_when_nothing_is_said_and_never_less_than_one(cloud):
    fresh, real = cloud
    assert len(curated(fresh, real)) == 30
    assert len(curated(fresh.take(np.arange(2)), real, share=0.01)) == 1


def test_ties_go_to_the_earlier_sample():
    same = pool(np.ones((6, 2)))
    np.testing.assert_array_equal(curated(same, same, score="centre", share=0.5).row, [0, 1, 2])


@pytest.mark.parametrize("wide", [0, 1e6])
def test_the_nearest_is_the_nearest_however_far_the_data_reach(cloud, wide):
    """Two clusters of real rows, a hundred million times as far apart as their rows are."""
    from autophagy.curators import _scores

    fresh, real = cloud
    near, rows = fresh.samples / 100 + wide, real.samples / 100
    target = np.concatenate([rows + wide, rows - wide])
    np.testing.assert_allclose(_scores.nearest(near, target), cdist(near, target).min(1), rtol=1e-9)


@pytest.mark.parametrize("scale", [2.0**-500, 2.0**600, 2.0**1020])
def test_scales_of_features_change_no_mahalanobis_distance(cloud, scale):
    from autophagy.curators import _scores

    fresh, real = cloud
    near = _scores.mahalanobis(fresh.samples, real.samples)
    np.testing.assert_array_equal(_scores.mahalanobis(fresh.samples * scale, real.samples * scale), near)


def test_a_copy_of_a_real_sample_is_at_distance_zero():
    from autophagy.curators import _scores

    real = np.random.default_rng(RNG_SEED).standard_normal((900, 20)) + 1e4
    np.testing.assert_array_equal(_scores.nearest(real[::-1], real), np.zeros(900))


def test_an_empty_pool_stays_empty(cloud):
    fresh, real = cloud
    assert len(curated(fresh.take(np.arange(0)), real)) == 0


def test_too_few_samples_for_a_covariance_are_refused(cloud):
    fresh, real = cloud
    with pytest.raises(DataError, match=r"needs at least 4 real samples for 3 features, but got 3"):
        curated(fresh, real.take(np.arange(3)), score="mahalanobis")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.5, "radius": 1.0}, r"share = 0\.5 and radius = 1\.0 are two rules; keep one"),
        ({"against": "fresh"}, r'against = "fresh" has no nearest real sample'),
        ({"share": 0.0}, r"share must be above 0 and at most 1, but is 0\.0"),
        ({"radius": -1}, r"radius must be above 0, but is -1\.0"),
        ({"score": "nearest"}, r"score must be one of .*Did you mean 'nearest-real'\?"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        build("curator", {"use": "quality", **settings})
