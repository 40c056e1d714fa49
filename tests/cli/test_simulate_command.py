"""autophagy simulate."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from autophagy.cli.app import app
from autophagy.cli.endings import Terminated

SWEEP = """
[base]
source = { use = "normal", dim = 1 }
model = "gaussian"
loop = { use = "fresh-data" }
real = 20
samples = 30
[sweep]
panels = { key = "bias", values = [1.0, 0.5] }
across = { key = "loop.real", values = [10, 20] }
up = { key = "loop.synthetic", values = [10, 30] }
replicates = 50
"""


def test_an_experiment_is_told_as_a_table(call, here):
    code, said = call("simulate", "toy.toml", "--replicates", 40, "--on", "serial")
    assert code == 0
    line = next(line for line in said.splitlines() if line.startswith("healed") and "variance_ratio" in line)
    assert line.split()[:3] == ["healed", "variance_ratio", "0"]
    assert line.split()[-1] == "0.98"  # the forecast: 1 − 1/50
    assert "3 arms of 40 lineages" in said


def test_json_is_strict_and_a_seed_decides_it(call, here):
    told = [
        call("simulate", "toy.toml", "--replicates", 20, "--seed", seed, "--set", "generations=1", "--json")[1]
        for seed in (1, 1, 2)
    ]
    found = json.loads(told[0], parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert told[0] == told[1] != told[2]
    assert (found["replicates"], found["seed"]) == (20, 1)
    assert {row["generation"] for row in found["rows"]} == {0, 1}


def test_a_figure_is_drawn(call, here):
    assert call("simulate", "toy.toml", "--replicates", 20, "--figure", "f.svg")[0] == 0
    assert "<svg" in (here / "f.svg").read_text()
    code, said = call("simulate", "toy.toml", "--replicates", 20, "--figure", "f.doc")
    assert code == 2
    assert "a figure must end in .png, .svg, .pdf" in said


def test_a_sweep_is_told_panel_by_panel(call, here):
    (here / "mine.toml").write_text(SWEEP)
    code, said = call("simulate", "mine.toml", "--on", "serial", "--figure", "map.png")
    assert code == 0
    assert "bias = 0.5: n_e/n_r" in said
    assert "8 cells of 50 lineages" in said
    assert "converged in 8 of 8 cells" in said
    assert (here / "map.png").stat().st_size > 10_000
    found = json.loads(call("simulate", "mine.toml", "--on", "serial", "--json", "--replicates", 30)[1])
    assert found["replicates"] == 30
    assert len(found["cells"]) == 8
    assert {"effective_sample_size", "low", "high", "drift", "is_tested"} <= set(found["cells"][0])
    run = sum(cell["generations"] for cell in found["cells"])
    assert f"{run:,} generations in all" in said.replace("\n", " ")


def test_a_store_keeps_the_cells_of_a_sweep(call, here):
    (here / "mine.toml").write_text(SWEEP)
    plain = json.loads(call("simulate", "mine.toml", "--on", "serial", "--json")[1])
    assert "in the store" not in call("simulate", "mine.toml", "--on", "serial", "--store", "kept")[1]
    code, said = call("simulate", "mine.toml", "--on", "serial", "--store", "kept")
    assert code == 0
    assert "8 were in the store" in said
    assert json.loads(call("simulate", "mine.toml", "--on", "serial", "--json", "--store", "kept")[1]) == plain
    code, said = call("simulate", "mine.toml", "--on", "serial", "--store", "a" * 300)
    assert code == 1
    assert "the name is too long; choose another --store" in said
    (here / "marked.toml").write_text(SWEEP, encoding="utf-8-sig")
    assert call("simulate", "marked.toml", "--on", "serial", "--store", "kept")[0] == 0
    code, said = call("simulate", "toy.toml", "--store", "kept")
    assert code == 2
    assert "--store keeps the cells of a sweep, and 'toy.toml' is none" in said


def test_a_seed_in_the_file_holds_unless_another_is_given(call, here):
    text = SWEEP.replace("[1.0, 0.5]", "[1.0]").replace("[10, 20]", "[10]").replace("[10, 30]", "[10]")
    (here / "mine.toml").write_text(f"{text}seed = 7\n")
    told = [
        json.loads(call("simulate", "mine.toml", "--on", "serial", "--json", *more)[1])
        for more in ((), ("--seed", 7), ("--seed", 0))
    ]
    assert told[0] == told[1]
    assert [found["seed"] for found in told] == [7, 7, 0]
    assert told[1]["cells"] != told[2]["cells"]


def test_one_lineage_has_no_standard_error(call, here):
    code, said = call("simulate", "toy.toml", "--replicates", 1)
    assert code == 0
    assert "nan" not in said
    line = next(line for line in said.splitlines() if line.startswith("healed") and "variance_ratio" in line)
    assert line.split()[4] == "–"


def test_a_figure_that_cannot_be_written_is_refused_before_anything_is_computed(call, here, monkeypatch):
    monkeypatch.setattr("autophagy.cli.simulating.simulated", lambda *_, **__: pytest.fail("it was computed"))
    (here / "folder.png").mkdir()
    for place, problem in (
        ("absent/f.png", "there is no folder absent"),
        ("toy.toml/f.png", "there is no folder"),
        ("folder.png", "it is a folder"),
    ):
        code, said = call("simulate", "toy.toml", "--figure", place)
        assert code == 1
        assert said.startswith(f"autophagy: {place} cannot be written: {problem}")
        assert said.count("\n") == 1
    assert not (here / "absent").exists()
    assert call("simulate", "toy.toml", "--figure", "f.doc")[0] == 2


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_sweep_is_sent_to_simulate(call, here, command):
    (here / "mine.toml").write_text(SWEEP)
    for name in ("mine.toml", "mad-effective-sample-size"):
        code, said = call(command, name)
        assert code == 2
        assert said == f"autophagy: {name} is a sweep, not one experiment; run: autophagy simulate {name}\n"
    assert "Did you mean 'mad-effective-sample-size'?" in call(command, "mad-efective-sample-size")[1]


def test_how_far_a_sweep_is_goes_to_stderr_now_and_then(call, here, monkeypatch):
    (here / "mine.toml").write_text(SWEEP)
    assert "mine: " not in call("simulate", "mine.toml", "--on", "serial")[1]  # in less than a minute
    monkeypatch.setattr("autophagy.cli.simulating.BEAT", 0.0)
    result = CliRunner().invoke(app, ["simulate", "mine.toml", "--on", "serial", "--json"])
    lines = result.stderr.splitlines()
    assert lines[0] == "mine: 0 of 8 cells"
    assert lines[-1].startswith("mine: 7 of 8 cells, about ")
    assert len(json.loads(result.stdout)["cells"]) == 8


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Terminated])
def test_what_keeps_nothing_does_not_say_that_it_goes_on(call, here, monkeypatch, stop):
    def stopped(*_, **__):
        raise stop

    monkeypatch.setattr("autophagy.cli.simulating.simulated", stopped)
    monkeypatch.setattr("autophagy.cli.running.carried_out", stopped)
    monkeypatch.setattr("autophagy.cli.simulating.swept", stopped)
    sweep = ["simulate", "mad-effective-sample-size"]
    for command in (["simulate", "toy.toml"], sweep):
        assert call(*command)[1].endswith("; the same command starts from the beginning.\n")
    for command in (["run", "toy.toml"], ["demo"], [*sweep, "--store", "kept"]):
        assert call(*command)[1].endswith("; the same command goes on where this one was.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["toy.tml"], "no file that can be read and no recipe"),
        (["mad-efective-sample-size"], "Did you mean 'mad-effective-sample-size'?"),
        (["mad-effective-sample-size", "--replicates", 1], "replicates must be at least 30 in a sweep"),
        (["mad-effective-sample-size", "--replicates", 10**9, "--on", "serial"], "too many to be held at once"),
        (["toy.toml", "--replicates", 0], "replicates must be at least 1"),
        (["toy.toml", "--set", "base.model=gaussian-mixture"], "has no closed form"),
        (["toy.toml", "--profile", "night"], "there is no profile 'night'"),
        (["mad-effective-sample-size", "--profile", "night"], "there is no profile 'night'"),
        (["mad-effective-sample-size", "--set", "base.loop.reel=3"], "Did you mean 'real'?"),
    ],
)
def test_what_cannot_be_simulated_is_one_sentence(call, here, arguments, sentence):
    code, said = call("simulate", *arguments)
    assert code == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_shipped_sweeps_are_listed(call):
    said = call("list", "recipes")[1]
    assert any(
        line.startswith("mad-effective-sample-size  ") and "autophagy simulate" in line for line in said.splitlines()
    )
