import json
import shlex
import shutil

import pytest

from autophagy.archive.run_folder import RunFolder
from autophagy.core.errors import PlanError
from autophagy.experiment import disk as disk_module
from autophagy.experiment import plan as plan_module


def test_a_run_tells_its_numbers_and_a_second_one_computes_nothing(here, call):
    code, said = call("run", "toy.toml", "--on", "serial")
    assert code == 0
    assert "24 turns in 6 lineages, 0 in the store already" in said
    assert "toy: 24 of 24 turns finished; 24 computed now; 16 distinct fits in all" in said
    assert "0 failures; 0 lineages diverged" in said
    code, said = call("run", "toy.toml", "--on", "serial")
    assert code == 0
    assert "24 in the store already" in said
    assert "0 computed now" in said


def test_a_run_can_have_another_name_and_shares_what_is_there(ran, call):
    code, said = call("run", "toy.toml", "--name", "again", "--on", "serial")
    assert code == 0
    assert "again: 24 of 24 turns finished; 0 computed now" in said
    assert (ran / "autophagy-runs" / "runs" / "again" / "records.jsonl").read_bytes() == (
        ran / "autophagy-runs" / "runs" / "toy" / "records.jsonl"
    ).read_bytes()


def test_what_was_dropped_comes_back_where_it_is_asked_for(here, call):
    call("run", "toy.toml", "--on", "serial", "--set", "keep_samples=none")
    keeping = ("run", "toy.toml", "--on", "serial", "--set", "keep_samples=all")
    assert "0 computed now" in call(*keeping)[1]
    code, said = call("samples", "healed", "--generation", 1, "--out", "out")
    assert code == 1
    assert "run the experiment again with --restore" in said
    code, said = call(*keeping, "--restore")
    assert code == 0
    assert " 0 computed now" not in said
    assert call("samples", "healed", "--generation", 1, "--out", "out")[0] == 0


def test_some_arms_can_be_run_first_and_the_others_later(here, call):
    code, said = call("run", "toy.toml", "--on", "serial", "--arm", "healed")
    assert code == 0
    assert {r.arm for r in RunFolder(here / "autophagy-runs", "toy").records()} == {"healed"}
    code, said = call("run", "toy.toml", "--on", "serial", "--arm", "closed")
    assert "16 turns in 4 lineages, 14 in the store already" in said  # `closed` ends one generation later, in 2 seeds
    assert {r.arm for r in RunFolder(here / "autophagy-runs", "toy").records()} == {"healed", "closed"}
    assert len(call("plan", "toy.toml", "--arm", "all", "--json")[1]) < len(call("plan", "toy.toml", "--json")[1])


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_arm_that_is_not_there_is_one_sentence(here, call, command):
    code, said = call(command, "toy.toml", "--arm", "heald")
    assert code == 2
    assert "there is no arm 'heald'. Did you mean 'healed'? There are: all, closed, healed." in said
    assert not (here / "autophagy-runs").exists()


def test_devices_change_no_key_and_models_that_have_no_use_for_them_are_named(ran, call):
    code, said = call("run", "toy.toml", "--device", "cpu", "--devices", "2")
    assert code == 0
    assert "--devices 2 is not for gaussian: its fits use one device." in said
    assert "0 computed now" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--devices", "0"], "devices must be"),
        (["--devices", "2", "--device", "cuda:1"], "--devices 2 is for device auto, cpu or cuda, but"),
        (["--name", "../x"], "experiment name '../x' cannot be used"),
        (["--on", "cloud"], "on must be auto, serial or processes:N"),
        (["--store", "toy.toml"], "a file stands where a folder should be"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(here, call, arguments, sentence):
    code, said = call("run", "toy.toml", *arguments)
    assert code in (1, 2)
    assert sentence in said


def test_failures_are_named_and_give_exit_code_1(here, call, monkeypatch):
    # one sample is too few for an unbiased covariance, from generation 1 on; of most such things a plan knows nothing
    monkeypatch.setattr(plan_module, "fewest", lambda arm: 1)
    changes = ["--set", "base.samples=1", "--set", "base.model.unbiased=true", "--set", "base.gallery=0"]
    code, said = call("run", "toy.toml", *changes, "--on", "serial")
    assert code == 1
    assert "failed: closed, seed 0, generation 1: model 'gaussian' needs at least 2 samples" in said
    assert "run the same command again" in said
    code, said = call("status", "toy")
    assert code == 0
    assert "failed at 1" in said
    assert "failed: closed, seed 1, generation 1" in said


def test_too_little_disk_is_refused_before_anything_is_written(here, call, monkeypatch):
    usage = shutil.disk_usage(here)._replace(free=1000)
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda path: usage)
    code, said = call("run", "toy.toml")
    assert code == PlanError.exit_code
    assert "of disk, but" in said
    assert "1 kB left" in said
    assert not (here / "autophagy-runs").exists()


