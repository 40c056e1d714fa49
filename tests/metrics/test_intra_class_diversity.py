"""Metric `intra-class-diversity`: what differs inside each class."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.testing.fakes import Numbered

BY_CONDITION = {"by": "condition", "encoder": "pixels"}


def images(n, seed, contrast=1.0):
    drawn = np.random.default_rng(seed).integers(0, 256, (n, 1, 28, 28))
    return (128 + contrast * (drawn - 128)).astype(np.uint8)


@pytest.fixture
def labelled(finish):
    """Samples of half the contrast in class 1, and two of class 2 alone."""
    labels = np.repeat([0, 1, 2], [40, 40, 2])
    samples = np.concatenate([images(40, 0), images(40, 1, 0.5), images(2, 2)])
    known = np.repeat([0, 1, 2], 30)
    generation = finish(samples, images(90, 3))
    return replace(
        generation,
        samples=replace(generation.samples, condition=labels),
        reference=replace(generation.reference, condition=known),
    )


def test_each_class_has_the_mean_of_its_own_pairs(labelled):
    found = build("metric", {"use": "intra-class-diversity", **BY_CONDITION}).measure(labelled)
    rows = labelled.samples.samples.reshape(82, -1) / 255.0
    known = labelled.reference.samples.reshape(90, -1) / 255.0
    means = [pdist(rows[:40]).mean(), pdist(rows[40:80]).mean()]
    usual = [pdist(known[:30]).mean(), pdist(known[30:60]).mean()]
    assert found["class_0"] == pytest.approx(means[0], rel=1e-6)
    assert found["class_1"] == pytest.approx(means[1], rel=1e-6)
    assert math.isnan(found["class_2"])
    assert found["mean"] == pytest.approx(np.mean(means), rel=1e-6)
    assert found["ratio"] == pytest.approx(np.mean(np.divide(means, usual)), rel=1e-6)
    assert found["match"] == found["ratio"] < 1
    assert found["least_ratio"] == pytest.approx(means[1] / usual[1], rel=1e-6)
    assert found["least_ratio"] == pytest.approx(0.5, abs=0.02)


def test_classes_are_those_the_encoder_predicts(finish):
    metric = build("metric", "intra-class-diversity")
    generation = finish(images(200, 0), images(200, 1))
    features = generation.encode(metric.encoder, generation.samples)
    classes = metric.encoder.decide(features)
    found = metric.measure(generation)
    assert {f"class_{c}" for c in metric.encoder.classes} < set(found)
    largest = np.bincount(classes).argmax()
    truth = pdist(features[classes == largest].astype(np.float64)).mean()
    assert found[f"class_{largest}"] == pytest.approx(truth, rel=1e-5)


def test_real_data_against_themselves_have_ratio_one(labelled):
    metric = build("metric", {"use": "intra-class-diversity", **BY_CONDITION})
    found = metric.measure(replace(labelled, samples=labelled.reference))
    assert found["ratio"] == found["match"] == found["least_ratio"] == 1.0


def test_samples_without_classes_have_no_number(finish):
    metric = build("metric", {"use": "intra-class-diversity", **BY_CONDITION})
    found = metric.measure(finish(images(20, 0), images(20, 1)))
    assert all(math.isnan(value) for value in found.values())


def test_needs_an_encoder_that_predicts_or_a_model_that_learns_classes():
    with pytest.raises(ConfigError, match="must predict classes"):
        build("metric", {"use": "intra-class-diversity", "encoder": "pixels"})
    metric = build("metric", {"use": "intra-class-diversity", **BY_CONDITION})
    objection = metric.objection(Numbered(), build("model", "gaussian"))
    assert "class labels" in objection
