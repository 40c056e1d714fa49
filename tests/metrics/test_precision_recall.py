"""Metrics `precision-recall` and `density-coverage`, against the code of the latter's paper."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.features import Features


def clouds(n, m, d, seed):
    rng = np.random.default_rng(seed)
    return (0.8 * rng.standard_normal((n, d)) + 0.2).astype(np.float32), rng.standard_normal((m, d)).astype(np.float32)


@pytest.mark.parametrize(("n", "m", "d", "k"), [(300, 400, 8, 5), (400, 300, 64, 3), (50, 700, 2, 1)])
def test_agrees_exactly_with_prdc(measure, n, m, d, k):
    import prdc

    fake, real = clouds(n, m, d, 1)
    theirs = prdc.compute_prdc(
        real_features=real.astype(np.float64), fake_features=fake.astype(np.float64), nearest_k=k
    )
    mine = measure("precision-recall", fake, real, {"k": k}) | measure("density-coverage", fake, real, {"k": k})
    for name, value in theirs.items():
        assert mine[name] == pytest.approx(value, abs=1e-12), name  # equal counts: 1 / n is far more than this


def test_real_data_against_itself(measure):
    real = clouds(200, 200, 4, 2)[1]
    found = measure("precision-recall", real, real) | measure("density-coverage", real, real)
    assert found["precision"] == found["recall"] == found["coverage"] == 1.0
    assert found["zero_radii"] == found["reference_zero_radii"] == 0.0


def test_collapse_to_one_real_point_keeps_precision_and_loses_the_rest(measure):
    real = clouds(200, 200, 4, 3)[1]
    fake = np.repeat(real[:1], 50, axis=0)
    found = measure("precision-recall", fake, real) | measure("density-coverage", fake, real)
    assert found["precision"] == 1.0
    assert found["recall"] == 1 / 200  # radius zero still holds the copied point, by ≤
    assert found["zero_radii"] == 50
    assert found["coverage"] < 0.1


def test_a_border_belongs_to_precision_and_not_to_density(measure):
    real, fake = np.array([[0.0], [1.0]]), np.array([[2.0], [-1.0]])  # both on a border of radius 1, k = 1
    settings = {"k": 1}
    assert measure("precision-recall", fake, real, settings)["precision"] == 1.0
    assert measure("density-coverage", fake, real, settings) == {"density": 0.0, "coverage": 0.0}


def test_shifting_both_sets_changes_nothing(measure):
    fake, real = (np.round(x.astype(np.float64) * 64) / 64 for x in clouds(100, 120, 3, 4))  # exact under the shift
    assert measure("precision-recall", fake, real) == measure("precision-recall", fake + 1024, real + 1024)


def test_one_pass_serves_both_metrics(measure, monkeypatch):
    fake, real = clouds(60, 70, 3, 5)
    features = Features()
    first = measure("precision-recall", fake, real, features=features)
    monkeypatch.setattr("autophagy.metrics._manifold.balls", None)  # a second pass would fail
    assert measure("density-coverage", fake, real, features=features)["coverage"] > 0
    assert measure("precision-recall", fake, real, features=features) == first


@pytest.mark.parametrize("metric", ["precision-recall", "density-coverage"])
def test_undefined_is_nan(measure, metric):
    fake, real = clouds(60, 70, 3, 6)
    assert all(math.isnan(v) for v in measure(metric, fake[:5], real).values())
    assert all(math.isnan(v) for v in measure(metric, fake, real[:5]).values())
    fake[3] = np.nan
    assert all(math.isnan(v) for v in measure(metric, fake, real).values())


@pytest.mark.parametrize("metric", ["precision-recall", "density-coverage"])
def test_limit_reads_the_same_rows_every_time_and_says_so(measure, finish, metric):
    fake, real = clouds(80, 90, 3, 7)
    first = measure(metric, fake, real, {"limit": 40})
    assert measure(metric, fake, real, {"limit": 40}) == first != measure(metric, fake, real)
    identity = build("metric", {"use": metric, "limit": 40}).identity(finish(fake, real))
    assert (identity["n"], identity["n_reference"], identity["k"]) == (40, 40, 5)
    assert identity["comparison"] == {"precision-recall": "<=", "density-coverage": "<"}[metric]
