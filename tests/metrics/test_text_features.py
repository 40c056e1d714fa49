"""Metrics that take any encoder measure texts with one that reads them, and the plan says which those are."""

from dataclasses import dataclass

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.core.errors import DataError, PlanError
from autophagy.core.features import Features
from autophagy.core.known import Tokenised
from autophagy.core.parts import Encoder
from autophagy.testing import check, toys

METRICS = ["vendi", "frechet", "kid", "precision-recall", "density-coverage", "memorisation", "authenticity", "mauve"]
HASHED = {"use": "hashed-ngrams", "dimension": 64}


@pytest.mark.parametrize("name", [*METRICS, "prompt-diversity"])
def test_it_keeps_its_claims_on_texts(name):
    metric = build("metric", {"use": name, "encoder": HASHED})
    assert toys.spaces(metric) == ["text"]
    assert check(metric)
    assert np.isfinite(list(metric.measure(toys.generation("text")).values())).any()


def test_a_collapse_of_texts_is_seen(measure):
    real, held_out = toys.samples("text", 200, toys.Seed((1,))), toys.samples("text", 200, toys.Seed((2,)))
    poor = np.repeat(real[:4], 50)
    rich, lost = (measure("vendi", some, held_out, {"encoder": HASHED})["vendi_match"] for some in (real, poor))
    assert rich > 0.95
    assert lost < 0.4


@pytest.mark.parametrize("name", METRICS[:-1])
def test_the_plan_says_which_encoders_read_texts(name):
    arm = {"source": toys.Toy("text"), "model": "n-gram", "loop": "fully-synthetic", "metrics": [name]}
    with pytest.raises(
        PlanError, match=r"'pixels' takes vectors or images, but source 'toy' gives text; .*hashed-ngrams"
    ):
        Experiment.of({"arms": {"arm": arm}}).plan()
    arm["metrics"] = [{"use": name, "encoder": HASHED}]
    assert Experiment.of({"arms": {"arm": arm}}).plan()


def test_hashed_ngrams_are_cosines_of_counts():
    texts = np.array(["the sea", "the  sea\n", "the ship", "gull", ""])
    found = build("encoder", {"use": "hashed-ngrams", "dimension": 2**16}).encode(texts)
    expected = np.array([[1, 1, 1 / 3, 0], [1, 1, 1 / 3, 0], [1 / 3, 1 / 3, 1, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(found[:4] @ found[:4].T, expected, atol=1e-6)
    assert not found[4].any()
    letters = build("encoder", {"use": "hashed-ngrams", "unit": "character", "orders": [2, 2], "dimension": 2**16})
    np.testing.assert_allclose(
        letters.encode(np.array(["abc", "bcd"])) @ letters.encode(np.array(["abc"])).T, [[1], [0.5]]
    )
    with pytest.raises(DataError, match="takes texts"):
        letters.encode(np.zeros((2, 3), np.int32))


@dataclass(frozen=True)
class _Rows(Tokenised):
    read: list
    width = 3

    def vocabulary(self):
        return ""

    def texts(self, rows):
        self.read.append(len(rows))
        return np.array([" ".join(f"t{token}" for token in row) for row in rows.tolist()])


@dataclass(frozen=True)
class _Lengths(Encoder):
    name = "lengths"
    takes = ("text",)

    def encode(self, samples):
        return np.array([[len(text)] for text in samples.tolist()], np.float32)


def test_rows_of_tokens_are_read_as_texts_once(finish):
    source = _Rows([])
    generation = finish(np.array([[1, 22], [3, 4]]), np.array([[1, 1]]), source=source, features=Features())
    for _ in range(3):
        np.testing.assert_array_equal(generation.encode(_Lengths(), generation.samples), [[6], [5]])
    assert source.read == [2, 1]  # samples, and the reference that an encoder may be fitted on
