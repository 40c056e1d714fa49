"""Least squares that labels its own data."""

from __future__ import annotations

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import DataError, Diverged, PlanError
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.models.linear_regression import FittedRegression
from autophagy.testing.toys import workspace

WEIGHTS, NOISE = np.array([0.5, -1.0]), 0.5


def pool(n: int) -> Pool:
    rng = np.random.default_rng(n)
    x = rng.standard_normal((n, 2))
    return Pool.born(np.column_stack((x, x @ WEIGHTS + NOISE * rng.standard_normal(n))), Origin("test", -1))


def fitted(train: Pool, **settings: object) -> FittedRegression:
    model = build("model", {"use": "linear-regression", **settings})
    found = model.fit(train, start=None, seed=Seed(("fit",)), workspace=workspace())
    assert isinstance(found, FittedRegression)
    return found


def test_it_finds_what_made_the_labels() -> None:
    found = fitted(pool(20_000))
    np.testing.assert_allclose(found.weights, WEIGHTS, atol=0.02)
    assert found.noise[0] == pytest.approx(NOISE, rel=0.03)


@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_it_solves_the_normal_equations(ridge: float) -> None:
    train = pool(15)
    x, y = train.samples[:, :2], train.samples[:, 2]
    expected = np.linalg.solve(x.T @ x + 15 * ridge * np.eye(2), x.T @ y)
    found = fitted(train, ridge=ridge, unbiased=True)
    np.testing.assert_allclose(found.weights, expected, rtol=1e-10)
    assert found.noise[0] == pytest.approx(np.sqrt(np.sum((y - x @ expected) ** 2) / 13))
    assert fitted(train, ridge=ridge).noise[0] == pytest.approx(found.noise[0] * np.sqrt(13 / 15))


def test_draws_have_new_features_and_labels_of_its_own() -> None:
    found = fitted(pool(50))
    rows = found.sample(100_000, condition=None, bias=0.25, seed=Seed(("draw",)))
    mean, covariance = FittedRegression(found.weights, 0.5 * found.noise).moments()
    assert np.abs(rows.mean(0) - mean).max() < 0.02
    np.testing.assert_allclose(np.cov(rows.T), covariance, atol=0.03)


def test_its_density_is_the_joint_normal() -> None:
    from scipy.stats import multivariate_normal

    found, rows = fitted(pool(50)), pool(7).samples
    mean, covariance = found.moments()
    np.testing.assert_allclose(found.log_prob(rows), multivariate_normal(mean, covariance).logpdf(rows))


@pytest.mark.parametrize(("settings", "n"), [({}, 1), ({"unbiased": True}, 2)])
def test_too_few_samples_are_one_sentence(settings: dict[str, object], n: int) -> None:
    with pytest.raises(DataError, match=f"needs at least {n + 1} samples for 2 features, but got {n}"):
        fitted(pool(n), **settings)


def test_a_label_alone_is_one_sentence() -> None:
    with pytest.raises(DataError, match="at least one feature beside the label"):
        fitted(Pool.born(np.ones((4, 1)), Origin("test", -1)))


def test_samples_too_far_apart_end_the_lineage() -> None:
    with pytest.raises(Diverged):
        fitted(Pool.born(np.array([[1e-300, 1e200], [2e-300, -1e200], [1.0, 1e200]]), Origin("test", -1)))


def test_the_plan_refuses_features_that_are_not_standard() -> None:
    source = {"use": "normal", "dim": 2, "mean": [1.0, 0.0]}
    arm = {"source": source, "model": "linear-regression", "loop": "fully-synthetic", "real": 10}
    with pytest.raises(PlanError, match=r"draws features from N\(0, I\)"):
        Experiment.of({"arms": {"arm": arm}}).plan()
