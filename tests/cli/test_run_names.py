"""A run is named by its name, its file, its recipe or its folder; a file that is not what was run is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autophagy.cli.app import app

RECIPE = """
seeds = [0, 1, 2]
generations = 1
[base]
source = { use = "normal", dim = 2 }
model = "gaussian"
real = 40
metrics = ["wasserstein"]
[arms.real-only]
loop = "real-only"
[arms.half]
loop = { use = "fixed-share", synthetic = 0.5 }
"""
READING = [("status",), ("report",), ("records",), ("budget",), ("compare", "--against", "real-only")]
NOTE = "note: mine.toml is not what run 'mine' was made from; running it brings that run up to date."


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    (folder / "mine.toml").write_text(RECIPE)
    assert call("run", str(folder / "mine.toml"), "--store", str(folder / "autophagy-runs"))[0] == 0
    return folder


@pytest.fixture
def here(tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, list(arguments))
    return found.exit_code, found.stdout, found.stderr


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
@pytest.mark.parametrize("told", [None, "mine", "mine.toml", "./mine.toml", "autophagy-runs/runs/mine"])
def test_every_reading_command_finds_a_run(here: Path, command: tuple[str, ...], told: str | None) -> None:
    name, *more = command
    code, said, notes = call(name, *([told] if told else []), *more)
    assert (code, notes) == (0, "")
    assert said


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_a_file_that_was_changed_or_replaced_is_told_beside_the_numbers(here: Path, command: tuple[str, ...]) -> None:
    name, *more = command
    _, before, _ = call(name, "mine.toml", *more)
    Path("mine.toml").write_text(RECIPE.replace("real = 40", "real = 41"))
    code, said, notes = call(name, "mine.toml", *more)
    assert (code, said, notes.strip()) == (0, before, NOTE)
    assert call(name, "mine", *more)[2] == ""
    assert call("run", "mine.toml")[0] == 0
    assert call(name, "mine.toml", *more)[2] == ""


def test_another_file_of_that_name_is_told(here: Path) -> None:
    Path("sub").mkdir()
    Path("sub/mine.toml").write_text(RECIPE.replace("real = 40", "real = 60"))
    told = "run 'mine' in autophagy-runs was of other arms, and its place is taken"
    assert told in call("run", "sub/mine.toml")[1]
    assert told not in call("run", "sub/mine.toml")[1]
    assert told not in call("run", "mine.toml", "--name", "another")[1]
    assert call("budget", "sub/mine.toml")[2] == ""
    assert call("budget", "mine.toml")[2].strip() == NOTE


def test_what_is_to_be_kept_and_was_dropped_is_told(here: Path) -> None:
    def kept(*more: str) -> str:
        return call("run", "mine.toml", *more)[1]

    dropped = "things are to be kept and not there, models or samples"
    assert dropped not in kept("--set", "generations=2")
    assert dropped in kept("--set", "generations=2", "--set", "keep_models=all")
    assert dropped not in kept("--set", "generations=2", "--set", "keep_models=all", "--restore")
    assert dropped not in kept("--set", "generations=2", "--set", "keep_models=all")


def test_a_phase_that_is_never_reached_is_told(here: Path) -> None:
    loop = 'loop = [{ use = "fully-synthetic", generations = 3 }, "real-only"]'
    Path("late.toml").write_text(RECIPE.replace('loop = "real-only"', loop))
    told = "arm 'real-only' ends at generation 1, before its phase 'real-only' begins at 4."
    assert told in call("plan", "late.toml")[1]
    assert told in call("run", "late.toml")[1]
    assert "before its phase" not in call("plan", "late.toml", "--set", "generations=4")[1]


def test_what_has_not_been_run_says_how_to(here: Path) -> None:
    Path("other.toml").write_text(RECIPE)
    for command in READING:
        name, *more = command
        for told, way in (("other.toml", "other.toml"), ("accumulate", "accumulate")):
            code, _, said = call(name, told, *more)
            assert code == 1
            assert f"has not been run in autophagy-runs yet; run it first: autophagy run {way}" in " ".join(
                said.split()
            )


def test_an_arm_that_has_not_come_so_far_is_no_unknown_one(here: Path) -> None:
    Path("autophagy-runs/runs/mine/records.jsonl").write_text("")  # as before the first turn has ended
    code, _, said = call("samples", "half", "--out", "o")
    assert (code, "arm 'half' of run 'mine' has no finished generation yet" in " ".join(said.split())) == (1, True)
