"""A small experiment, run once, and a way to call commands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autophagy import Experiment
from autophagy.cli.app import app

TOY = """
seeds = [0, 1]
generations = 3
[base]
source = { use = "normal", dim = 2 }
model = "gaussian"
real = 50
samples = 80
metrics = ["moments"]
[arms.closed]
loop = "fully-synthetic"
[arms.healed]
loop = [{ use = "fully-synthetic", generations = 2 }, "real-only"]
[arms.all]
loop = "accumulate"
[profiles.smoke]
generations = 1
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with toy.toml in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.toml").write_text(TOY)
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the toy has been run."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "toy.toml").write_text(TOY)
    Experiment.read(folder / "toy.toml").run(folder / "autophagy-runs")
    return folder / "autophagy-runs"


@pytest.fixture
def ran(here: Path, finished: Path) -> Path:
    """The working folder with a copy of that store."""
    shutil.copytree(finished, here / "autophagy-runs")
    return here


Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call() -> Call:
    """Calls a command; returns its exit code and all it said. Fails on a traceback."""

    def called(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result.exit_code, result.output

    return called
