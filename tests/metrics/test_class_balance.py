"""Metric `class-balance`: what is left of the classes."""

import math

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Generation
from autophagy.core.pool import REAL_DATA, Origin, Pool


@pytest.fixture(scope="module")
def digits():
    """400 held-out digits with their classes; the first half is the reference."""
    source = build("source", "mnist")
    real = Origin("real", REAL_DATA)
    return Pool.born(source.load("heldout")[:400], real, condition=source.conditions("heldout")[:400])


def measured(samples, reference, **settings):
    generation = Generation(
        1, samples, real=reference, reference=reference, control=reference, source=build("source", "mnist")
    )
    metric = build("metric", {"use": "class-balance", **settings})
    return metric.measure(generation), metric.identity(generation)


def of_classes(pool, *classes):
    return pool.take(np.isin(pool.condition, classes))


def test_real_digits_have_every_class_in_nearly_equal_shares(digits):
    values, _ = measured(digits.take(np.arange(200, 400)), digits.take(np.arange(200)))
    assert values["classes_lost"] == 0
    assert 0.95 * math.log(10) < values["entropy_nats"] <= math.log(10)
    assert math.isclose(sum(values[f"share_{c}"] for c in range(10)), 1)
    assert values["agreement"] >= 0.97


def test_entropy_and_shares_are_those_of_the_predicted_labels(digits):
    values, _ = measured(digits, digits)
    labels = build("encoder", "lenet").classify(digits.samples)
    p = np.bincount(labels, minlength=10) / len(labels)
    assert math.isclose(values["entropy_nats"], -(p * np.log(p)).sum(), rel_tol=1e-12)
    assert [values[f"share_{c}"] for c in range(10)] == pytest.approx(p, abs=1e-15)
    assert values["largest_share"] == p.max()
    assert values["agreement"] == (labels == digits.condition).mean()


def test_digits_of_one_class_have_no_entropy_and_nine_lost(digits):
    ones = of_classes(digits, 1)
    ones = ones.take(build("encoder", "lenet").classify(ones.samples) == 1)
    values, _ = measured(ones, digits)
    assert values["entropy_nats"] == 0
    assert math.copysign(1, values["entropy_nats"]) == 1  # not −0
    assert values["classes_lost"] == 9
    assert values["largest_share"] == values["share_1"] == 1


def test_a_class_the_reference_never_had_is_not_lost(digits):
    few = of_classes(digits, 0, 1, 7)
    few = few.take(build("encoder", "lenet").classify(few.samples) == few.condition)
    assert measured(of_classes(few, 0, 1), few)[0]["classes_lost"] == 1
    assert measured(digits, few)[0]["classes_lost"] == 0


def test_wrong_conditions_show_in_the_agreement_alone(digits):
    wrong = Pool.born(digits.samples, digits.origins[0], condition=(digits.condition + 1) % 10)
    values, true = measured(wrong, digits)[0], measured(digits, digits)[0]
    assert values["agreement"] <= 0.03
    assert {k: v for k, v in values.items() if k != "agreement"} == {k: v for k, v in true.items() if k != "agreement"}


def test_agreement_has_no_value_without_class_numbers(digits):
    captions = Pool.born(digits.samples, digits.origins[0], condition=np.array(["a digit"] * len(digits)))
    assert math.isnan(measured(digits.unconditional(), digits)[0]["agreement"])
    assert math.isnan(measured(captions, digits)[0]["agreement"])


def test_no_samples_have_no_shares(digits):
    values, _ = measured(digits.take(np.arange(0)), digits)
    assert math.isnan(values["entropy_nats"])
    assert math.isnan(values["share_0"])
    assert math.isnan(values["largest_share"])
    assert values["classes_lost"] == 10


def test_identity_names_the_encoder_and_the_sizes(digits):
    _, identity = measured(digits.take(np.arange(50)), digits)
    assert identity == {"n": 50, "n_reference": 400, "encoder": "lenet", "encoder_version": 1}


def test_an_encoder_without_classes_is_refused():
    with pytest.raises(ConfigError, match=r"encoder must predict classes, but 'pixels' .* encoder = \"lenet\""):
        build("metric", {"use": "class-balance", "encoder": "pixels"})
