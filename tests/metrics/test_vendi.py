"""Metric `vendi`."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.kernels.vendi import vendi


def cloud(n, seed=0, d=5):
    return np.random.default_rng(seed).standard_normal((n, d)) + 0.4


def test_both_sides_are_scored_on_equally_many_rows(measure, finish):
    a, b = cloud(40), cloud(90, 1)
    found = measure("vendi", a, b)
    assert found["vendi"] == pytest.approx(vendi(a), rel=1e-12)
    assert found["vendi_reference"] != pytest.approx(vendi(b), rel=1e-3)  # of 40 rows, not 90
    identity = build("metric", "vendi").identity(finish(a, b))
    assert identity["n"] == identity["n_reference"] == 40
    assert measure("vendi", a, b, {"limit": 30})["vendi"] != found["vendi"]


def test_equal_sets_match_and_collapse_and_noise_do_not(measure):
    real = np.repeat(cloud(20, d=40), 2, axis=0)
    assert measure("vendi", real, real[::-1])["vendi_match"] == pytest.approx(1, rel=1e-12)
    collapsed = measure("vendi", real[:1].repeat(40, 0), real)
    noise = measure("vendi", np.random.default_rng(2).standard_normal((40, 40)), real)
    assert collapsed["vendi"] == pytest.approx(1)
    assert noise["vendi"] > noise["vendi_reference"]
    for found in (collapsed, noise):
        low, high = sorted((found["vendi"], found["vendi_reference"]))
        assert found["vendi_match"] == pytest.approx(low / high)


def test_rarefied_scores_are_means_that_do_not_depend_on_how_many_rows_there_were(measure):
    """Sets of 20 out of 50 or out of 400 have the same expected score; over many data sets the means agree."""
    few, many = (
        [
            measure("vendi", cloud(n, seed, 30), cloud(25, 1, 30), {"size": 20, "draws": 4})["vendi"]
            for seed in range(60)
        ]
        for n in (50, 400)
    )
    error = math.hypot(np.std(few), np.std(many)) / math.sqrt(60)
    assert abs(np.mean(few) - np.mean(many)) < 4 * error
    assert np.mean(few) < vendi(cloud(50, 0, 30))


def test_rarefaction_is_blind_to_the_order_of_rows_and_hears_its_seed(measure):
    a, b = cloud(60), cloud(60, 1)
    found = measure("vendi", a, b, {"size": 15})
    turned = measure("vendi", a[::-1].copy(), b, {"size": 15})
    assert turned["vendi"] == pytest.approx(found["vendi"], rel=1e-9)
    assert measure("vendi", a, b, {"size": 15, "seed": 1}) != found


@pytest.mark.parametrize(("order", "q"), [(0.5, 0.5), (2, 2.0), ("infinity", math.inf)])
def test_order_is_a_setting(measure, order, q):
    a = cloud(30)
    assert measure("vendi", a, a, {"order": order})["vendi"] == pytest.approx(vendi(a, q), rel=1e-12)


@pytest.mark.parametrize("order", [0, -1, "inf", math.inf])
def test_orders_that_cannot_be_are_refused(order):
    with pytest.raises(ConfigError, match="order must be"):
        build("metric", {"use": "vendi", "order": order})


def test_needs_as_many_rows_as_a_set_has(measure):
    assert build("metric", {"use": "vendi", "size": 500}).fewest == 500
    found = measure("vendi", cloud(9), cloud(40), {"size": 10})
    assert math.isnan(found["vendi"])
    assert math.isfinite(found["vendi_reference"])


def test_has_no_value_for_what_is_not_finite(measure):
    a = cloud(20)
    a[2, 2] = np.nan
    found = measure("vendi", a, cloud(20, 1))
    assert math.isnan(found["vendi"])
    assert math.isnan(found["vendi_match"])
    assert math.isfinite(found["vendi_reference"])
