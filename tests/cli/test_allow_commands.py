"""A file from somebody else starts nothing, whatever is done with it, until a person says --allow-commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from autophagy import DiskStore, Experiment, Machine, MemoryStore
from autophagy.core.errors import PlanError
from autophagy.core.features import Features
from autophagy.experiment.executors import attempt, executor
from autophagy.experiment.schedule import Schedule, due

TRAINER = Path(__file__).parents[1] / "models" / "command_trainer.py"
DRAWS = "{weights} {out} {n} {seed}"
RUN = ["run", "theirs.toml", "--on", "serial"]
FILE = """
generations = 1
[base]
source = "mnist"
real = 12
samples = 6
gallery = 2
[base.model]
use = "command"
train = ["./bait", "train", "{train}", "{weights}", "{work}", "{start}", "{seed}", "--token=$HOME; `id` && x"]
sample = ["./bait", "draw", "{weights}", "{out}", "{n}", "{seed}", "{bias}", "{conditions}"]
passes = ["AWS_SECRET_ACCESS_KEY"]
[arms.closed]
loop = "fully-synthetic"
[arms.anchored]
loop = "synthetic-augmentation"
[profiles.tempting]
generations = 2
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an experiment whose program tells that it was started, and then trains."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # logs stay
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    bait = tmp_path / "bait"
    bait.write_text(f'#!/bin/sh\necho x >> "{tmp_path}/started"\nexec "{sys.executable}" -I -S "{TRAINER}" "$@"\n')
    bait.chmod(0o755)
    (tmp_path / "theirs.toml").write_text(FILE)
    return tmp_path


def is_untouched(folder: Path) -> bool:
    return not (folder / "started").exists()


def test_without_permission_a_run_shows_every_command_and_starts_nothing(theirs, call):
    code, said = call(*RUN)
    assert code == 2
    assert said.count("\n") == 1
    assert "arms 'closed', 'anchored' would start programs of this machine" in said
    assert "train: ./bait train {train} {weights} {work} {start} {seed} '--token=$HOME; `id` && x'" in said
    assert "sample: ./bait draw {weights} {out} {n} {seed} {bias} {conditions}" in said
    assert "variables: PATH, HOME, AWS_SECRET_ACCESS_KEY" in said
    assert "say --allow-commands" in said
    assert is_untouched(theirs)
    assert not (theirs / "autophagy-runs").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "theirs.toml"],
        ["plan", "theirs.toml", "--json"],
        [*RUN, "--profile", "tempting"],
        [*RUN, "--set", "allow_commands=true"],
        [*RUN, "--set", "base.allow_commands=true"],
        [*RUN, "--set", "base.model.allow_commands=true"],
        [*RUN, "--command-timeout", "5", "--report"],
        ["run", "theirs.toml", "--on", "processes:2"],
        ["simulate", "theirs.toml"],
        ["check", "command", "--set", "train=./bait {train} {weights}", "--set", f"sample=./bait {DRAWS}"],
        ["check", "command"],
        ["list", "model"],
    ],
)  # fmt: skip
def test_no_other_way_leads_to_a_start(theirs, call, monkeypatch, arguments):
    for name in ("AUTOPHAGY_ALLOW_COMMANDS", "ALLOW_COMMANDS", "AUTOPHAGY_RUN_ALLOW_COMMANDS"):
        monkeypatch.setenv(name, "1")
    call(*arguments)
    assert is_untouched(theirs)


def test_a_plan_shows_the_commands(theirs, call):
    code, said = call("plan", "theirs.toml")
    assert code == 0
    assert "'anchored' would start programs of this machine: train: ./bait train" in said
    told = json.loads(call("plan", "theirs.toml", "--json")[1])["commands"]
    assert told[0]["arms"] == ["closed", "anchored"]
    assert told[0]["told"][1].startswith("sample: ./bait")
    assert json.loads(call("plan", "demo", "--json")[1])["commands"] == []


def test_a_program_that_is_not_here_is_missed_by_plan_and_run_but_not_by_who_reads_a_run(theirs, call):
    assert call(*RUN, "--allow-commands")[0] == 0
    key = json.loads((theirs / "autophagy-runs/runs/theirs/records.jsonl").read_text().splitlines()[0])["key"]
    (theirs / "bait").unlink()
    for arguments in (["plan", "theirs.toml"], [*RUN, "--allow-commands", "--set", "generations=2"]):
        code, said = call(*arguments)
        assert code == 2
        assert "arm 'closed': the train command begins with './bait', which is no program here" in said
    for arguments in (
        ["status", "theirs"],
        ["report", "theirs"],
        ["trace", key],
        ["samples", "closed", "--out", "out"],
    ):
        assert call(*arguments)[0] == 0, arguments


def test_a_check_without_commands_says_what_is_needed(theirs, call):
    code, said = call("check", "command")
    assert code == 2
    assert said.count("\n") == 1
    assert "model.train is missing: this model needs two commands, one that learns and one that draws" in said


def test_a_file_named_like_a_recipe_is_not_started_by_the_demo(theirs, call):
    (theirs / "demo").write_text(FILE)
    code, said = call("demo")
    assert code == 2
    assert "would start programs" in said
    assert is_untouched(theirs)


