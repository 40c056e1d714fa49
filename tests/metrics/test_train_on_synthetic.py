"""Metric `train-on-synthetic`: what samples are worth to a classifier, on cases whose answer is known."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import PlanError
from autophagy.core.features import Features
from autophagy.core.generation import Generation
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.metrics import _classifiers

ENDS = ["mlp", "logistic"]


@pytest.fixture(scope="module")
def mnist():
    """300 digits and their classes to train on, 300 others like them, and 1,000 held-out ones."""
    source = build("source", "mnist")
    digits, classes = source.load("train"), source.conditions("train")
    held, truth = source.load("heldout")[:1000], source.conditions("heldout")[:1000]
    return (
        born("real", digits[:300], classes[:300]),
        born("others", digits[300:600], classes[300:600]),
        born("held out", held, truth),
    )


def born(name, samples, condition=None):
    return Pool.born(samples, Origin(name, REAL_DATA), condition=condition)


def measured(samples, real, reference, features=None, **settings):
    """The metric's values and identity; by the quicker classifier unless another is named."""
    metric = build("metric", {"use": "train-on-synthetic", "classifier": "logistic", **settings})
    generation = Generation(1, samples, real, reference, reference, build("source", "mnist"))
    if features is not None:
        generation = Generation(1, samples, real, reference, reference, generation.source, features=features)
    return metric.measure(generation), metric.identity(generation)


@pytest.fixture(scope="module")
def features():
    """One cache, so that what the real rows are worth is worked out once."""
    return Features()


@pytest.mark.parametrize("classifier", ENDS)
def test_other_real_digits_are_worth_as_much_as_the_real_ones(mnist, classifier):
    real, others, held = mnist
    values, identity = measured(others, real, held, classifier=classifier)
    assert values["real_accuracy"] > 0.7
    assert abs(values["difference"]) < 0.05
    assert values["difference"] == values["accuracy"] - values["real_accuracy"]
    assert values["ratio"] == values["accuracy"] / values["real_accuracy"]
    assert (identity["n"], identity["n_reference"], identity["classifier"]) == (300, 1000, classifier)


def test_the_real_rows_themselves_are_worth_exactly_that(mnist, features):
    real, _, held = mnist
    values, _ = measured(real, real, held, features)
    assert values["accuracy"] == values["real_accuracy"]
    assert (values["difference"], values["difference_se"], values["ratio"]) == (0, 0, 1)


def test_the_number_of_rows_is_among_the_values(mnist, features):
    """It can differ from one generation to the next, and what identifies a series is said once."""
    real, others, held = mnist
    for n in (300, 200):
        assert measured(others.take(np.arange(n)), real, held, features)[0]["n"] == n
    assert measured(others.unconditional(), real, held, features)[0]["n"] == 300


@pytest.mark.parametrize("n", [30, 101, 150, 1000])
def test_the_network_takes_500_steps_whatever_the_number_of_rows(n):
    rng = np.random.default_rng(0)
    found = _classifiers._network(rng.standard_normal((n, 2)).astype(np.float32), np.arange(n) % 3)
    assert found._optimizer.t == 500
    assert found.t_ == 500 * min(n, 100)


@pytest.mark.parametrize("n", [100, 150, 9999])
def test_every_row_is_in_as_many_batches_as_every_other(n):
    batches = _classifiers._batches(n, 100)
    assert batches.shape == (500, 100)
    times = np.bincount(batches.ravel(), minlength=n)
    assert times.max() - times.min() <= 1
    np.testing.assert_array_equal(batches, _classifiers._batches(n, 100))


