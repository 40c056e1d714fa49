"""Metric `frechet` with matched = "group": of every condition equally many rows on both sides."""

import math
from dataclasses import replace

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.features import Features
from autophagy.kernels.frechet import frechet
from autophagy.metrics._matched import matched
from autophagy.testing.fakes import Logged, LoggedByClass, Numbered

GROUP = {"use": "frechet", "matched": "group"}
BLUE, RED, TEAL = (f"a photo of a {colour} seven" for colour in ("blue", "red", "teal"))


@pytest.fixture
def captioned(finish):
    """captioned(own, known) is a generation whose samples and reference have these captions, and its rows."""

    def made(own, known, features=None):
        rng = np.random.default_rng(0)
        samples, reference = rng.standard_normal((len(own), 3)), rng.standard_normal((len(known), 3)) + 1
        generation = finish(samples, reference, features=features)
        return replace(
            generation,
            samples=replace(generation.samples, condition=np.array(own)),
            reference=replace(generation.reference, condition=np.array(known)),
        )

    return made


@pytest.fixture
def uneven(captioned):
    """30 blue of 30, 30 red of 22, and 30 of a kind that the reference has not."""
    return captioned([BLUE, RED, TEAL] * 30, [RED] * 22 + [BLUE] * 40)


def first(pool, sizes):
    rows = [np.flatnonzero(pool.condition == name)[:size] for name, size in sizes.items()]
    return pool.samples[np.concatenate(rows)]


def test_the_distance_is_that_of_the_first_rows_of_every_group(uneven):
    metric = build("metric", GROUP)
    own, known = (first(pool, {BLUE: 30, RED: 22}) for pool in (uneven.samples, uneven.reference))
    alone = build("metric", "frechet").measure(replace_rows(uneven, own, known))
    found = metric.measure(uneven)
    assert found["distance"] == pytest.approx(frechet(own, known), rel=1e-12)
    assert found == pytest.approx(alone, rel=1e-9)  # debiased value and standard error are of the same rows
    assert set(found) == {"distance", "debiased", "se"}
    assert found["distance"] != build("metric", "frechet").measure(uneven)["distance"]


def replace_rows(generation, own, known):
    samples, reference = (
        replace(pool.unconditional().take(np.arange(len(rows))), samples=rows)
        for pool, rows in ((generation.samples, own), (generation.reference, known))
    )
    return replace(generation, samples=samples, reference=reference, features=Features())


def test_identity_tells_what_is_left_and_which_groups_are_short(uneven):
    told = build("metric", GROUP).identity(uneven)
    assert (told["n"], told["n_reference"], told["groups"], told["groups_short"]) == (52, 52, 3, 2)
    assert told["short"] == f"'{RED}' 22 of 30; '{TEAL}' 0 of 30"
    assert not {"groups", "short", "matched"} & set(build("metric", "frechet").identity(uneven))


def test_the_papers_820_of_900(captioned):
    """30 groups of 30 samples; eight groups of the reference have 20 rows only."""
    own = np.repeat(np.arange(30), 30)
    known = np.concatenate([np.repeat(np.arange(8), 20), np.repeat(np.arange(8, 30), 45)])
    told = build("metric", GROUP).identity(captioned(own, known))
    assert (told["n"], told["n_reference"], told["groups_short"]) == (820, 820, 8)
    assert told["short"].startswith("0 20 of 30; 1 20 of 30")
    assert told["short"].endswith("; 3 more")


def test_even_groups_lose_nothing(captioned):
    even = captioned([BLUE, RED] * 20, [RED, BLUE] * 20)
    assert build("metric", GROUP).measure(even) == build("metric", "frechet").measure(even)
    assert build("metric", GROUP).identity(even)["short"] == "none"


def test_a_reference_matched_otherwise_is_fitted_again(captioned):
    """Both generations share the reference and what is remembered of it, but not the rows that are read of it."""
    kept = Features()
    known = [RED] * 30 + [BLUE] * 30
    many, few = captioned([RED, BLUE] * 30, known, kept), captioned([RED] * 10 + [BLUE] * 50, known, kept)
    build("metric", GROUP).measure(many)
    again = build("metric", GROUP).measure(few)
    assert again == build("metric", GROUP).measure(replace(few, features=Features()))


def test_rows_keep_their_order_and_are_as_many_of_each(uneven):
    match = matched(uneven.samples, uneven.reference)
    for pool, rows in ((uneven.samples, match.samples), (uneven.reference, match.reference)):
        assert (np.diff(rows) > 0).all()
        names, counts = np.unique(pool.condition[rows], return_counts=True)
        assert dict(zip(names, counts, strict=True)) == {BLUE: 30, RED: 22}


def test_without_conditions_there_is_no_number(finish):
    found = build("metric", GROUP).measure(finish(np.zeros((9, 2)), np.ones((9, 2))))
    assert all(math.isnan(value) for value in found.values())


def test_plan_refuses_what_has_no_conditions_or_none_in_common():
    metric = build("metric", GROUP)
    for source, model in ((build("source", "normal"), LoggedByClass()), (Numbered(), Logged())):
        assert metric.objection(source, model).endswith("has none; leave matched out.")
        assert build("metric", "frechet").objection(source, model) is None
    assert metric.objection(Numbered(groups=2), LoggedByClass()) is None

    class Apart(Numbered):
        def conditions(self, split):
            return np.full(self.size(split), 1 if split == "train" else 2)

    assert "among the rows that it holds out, such as [1]" in metric.objection(Apart(), LoggedByClass())
