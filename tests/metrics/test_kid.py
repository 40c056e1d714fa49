"""Metric `kid`."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.features import Features
from autophagy.kernels.kid import kid


def sets(n=60, m=50, seed=0):
    rng = np.random.default_rng(seed)
    return 1.2 * rng.standard_normal((n, 4)), rng.standard_normal((m, 4))


def test_reports_the_distance_and_its_error(measure):
    a, b = sets()
    found = kid(a, b)
    assert measure("kid", a, b) == {"kid": found.value, "se": found.error}


def test_remembers_the_reference(measure):
    (a, b), features = sets(), Features()
    assert measure("kid", a, b, features=features) == measure("kid", a, b, features=features) == measure("kid", a, b)


def test_subsets_come_from_the_seed_and_not_from_the_order_of_rows(measure):
    a, b = sets()
    form = {"subsets": 5, "subset_size": 20}
    found = measure("kid", a, b, form)
    assert set(found) == {"kid", "subset_sd"}
    turned = measure("kid", a[::-1].copy(), b[::-1].copy(), form)
    assert turned["kid"] == pytest.approx(found["kid"], rel=1e-9)
    assert measure("kid", a, b, {**form, "seed": 1}) != found


def test_subsets_of_everything_are_the_distance_itself(measure):
    a, b = sets(40, 40)
    found = measure("kid", a, b, {"subsets": 3, "subset_size": 40})
    assert found["kid"] == pytest.approx(measure("kid", a, b)["kid"], rel=1e-9)
    assert found["subset_sd"] == pytest.approx(0, abs=1e-12)


def test_limit_reads_no_more(measure, finish):
    a, b = sets()
    assert measure("kid", a, b, {"limit": 50}) != measure("kid", a, b)
    identity = build("metric", {"use": "kid", "limit": 55}).identity(finish(a, b))
    assert (identity["n"], identity["n_reference"], identity["subsets"]) == (55, 50, 0)


def test_needs_what_it_draws():
    assert build("metric", "kid").fewest == 2
    assert build("metric", {"use": "kid", "subsets": 100}).fewest == 1000


def test_has_no_value_for_what_is_not_finite(measure):
    a, b = sets()
    b[3, 2] = np.inf
    assert all(math.isnan(v) for v in measure("kid", a, b).values())
    assert all(math.isnan(v) for v in measure("kid", b, a).values())
