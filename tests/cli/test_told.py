"""A plan prints what will run, defaults included, once for all arms that share it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from autophagy.archive.run_folder import ArmNotes
from autophagy.cli.app import app
from autophagy.cli.told import lines
from autophagy.experiment.notes import notes
from autophagy.experiment.plan import plan
from autophagy.experiment.read import experiment

RAW = {
    "base": {"source": "mnist", "model": {"use": "gaussian-mixture", "components": 3}, "real": 100},
    "arms": {
        "a": {"loop": "fully-synthetic"},
        "b": {"loop": "fully-synthetic", "bias": 0.5},
        "c": {"loop": "real-only", "model": "kde"},
    },
}


def arms(**base: object) -> tuple[ArmNotes, ...]:
    return notes(plan(experiment({**RAW, "base": {**RAW["base"], **base}}))).arms


def test_arms_that_share_a_model_are_told_together() -> None:
    told = list(lines(arms(source={"use": "normal", "dim": 2}, metrics=["moments"])))
    assert [line.split(":")[0] for line in told] == [
        "source",
        "model of a, b",
        "model of c",
        "metrics",
        "fits and draws of a, c",
        "fits and draws of b",
    ]
    assert "components = 3" in told[1]
    assert "bias = 0.5" in told[-1]


def test_curators_and_probes_are_told_where_there_are_any(tmp_path) -> None:
    done = CliRunner().invoke(app, ["plan", "nepotism-controls", "--store", str(tmp_path)])
    told = " ".join(done.output.split())
    assert "curators of colour-matched: colour-match (bins = 256, pseudocount = 0.5, within = condition)" in told
    assert "probes: garments, 6 of each (a photo of a red t-shirt," in told


def test_a_plan_says_what_a_share_by_group_takes(tmp_path) -> None:
    """A quarter of nine hundred, though a quarter of thirty is no whole number."""
    done = CliRunner().invoke(app, ["plan", "nepotism", "--json", "--store", str(tmp_path)])
    eaten = {arm["name"]: [each["count"] for each in arm["first"]] for arm in json.loads(done.output)["arms"]}
    assert eaten == {
        "real": [900], "share-3.3": [870, 30], "share-10": [810, 90], "share-25": [675, 225], "share-50": [450, 450],
        "share-100": [900],
    }  # fmt: skip


def test_the_settings_of_nepotism_are_printed(tmp_path) -> None:
    done = CliRunner().invoke(app, ["plan", "nepotism", "--json", "--store", str(tmp_path)])
    (real, *_) = json.loads(done.output)["arms"]
    assert real["settings"]["model"]["learning_rate"] == 2e-4
    assert real["settings"]["seeding"] == 0.8


def test_a_plan_warns_of_loops_that_curators_can_leave_short(tmp_path) -> None:
    raw = """
seeds = [0]
generations = 1
[base]
source = { use = "normal", dim = 2 }
model = "gaussian"
real = 40
curators = ["dedupe"]
[arms.short]
loop = { use = "fresh-data", real = 10, synthetic = 40 }
[arms.redrawn]
loop = { use = "fresh-data", real = 10, synthetic = 40 }
refill = "redraw"
[arms.whatever-there-is]
loop = "fully-synthetic"
[arms.eats-short]
loop = { use = "fresh-data", real = 10, synthetic = 40, arm = "short" }
curators = []
"""
    (tmp_path / "x.toml").write_text(raw)
    said = CliRunner().invoke(app, ["plan", str(tmp_path / "x.toml"), "--store", str(tmp_path)]).output
    said = " ".join(said.split())
    assert (
        "curators of short: all that is drawn is asked for by the loop of short, eats-short; where any is taken" in said
    )
    assert said.count("all that is drawn is asked for") == 1
    (tmp_path / "x.toml").write_text(raw.replace('"dedupe"', '{ use = "quality", share = 0.3 }'))
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "x.toml"), "--store", str(tmp_path)])
    assert done.exit_code == 2
    assert "draws 40 samples of generation 0, of which curators leave at most 12; ask for fewer" in done.output


def test_a_plan_tells_what_curators_leave_and_which_rows_come_again(tmp_path) -> None:
    raw = """
seeds = [0]
generations = 3
[base]
source = { use = "subset", source = "digits", classes = [3] }
model = "eigen-mixture"
real = 100
[arms.half]
loop = "fully-synthetic"
curators = [{ use = "quality", share = 0.5 }]
[arms.fresh]
loop = { use = "fresh-data", real = 30, synthetic = 10 }
exhausted = "reuse"
"""
    (tmp_path / "x.toml").write_text(raw)
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "x.toml"), "--store", str(tmp_path), "--json"])
    half, fresh = json.loads(done.output)["arms"]
    assert half["last"] == [{"origin": "generation 2", "count": 50, "reused": 0}]
    assert fresh["last"][0]["origin"] == "fresh"
    assert 0 < fresh["last"][0]["reused"] <= 30
