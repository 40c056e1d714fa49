"""Metric `prompt-diversity`: pairs of one prompt only, whatever the prompts, without real data."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from autophagy import Experiment
from autophagy.core.catalog import build
from autophagy.testing.fakes import Logged, LoggedByClass, Numbered

ONE, TWO, LONE = "a photo of a red seven", "a photo of a blue seven", "a dog walker"


def of(**settings):
    return build("metric", {"use": "prompt-diversity", **settings})


@pytest.fixture
def prompted(finish):
    """prompted(rows, prompts) is a generation of samples drawn for them."""

    def made(rows, prompts):
        generation = finish(np.asarray(rows, float), np.zeros((4, np.shape(rows)[1])))
        return replace(generation, samples=replace(generation.samples, condition=np.array(prompts)))

    return made


@pytest.fixture
def three(prompted):
    """Six wide samples of one prompt among five narrow ones of another, and one sample of a third."""
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.standard_normal((6, 8)), 3 + 0.1 * rng.standard_normal((5, 8)), np.ones((1, 8))])
    prompts = np.array([ONE] * 6 + [TWO] * 5 + [LONE])
    mixed = rng.permutation(12)
    return prompted(rows[mixed], prompts[mixed])


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_only_pairs_of_one_prompt_count_and_prompts_count_the_same(three, distance):
    found = of(distance=distance).measure(three)
    rows, prompts = three.samples.samples, three.samples.condition
    means = [pdist(rows[prompts == prompt], distance).mean() for prompt in (ONE, TWO)]
    assert found["mean"] == pytest.approx(np.mean(means), rel=1e-9)
    assert found["least"] == pytest.approx(means[1], rel=1e-9)
    assert found["prompts"] == 2
    assert means[1] < means[0] / 2


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_the_error_is_the_jackknifes(three, distance):
    rows, prompts = three.samples.samples, three.samples.condition
    squares = []
    for prompt in (ONE, TWO):
        own = rows[prompts == prompt]
        left = np.array([pdist(np.delete(own, i, axis=0), distance).mean() for i in range(len(own))])
        squares.append((len(own) - 1) * left.var())
    assert of(distance=distance).measure(three)["mean_se"] == pytest.approx(np.sqrt(sum(squares)) / 2, rel=1e-9)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_the_error_is_that_of_fresh_samples(prompted, distance):
    prompts = np.repeat([ONE, TWO], 20)
    rng, metric = np.random.default_rng(1), of(distance=distance)
    found = [metric.measure(prompted(rng.standard_normal((40, 6)) + 1, prompts)) for _ in range(200)]
    errors = np.array([each["mean_se"] for each in found])
    assert np.sqrt((errors**2).mean()) == pytest.approx(np.std([each["mean"] for each in found]), rel=0.2)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_one_picture_for_each_prompt_has_none_at_all(prompted, distance):
    rows = np.repeat([[0.1, 0.7, 0.3], [0.9, 0.2, 0.1]], 7, axis=0)
    found = of(distance=distance).measure(prompted(rows, np.repeat([ONE, TWO], 7)))
    assert found == {"mean": 0.0, "mean_se": 0.0, "least": 0.0, "prompts": 2}


def test_cosine_is_blind_to_lengths_and_euclidean_is_not(three):
    lengths = np.random.default_rng(2).uniform(0.5, 2, (12, 1))
    other = replace(three, samples=three.samples.edited(three.samples.samples * lengths))
    assert of().measure(other)["mean"] == pytest.approx(of().measure(three)["mean"], rel=1e-9)
    euclidean = of(distance="euclidean")
    assert euclidean.measure(other)["mean"] != pytest.approx(euclidean.measure(three)["mean"], rel=1e-3)


def test_identity_names_the_prompt_that_has_lost_most(three):
    told = of().identity(three)
    assert (told["n"], told["least"], told["encoder"], told["distance"]) == (11, f"'{TWO}'", "pixels", "cosine")
    assert of(limit=2).identity(three)["n"] == 4


def test_class_labels_are_prompts_too(prompted):
    found = of().measure(prompted(np.random.default_rng(3).standard_normal((9, 4)), np.arange(9) % 3))
    assert found["prompts"] == 3
    assert found["mean"] > 0


def test_without_prompts_or_pairs_there_is_no_number(finish, prompted):
    for generation in (finish(np.ones((5, 2)), np.ones((5, 2))), prompted(np.ones((2, 2)), [ONE, TWO])):
        found = of().measure(generation)
        assert found.pop("prompts") == 0
        assert all(math.isnan(value) for value in found.values())
        assert (of().identity(generation)["n"], of().identity(generation)["least"]) == (0, "none")


def test_a_prompt_whose_features_have_no_direction_has_no_part(prompted):
    rows = np.array([[0.0, 0], [1, 1], [1, 0], [0, 1]])
    found = of().measure(prompted(rows, [ONE, ONE, TWO, TWO]))
    assert (found["prompts"], found["mean"]) == (1, pytest.approx(1.0))


def test_plan_refuses_samples_that_are_drawn_for_nothing():
    for source, model in ((build("source", "normal"), LoggedByClass()), (Numbered(groups=2), Logged())):
        assert of().objection(source, model).endswith("has none; leave the metric out.")
    assert of().objection(Numbered(groups=2), LoggedByClass()) is None


def test_probes_are_measured_as_the_generations_own_samples_are(tmp_path):
    base = {
        "source": Numbered(groups=2), "model": LoggedByClass(), "loop": "fully-synthetic", "real": 20,
        "metrics": [of(distance="euclidean")], "probes": {"one": {"conditions": [1], "each": 6}},
    }  # fmt: skip
    results = Experiment.of({"generations": 1, "seeds": [0], "base": base, "arms": {"only": {}}}).run(tmp_path)
    scores, label = results.records()[-1].scores, "prompt-diversity[pixels, distance=euclidean]"
    assert scores[f"{label}.prompts"] == 2
    assert scores[f"{label}@one.prompts"] == 1
    assert scores[f"{label}@one.mean"] > 0
