import dataclasses

import pytest

from autophagy import Experiment
from autophagy.core.errors import StoreError
from autophagy.experiment.config import Experiment as Plain
from autophagy.experiment.notes import notes
from autophagy.experiment.plan import plan
from autophagy.experiment.read import profiles, read, recipes
from autophagy.experiment.rebuild import rebuild

EVERY = [(name, "smoke" if "smoke" in profiles(name) else None) for name in recipes()]


def small(experiment: Plain) -> Plain:
    """The same parts over a few generations: their keys are made alike."""
    arms = {
        n: dataclasses.replace(arm, generations=min(experiment.last_generation(n), 6))
        for n, arm in experiment.arms.items()
    }
    return dataclasses.replace(experiment, arms=arms, seeds=experiment.seeds[:2])


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_every_recipe_is_the_same_experiment_after_a_trip_through_its_run_folder(name, profile):
    asked = small(read(name, profile=profile))
    planned = plan(asked)
    again = rebuild(notes(planned))
    assert again.arms == asked.arms
    assert [turn.done for turn in plan(again).turns] == [turn.done for turn in planned.turns]


def test_what_has_defaults_probes_and_curators_comes_back():
    asked = Experiment.of(
        {
            "generations": 2,
            "arms": {
                "a": {
                    "source": "mnist",
                    "model": "eigen-mixture",
                    "loop": [{"use": "fully-synthetic", "generations": 1}, {"use": "fixed-share", "synthetic": 0.5}],
                    "per_group": 30,
                    "curators": [{"use": "dedupe"}],
                    "probes": {"threes": {"conditions": [3], "each": 4}},
                    "metrics": [{"use": "frechet", "encoder": {"use": "pca", "components": 7}}],
                }
            },
        },
        name="rich",
    )
    again = rebuild(notes(asked.plan()))
    assert again.arms == asked.arms
    assert again.name == "rich"


def changed(old: str, new: object) -> object:
    """The notes of a small run with one value of its settings replaced."""
    asked = read("accumulate", profile="smoke")
    told = notes(plan(small(asked)))

    def swap(value):
        if isinstance(value, dict):
            return {k: new if k == old and "use" in value else swap(v) for k, v in value.items()}
        return [swap(v) for v in value] if isinstance(value, list) else value

    return dataclasses.replace(told, experiment=swap(told.experiment))


def test_a_part_that_is_not_installed_is_named():
    with pytest.raises(StoreError, match=r"cannot be rebuilt here: .*there is no .* named 'elsewhere'"):
        rebuild(changed("use", "elsewhere"))


def test_a_run_from_before_a_setting_was_there_has_its_default():
    asked = small(read("accumulate", profile="smoke"))
    told = notes(plan(asked))
    arms = {n: {k: v for k, v in arm.items() if k != "conditions"} for n, arm in told.experiment["arms"].items()}
    assert rebuild(dataclasses.replace(told, experiment={**told.experiment, "arms": arms})).arms == asked.arms


def test_another_version_of_a_part_is_refused():
    with pytest.raises(StoreError, match=r"other versions of its parts: .*version is 99 there and \d here"):
        rebuild(changed("version", 99))


def test_a_run_of_too_many_turns_is_not_planned():
    told = notes(plan(small(read("accumulate", profile="smoke"))))
    huge = {**told.experiment, "generations": 10**15}
    huge["arms"] = {name: {k: v for k, v in arm.items() if k != "generations"} for name, arm in huge["arms"].items()}
    with pytest.raises(StoreError, match="turns are too many"):
        rebuild(dataclasses.replace(told, experiment=huge))
