"""A plan prints what will run, defaults included, once for all arms that share it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from autophagy.cli.app import app
from autophagy.cli.told import lines, settings
from autophagy.experiment.read import experiment

RAW = {
    "base": {"source": "mnist", "model": {"use": "gaussian-mixture", "components": 3}, "real": 100},
    "arms": {
        "a": {"loop": "fully-synthetic"},
        "b": {"loop": "fully-synthetic", "bias": 0.5},
        "c": {"loop": "real-only", "model": "kde"},
    },
}


def test_arms_that_share_a_model_are_told_together() -> None:
    told = list(lines(experiment({**RAW, "base": {**RAW["base"], "source": {"use": "normal", "dim": 2}}})))
    assert [line.split(":")[0] for line in told] == [
        "source",
        "model of a, b",
        "model of c",
        "fits and draws of a, c",
        "fits and draws of b",
    ]
    assert "components = 3" in told[1]
    assert "bias = 0.5" in told[-1]


def test_every_field_of_an_arm_is_in_the_json() -> None:
    arm = experiment({"base": {**RAW["base"], "model": "eigen-mixture"}, "arms": {"a": RAW["arms"]["a"]}}).arms["a"]
    told = settings(arm)
    assert json.loads(json.dumps(told))["model"]["components"] == 5
    assert set(told) == set(vars(arm))


def test_the_published_settings_of_nepotism_are_printed(tmp_path) -> None:
    done = CliRunner().invoke(app, ["plan", "nepotism", "--json", "--store", str(tmp_path)])
    (real, *_) = json.loads(done.output)["arms"]
    assert real["settings"]["model"]["learning_rate"] == 2e-4
    assert real["settings"]["seeding"] == 0.8