def test_held_out_rows_have_no_part_in_training(mnist, monkeypatch):
    """Neither classifier's rows, nor a held-out row's own, depend on which others are held out."""
    seen = []
    monkeypatch.setattr(
        _classifiers, "classified", lambda kind, rows, labels, asked: seen.append((rows, asked)) or labels[:1]
    )
    real, others, held = mnist
    measured(others, real, held)
    measured(others, real, held.take(held.condition < 5))
    (rows, asked), (again, fewer) = seen[1], seen[3]
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_array_equal(asked[held.condition < 5], fewer)
    usual = seen[0][0]
    np.testing.assert_allclose(usual.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(usual.var(0).mean(), 1, rtol=1e-4)
    assert abs(rows.mean(0)).max() > 0.01  # the others' are in units of the real rows, not their own


def test_digits_that_look_alike_are_worth_less_though_each_is_real(mnist, features):
    real, others, held = mnist
    first = [np.flatnonzero(others.condition == c)[0] for c in range(10)]
    alike = others.take(np.repeat(first, 30))
    values, _ = measured(alike, real, held, features)
    assert values["difference"] < -10 * values["difference_se"] < 0


def test_digits_of_a_lost_class_are_all_mistaken(mnist, features):
    real, others, held = mnist
    values, _ = measured(others.take(others.condition != 3), real, held, features)
    assert values["accuracy"] <= 1 - (held.condition == 3).mean()


def test_wrong_conditions_are_worth_nothing(mnist, features):
    real, others, held = mnist
    turned = born("turned", others.samples, (others.condition + 1) % 10)
    assert measured(turned, real, held, features)[0]["accuracy"] < 0.1


def test_standard_errors_are_binomial_and_paired(mnist, features):
    real, others, held = mnist
    values, _ = measured(others, real, held, features)
    for name in ("accuracy", "real_accuracy"):
        p = values[name]
        assert math.isclose(values[f"{name}_se"], math.sqrt(p * (1 - p) / 1000))
    apart = math.hypot(values["accuracy_se"], values["real_accuracy_se"])
    assert 0 < values["difference_se"] < apart  # both are right of the same digits more often than not


def test_a_classifier_on_learned_features_is_better(mnist):
    real, others, held = mnist
    values, identity = measured(others, real, held, encoder="lenet")
    assert values["accuracy"] > 0.97
    assert identity["encoder"] == "lenet"


@pytest.mark.parametrize("classifier", ENDS)
def test_neither_order_nor_threads_change_a_bit(mnist, classifier):
    real, others, held = mnist
    with threadpool_limits(1):
        one = measured(others, real, held, classifier=classifier)
    turned = np.random.default_rng(0).permutation(300)
    with threadpool_limits(2):
        assert measured(others.take(turned), real.take(turned[::-1]), held, classifier=classifier) == one


def test_both_sides_are_trained_on_as_many_rows(mnist):
    real, others, held = mnist
    whole, _ = measured(others, real, held)
    for samples, own, limit, n in ((others, real.take(np.arange(120)), 10_000, 120), (others, real, 100, 100)):
        values, identity = measured(samples, own, held, limit=limit)
        assert identity["n"] == n
        for name in ("accuracy", "real_accuracy"):
            assert values[name] < whole[name] - 0.02


def test_one_class_is_what_everything_is_taken_for(mnist, features):
    real, others, held = mnist
    sevens = others.take(others.condition == 7)
    values, _ = measured(sevens, real, held, features)
    assert values["accuracy"] == (held.condition == 7).mean()


def test_captions_do_as_well_as_classes(mnist, features):
    real, others, held = mnist
    with_classes, _ = measured(others, real, held, features)
    told = [born("told", p.samples, np.array([f"a photo of a {c}" for c in p.condition])) for p in mnist]
    values, _ = measured(told[1], told[0], told[2])
    assert values == with_classes


def test_rows_without_conditions_and_diverged_ones_have_no_value(mnist):
    real, others, held = mnist
    assert math.isnan(measured(others.unconditional(), real, held)[0]["accuracy"])
    rng, labels = np.random.default_rng(0), np.arange(40) % 2
    own = born("own", rng.standard_normal((40, 3)) + 4 * labels[:, None], labels)
    wild = born("wild", np.full((40, 3), np.nan), labels)
    values, _ = measured(wild, own, own)
    assert math.isnan(values["accuracy"])
    assert values["real_accuracy"] == 1


def test_vectors_far_away_still_have_a_value():
    rng, labels = np.random.default_rng(0), np.arange(60) % 2
    own = born("own", rng.standard_normal((60, 3)) + 4 * labels[:, None], labels)
    far = born("far", 1e30 * own.samples, labels)
    assert 0 <= measured(far, own, own)[0]["accuracy"] <= 1


@dataclass(frozen=True)
class Named:
    """As much of a source or a model as an objection reads."""

    name: str
    space: str = "images"
    labels: np.ndarray | None = None
    conditional: bool = True
    held: np.ndarray | None = None

    def conditions(self, split):
        return self.labels if split == "train" or self.held is None else self.held


def test_what_has_no_conditions_is_refused_in_the_plan():
    metric, model = build("metric", "train-on-synthetic"), Named("diffusion")
    labels = np.arange(10) % 2
    assert metric.objection(Named("mnist", labels=labels), model) is None
    sentence = "metric 'train-on-synthetic' needs classes or captions that samples are drawn for, but source '{}' or "
    assert sentence.format("faces") in metric.objection(Named("faces"), model)
    assert "model 'vae' has none" in metric.objection(Named("mnist", labels=labels), Named("vae", conditional=False))
    for labels, found in ((np.arange(10), 10), (np.zeros(10, int), 1)):
        assert f"has {found} in 10 rows" in metric.objection(Named("odd", labels=labels), model)
    told = np.array(["a cat"] * 60 + [f"cat {i}" for i in range(40)])
    assert "most of them with 5 rows or more, but source 'told' has 41 in 100 rows" in metric.objection(
        Named("told", labels=told), model
    )
    base = {"source": "gaussian-grid", "model": "kde", "metrics": ["train-on-synthetic"], "real": 20, "samples": 20}
    experiment = Experiment.of({"generations": 1, "base": base, "arms": {"closed": {"loop": "fully-synthetic"}}})
    with pytest.raises(PlanError, match="arm 'closed': metric 'train-on-synthetic' needs classes"):
        experiment.plan()


def test_held_out_classes_that_nobody_could_learn_are_refused_in_the_plan():
    metric, model, labels = build("metric", "train-on-synthetic"), Named("diffusion"), np.arange(20) % 2
    assert metric.objection(Named("halves", labels=labels, held=np.zeros(4, int)), model) is None
    said = metric.objection(Named("halves", labels=labels, held=np.array([0, 7, 1, 7])), model)
    assert "2 of the 4 that source 'halves' holds out are of classes that no row to train on has, such as 7;" in said
    told = Named("told", labels=np.array(["cat", "dog"] * 5), held=np.array(["cat", "a cat"]))
    assert "1 of the 2 that source 'told' holds out" in metric.objection(told, model)
    assert "such as 'a cat'" in metric.objection(told, model)