def test_a_new_experiment_is_valid_runs_and_is_never_overwritten(here, call):
    code, said = call("new", "mine.toml")
    assert code == 0
    assert "autophagy run mine.toml --profile smoke" in said
    told = json.loads(call("plan", "mine.toml", "--json")[1])
    assert told["distinct_founders"] == 3
    text = (here / "mine.toml").read_text()
    code, said = call("new", "mine.toml")
    assert code == 2
    assert "is there already" in said
    assert (here / "mine.toml").read_text() == text
    code, said = call("run", "mine.toml", "--profile", "smoke", "--set", "base.metrics=[]", "--on", "serial")
    assert code == 0, said
    assert "20 of 20 turns finished" in said


def test_the_commands_that_new_tells_can_be_pasted(here, call):
    said = call("new", "my exp.toml")[1]
    words = shlex.split(said)
    assert words.count("my exp.toml,") == words.count("my exp.toml") == 1  # to plan it, and to run it
    assert "autophagy run 'my exp.toml' --profile smoke" in said


def test_a_file_whose_name_cannot_be_a_runs_can_be_run_under_another(ran, call):
    (ran / "toy.toml").rename(ran / "my exp (1).toml")
    for command in ("run", "plan"):
        code, said = call(command, "my exp (1).toml")
        assert code == 2
        assert said.startswith("autophagy: experiment name 'my exp (1)' cannot be used: start with a letter or digit")
        assert said.endswith(
            "; it is the file's, so rename the file, or run it under another name: autophagy run FILE --name NAME\n"
        )
    code, said = call("run", "my exp (1).toml", "--name", "ok", "--on", "serial")
    assert code == 0
    assert "ok: 24 of 24 turns finished; 0 computed now" in said


@pytest.mark.parametrize(
    ("file", "sentence"), [("no/where.toml", "cannot be written"), ("-x-.toml", "cannot be used"), (".", "cannot be")]
)
def test_a_new_experiment_needs_a_place_and_a_name(here, call, file, sentence):
    code, said = call("new", "--", file)
    assert code in (1, 2)
    assert sentence in said


def test_every_second_turn_is_not_told_but_the_end_always_is(here, call):
    said = call("run", "toy.toml", "--on", "serial", "--set", "generations=10")[1].splitlines()
    assert 3 <= len(said) < 66
    assert "66 of 66 turns finished" in "".join(said)


def test_the_demo_runs_the_recipe_and_writes_its_report(here, call, monkeypatch):
    import autophagy.experiment.read as reading

    shipped = reading.read
    small = ["generations=1", "seeds=[0]", "base.real=500", "base.samples=500", "base.metrics=['pairwise-distance']"]
    monkeypatch.setattr(reading, "read", lambda name: shipped(name, changes=small))
    code, said = call("demo", "--on", "serial", "--store", "demo-runs")
    assert code == 0, said
    page = here / "demo-runs" / "runs" / "demo" / "report.html"
    assert f"report: {page.relative_to(here)}" in said
    assert page.stat().st_size > 1000


def test_a_lineage_that_diverged_is_told_and_is_no_failure(here, call):
    # samples so large that their squares overflow
    source = "base.source={use='normal', dim=1, mean=[1e308], covariance=[[1e300]]}"
    code, said = call("run", "toy.toml", "--set", source, "--set", "base.metrics=[]", "--on", "serial")
    assert code == 0
    assert "6 lineages diverged" in said
    assert "diverged: closed, seed 0, generation 0: model 'gaussian' found a covariance that is not finite" in said
    assert said.count("diverged: closed") == 2  # once for each seed
    assert "16 turns could not run because an earlier one failed or diverged." in said
    assert "earlier" not in said.replace("an earlier one", "")
    again = call("run", "toy.toml", "--set", source, "--set", "base.metrics=[]", "--on", "serial")[1]
    assert again.count("(earlier, and not tried again)") == again.count("diverged: ") == said.count("diverged: ")
    said = call("status")[1]
    assert said.count("diverged at 0") == 6
    assert "diverged: healed, seed 1, generation 0: model 'gaussian'" in said
    assert said.rstrip().endswith("done.")


def test_a_report_can_be_had_at_once(here, call):
    code, said = call("run", "toy.toml", "--on", "serial", "--set", "generations=1", "--report")
    assert code == 0, said
    assert "report: autophagy-runs/runs/toy/report.html" in said
    assert "see: autophagy report" not in said
    assert (here / "autophagy-runs" / "runs" / "toy" / "report.html").exists()


def test_a_device_that_is_not_there_is_told_before_anything_else(here, call):
    code, said = call("run", "toy.toml", "--device", "tpu")
    assert (code, said) == (2, "autophagy: torch finds no device 'tpu' here; use auto or cpu.\n")
