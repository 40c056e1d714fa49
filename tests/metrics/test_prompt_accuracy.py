"""Metric `prompt-accuracy`: what a classifier finds, held against what captions asked for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from autophagy import Experiment
from autophagy.core.abilities import Captions
from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.core.parts import Encoder, Model, Sampler
from autophagy.testing.fakes import Logged, LoggedByClass, Numbered

WORDS = {"colour": ("red", "green"), "thing": ("seven", "one", "t-shirt")}


@dataclass(frozen=True)
class Told(Encoder, Captions):
    """Finds in a sample (a, b) the colour a and the thing b."""

    name = "told"

    def encode(self, samples: np.ndarray) -> np.ndarray:
        return samples.astype(np.float64)

    def words(self) -> Mapping[str, tuple[str, ...]]:
        return WORDS

    def answers(self, features: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"colour": features[:, 0].astype(int), "thing": features[:, 1].astype(int)}


METRIC = build("metric", {"use": "prompt-accuracy", "encoder": Told()})


@pytest.fixture
def told(finish):
    """told(captions, found) is a generation of samples on which that is found: pairs of words' places."""

    def made(captions, found):
        generation = finish(np.asarray(found, float), np.zeros((2, 2)))
        return replace(generation, samples=replace(generation.samples, condition=np.array(captions)))

    return made


@pytest.fixture
def eight(told):
    """Four sevens, of which one is green and one a one; two t-shirts, both right; a coat, and two things at once."""
    captions = ["a photo of a red seven"] * 4 + ["A photo of a GREEN t-shirt."] * 2
    captions += ["a photo of a red coat", "one red seven"]
    found = [(0, 0), (0, 0), (1, 0), (0, 1), (1, 2), (1, 2), (0, 0), (0, 0)]
    return told(captions, found)


def test_shares_are_of_the_samples_whose_captions_are_read(eight):
    found = METRIC.measure(eight)
    assert (found["both"], found["colour"], found["thing"]) == pytest.approx((4 / 6, 5 / 6, 5 / 6))
    assert (found["lowest_thing"], found["lowest_colour"]) == (0.75, 0.75)
    assert (found["n"], found["unread"]) == (6, 2)
    assert found["both_se"] == pytest.approx(math.sqrt(4 / 6 * 2 / 6 / 6))
    assert found["thing_se"] == pytest.approx(math.sqrt(5 / 6 * 1 / 6 / 6))


def test_identity_names_the_lowest_words(eight):
    identity = METRIC.identity(eight)
    assert (identity["n"], identity["lowest_thing"], identity["lowest_colour"]) == (6, "seven", "red")


def test_an_unknown_word_is_never_an_error(told):
    """Whatever is found where nothing that is known was asked for."""
    captions = ["a red seven"] * 3 + ["a dog walker training a dog"] * 5
    for answer in range(3):
        found = METRIC.measure(told(captions, [(0, 0)] * 3 + [(1, answer)] * 5))
        assert (found["both"], found["n"], found["unread"]) == (1.0, 3, 5)


def test_a_word_within_another_is_not_that_word(told):
    found = METRIC.measure(told(["a redder stone", "a t-shirt", "red one"], [(0, 1)] * 3))
    assert (found["n"], found["unread"], found["both"]) == (1, 2, 1.0)


def test_samples_without_captions_have_no_number(told, finish):
    for generation in (
        finish(np.ones((3, 2)), np.ones((3, 2))),
        told([1, 2, 0], [(0, 0)] * 3),
        told([], np.zeros((0, 2))),
    ):
        found = METRIC.measure(generation)
        assert (found.pop("n"), found.pop("unread")) == (0, len(generation.samples))
        assert all(math.isnan(value) for value in found.values())
        assert METRIC.identity(generation)["lowest_thing"] == "none"


def test_real_photographs_are_read_almost_without_error(finish):
    source = build("source", "coloured-digits")
    images, captions = (rows[:600] for rows in (source.load("heldout"), source.conditions("heldout")))
    generation = finish(images, images[:1])
    metric = build("metric", "prompt-accuracy")
    right = metric.measure(replace(generation, samples=replace(generation.samples, condition=captions)))
    assert right["both"] > 0.97
    assert right["unread"] == 0
    mixed = np.roll(captions, 1)
    wrong = metric.measure(replace(generation, samples=replace(generation.samples, condition=mixed)))
    assert wrong["both"] < 0.1
    assert wrong["both"] <= min(wrong["thing"], wrong["colour"])


def test_needs_an_encoder_that_says_what_it_sees():
    with pytest.raises(ConfigError, match="encoder must say what is on a sample, but 'lenet' gives features only"):
        build("metric", {"use": "prompt-accuracy", "encoder": "lenet"})


@dataclass(frozen=True)
class Captioned(Numbered):
    """Black images with captions of two things."""

    space = "images"
    colour: str = "red"

    def load(self, split):
        return np.zeros((self.size(split), 3, 32, 32), np.uint8)

    def conditions(self, split):
        return np.array([f"a photo of a {self.colour} {('seven', 't-shirt')[i % 2]}" for i in range(self.size(split))])


def test_plan_refuses_sources_whose_captions_it_cannot_read():
    assert METRIC.objection(Captioned(), LoggedByClass()) is None
    assert "finds no caption of source 'numbered' that names a colour and a thing its encoder 'told' knows" in (
        METRIC.objection(Captioned(colour="pink"), LoggedByClass())
    )
    assert "gives class labels" in METRIC.objection(Numbered(groups=2), LoggedByClass())
    assert "gives none" in METRIC.objection(Numbered(), LoggedByClass())
    assert "takes none" in METRIC.objection(Captioned(), Logged())


class Blank(Sampler):
    """Draws nothing but black images, whatever it is asked for."""

    def sample(self, n, *, condition, bias, seed, begin=None):
        return np.zeros((n, 3, 32, 32), np.uint8)

    def save(self, folder):
        (folder / "blank.json").write_text("{}")


@dataclass(frozen=True)
class Blanks(Model):
    name = "blanks"
    conditional = True

    def fit(self, train, *, start, seed, workspace):
        return Blank()

    def load(self, folder):
        return Blank()


def test_the_engine_measures_own_samples_other_prompts_and_real_data(tmp_path):
    prompts = ["a photo of a blue bag", "a photo of a lilac bag"]
    base = {
        "source": Captioned(), "model": Blanks(), "loop": "real-only", "real": 60, "metrics": ["prompt-accuracy"],
        "probes": {"other": {"conditions": prompts, "each": 3}},
    }  # fmt: skip
    results = Experiment.of({"generations": 1, "seeds": [0], "base": base, "arms": {"only": {}}}).run(tmp_path)
    scores = results.records()[-1].scores
    label = "prompt-accuracy[coloured-things]"
    assert (scores[f"{label}.n"], scores[f"{label}.unread"]) == (60, 0)
    assert scores[f"{label}.both"] < 0.3
    assert (scores[f"{label}@other.n"], scores[f"{label}@other.unread"]) == (3, 3)