@pytest.mark.parametrize("hidden", ["\\u001b[2K", "\\u202e", "\\r", "\\u0000", "\\u2028"])
def test_a_command_that_would_not_be_shown_as_it_is_is_refused(theirs, call, hidden):
    (theirs / "theirs.toml").write_text(FILE.replace("--token=", f"--to{hidden}ken="))
    for arguments in (RUN, [*RUN, "--allow-commands"], ["plan", "theirs.toml"]):
        code, said = call(*arguments)
        assert code == 2
        assert "holds a line break or hidden character" in said
        assert not any(c in said for c in "\x1b\u202e\r\0\u2028")
    assert is_untouched(theirs)


@pytest.mark.parametrize("on", ["serial", "processes:2"])
def test_permission_reaches_every_process_and_is_kept_nowhere(theirs, call, on):
    code, said = call("run", "theirs.toml", "--on", on, "--allow-commands")
    assert code == 0, said
    assert (theirs / "started").read_text().count("x") == 3 + 3 * 2  # fits; samples and gallery of each
    kept = [path for path in (theirs / "autophagy-runs").rglob("*.json*") if "allow_commands" in path.read_text()]
    assert kept == []


def test_a_store_of_somebody_else_starts_nothing(theirs, call):
    assert call(*RUN, "--allow-commands")[0] == 0
    (theirs / "started").unlink()
    shutil.copytree("autophagy-runs", "copied")
    store = ["--store", "copied"]
    key = json.loads((theirs / "copied/runs/theirs/records.jsonl").read_text().splitlines()[0])["key"]
    for arguments in (
        ["status", "theirs"],
        ["report", "theirs"],
        ["records", "theirs"],
        ["verify"],
        ["samples", "closed", "--out", "out"],
        ["trace", key],
        [*RUN, "--set", "generations=2"],
        RUN,
    ):
        call(*arguments, *store)
        assert is_untouched(theirs), arguments
    shutil.rmtree(next((theirs / "copied").glob("artefacts/*/*/weights")).parent)
    assert call("verify", *store)[0] == 0
    assert is_untouched(theirs)


def test_python_needs_a_machine_that_allows_it(theirs):
    experiment = Experiment.read("theirs.toml")
    for store in (None, theirs / "store", MemoryStore(), DiskStore(theirs / "store")):
        with pytest.raises(PlanError, match="say --allow-commands"):
            experiment.run(store)
    with pytest.raises(PlanError, match="say --allow-commands"):  # a store that is handed in has its own machine
        experiment.run(MemoryStore(), machine=Machine(allow_commands=True))
    assert is_untouched(theirs)
    run = experiment.run(theirs / "store", machine=Machine(allow_commands=True))
    assert not run.failures
    sampler = DiskStore(theirs / "store").sampler(run.turn("closed", 0, 1).fit, experiment.arms["closed"].model)
    assert sampler.machine.allow_commands is False
    with pytest.raises(PlanError, match="the sample command would start a program"):
        sampler.sample(1, condition=None, bias=1.0, seed=run.turn("closed", 0, 0).seeds)


@pytest.mark.parametrize("on", ["serial", "processes:1"])
def test_a_worker_that_was_not_told_of_a_permission_has_none(theirs, on):
    """Past the run's own gate: the last one is where programs are started."""
    plan, store = Experiment.read("theirs.toml").plan(), DiskStore(theirs / "store")
    schedule = Schedule(due(plan, store))
    outcomes = []
    for outcome in executor(on, 1).outcomes(schedule, store):
        outcomes.append(outcome)
        schedule.finished(outcome.job, is_whole=not outcome.error)
    assert outcomes
    assert all("the train command would start a program of this machine" in outcome.error for outcome in outcomes)
    assert "which has not been allowed" in attempt(plan.turns[0], MemoryStore(), Features()).error
    assert is_untouched(theirs)


def test_a_limit_of_time_is_a_matter_of_the_run_and_not_of_the_recipe(theirs, call):
    (theirs / "bait").write_text("#!/bin/sh\nexec sleep 60\n")  # a shell could still say that its child was ended
    code, said = call(*RUN, "--allow-commands", "--command-timeout", "0.5")
    assert code == 1
    assert "the train command ('./bait') ran past its limit of 0.5 s and was ended; it said nothing; its log" in said
    assert call(*RUN, "--allow-commands", "--command-timeout", "0")[0] == 2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_ctrl_c_leaves_no_program_behind(theirs):
    (theirs / "bait").write_text(
        f"#!/bin/sh\necho $$ > {theirs}/pid.part; mv {theirs}/pid.part {theirs}/pid; sleep 60\n"
    )
    command = [sys.executable, "-m", "autophagy", *RUN[:2], "--on", "processes:2", "--allow-commands"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0)
    while not (theirs / "pid").exists():
        assert running.poll() is None
        time.sleep(0.05)
    program = int((theirs / "pid").read_text())
    os.killpg(running.pid, signal.SIGTERM)
    assert running.communicate(timeout=30)[1].startswith("autophagy: ended from outside")
    for _ in range(400):
        if not Path(f"/proc/{program}").exists():
            return
        time.sleep(0.05)
    pytest.fail("the program outlived the run")


def test_a_bias_without_a_placeholder_for_it_is_refused_by_the_plan(theirs, call):
    assert call("plan", "theirs.toml", "--set", "base.bias=0.5")[0] == 0
    (theirs / "theirs.toml").write_text(FILE.replace('"{bias}"', '"1"'))
    code, said = call("plan", "theirs.toml", "--set", "base.bias=0.5")
    assert code == 2
    assert "model 'command' has no knob for bias = 0.5" in said
