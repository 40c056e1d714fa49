"""Parts in a file of one's own, from the command line; and what is said when their code changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from autophagy import Experiment

MODEL = '''
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from autophagy import register
from autophagy.core.parts import Model, Sampler


@register("{name}", version={version})
@dataclass(frozen=True)
class Box(Model):
    """Uniform in a box."""

    takes = ("vectors",)

    def fit(self, train, *, start, seed, workspace):
        return FittedBox(train.samples.min(0), {factor} * train.samples.max(0))

    def load(self, folder: Path) -> Sampler:
        arrays = load_file(folder / "box.safetensors")
        return FittedBox(arrays["low"], arrays["high"])


@dataclass(frozen=True)
class FittedBox(Sampler):
    low: np.ndarray
    high: np.ndarray

    def sample(self, n, *, condition, bias, seed, begin=None):
        middle, half = (self.low + self.high) / 2, bias * (self.high - self.low) / 2
        return middle + half * seed.numpy().uniform(-1, 1, (n, len(middle)))

    def save(self, folder: Path) -> None:
        save_file({{"low": self.low, "high": self.high}}, folder / "box.safetensors")
'''
RECIPE = """
generations = 1
[base]
source = { use = "normal", dim = 2 }
model = "my-box"
real = 30
metrics = ["moments"]
[arms.closed]
loop = "fully-synthetic"
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write(tmp_path)
    (tmp_path / "x.toml").write_text(RECIPE)
    return tmp_path


def write(folder: Path, *, version: int = 1, factor: float = 1.0) -> None:
    (folder / "my_box.py").write_text(MODEL.format(name="my-box", version=version, factor=factor))


def call(folder: Path, *arguments: str) -> tuple[int, str]:
    """In a process of its own, for modules stay once they are imported."""
    clean = {name: value for name, value in os.environ.items() if name != "AUTOPHAGY_PARTS"}
    done = subprocess.run(
        [sys.executable, "-m", "autophagy", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_a_part_in_a_file_is_checked_planned_and_run_in_processes(here: Path) -> None:
    assert call(here, "check", "my-box")[0] == 2
    assert "autophagy --parts my_box.py check NAME" in call(here, "check", "my_box.py")[1]
    code, said = call(here, "--parts", "my_box.py", "check", "my-box")
    assert (code, "model 'my-box' passes" in said) == (0, True)
    code, said = call(here, "--parts", "my_box.py", "run", "x.toml", "--set", "seeds=[0,1]", "--on", "processes:2")
    assert (code, "4 of 4 turns finished; 4 computed now" in said) == (0, True)
    assert "has changed" not in said
    for command in ("report", "status", "verify"):  # which need none of its code
        assert call(here, command)[0] == 0


def test_a_change_of_code_without_a_version_is_told_until_it_gets_one(here: Path) -> None:
    run = ("--parts", "my_box.py", "run", "x.toml")
    assert "has changed" not in call(here, *run)[1]
    assert "has changed" not in call(here, *run)[1]
    write(here, factor=2)
    told = "the code of model 'my-box', version 1, has changed since results of it came into this store"
    assert told in call(here, "--parts", "my_box.py", "plan", "x.toml")[1]
    for again in (run, (*run, "--name", "another")):  # in whatever run
        code, said = call(here, *again)
        assert (code, told in said, "2 in the store already" in said) == (0, True, True)
    assert json.loads(call(here, "--parts", "my_box.py", "plan", "x.toml", "--json")[1])["changed"]
    write(here, version=2, factor=2)
    code, said = call(here, *run)
    assert (code, "has changed" in said, "2 computed now" in said) == (0, False, True)


def test_code_is_remembered_whatever_becomes_of_its_runs(here: Path) -> None:
    run = ("--parts", "my_box.py", "run", "x.toml")
    call(here, *run)
    call(here, *run, "--set", "base.model=gaussian")  # the same run, of other parts
    shutil.rmtree(here / "autophagy-runs" / "runs" / "x")
    write(here, factor=2)
    assert "the code of model 'my-box', version 1, has changed" in call(here, *run)[1]


def test_comments_and_what_never_ran_are_no_change(here: Path) -> None:
    run = ("--parts", "my_box.py", "run", "x.toml")
    call(here, *run)
    code = (here / "my_box.py").read_text()
    (here / "my_box.py").write_text("# by me\n" + code.replace("Uniform in a box.", "Uniform in the smallest box."))
    assert "has changed" not in call(here, *run)[1]
    write(here, factor=2)
    assert "has changed" in call(here, *run)[1]  # and nothing is computed with it
    write(here)
    assert "has changed" not in call(here, *run)[1]


def test_the_code_that_was_imported_counts_not_what_the_file_says_by_now(here: Path) -> None:
    script = (
        "import my_box, pathlib; from autophagy import Experiment\n"
        "path = pathlib.Path('my_box.py'); path.write_text(path.read_text().replace('1.0 *', '2.0 *'))\n"
        "Experiment.read('x.toml').run('autophagy-runs')\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=here, check=True)
    assert "has changed" in call(here, "--parts", "my_box.py", "run", "x.toml")[1]


def test_the_file_that_was_named_is_run_and_no_other_of_its_name(here: Path) -> None:
    (here / "my_box.py").rename(here / "deep.py")
    (here / "sub").mkdir()
    (here / "sub" / "deep.py").write_text((here / "deep.py").read_text())
    (here / "deep.py").write_text("print('the wrong file')")
    code, said = call(here, "--parts", "sub/deep.py", "list")
    assert (code, "the wrong file" in said) == (2, False)
    assert "sub/deep.py has the name of another module, deep" in said


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_name_that_is_taken_is_told_even_if_ours_would_do(here: Path, command: str) -> None:
    (here / "mine.py").write_text(MODEL.format(name="gaussian", version=1, factor=1))
    (here / "x.toml").write_text(RECIPE.replace("my-box", "gaussian"))
    code, said = call(here, "--parts", "mine.py", command, "x.toml")
    assert (code, "model 'gaussian' is already" in said, ".." in said) == (2, True, False)


def test_a_path_that_would_be_taken_for_two_is_refused(here: Path) -> None:
    folder = here / f"a{os.pathsep}b"
    folder.mkdir()
    (here / "my_box.py").rename(folder / "my_box.py")
    code, said = call(here, "--parts", f"a{os.pathsep}b/my_box.py", "list")
    assert (code, "parts files by" in said) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("no module.py", "", "is no file of Python with the name of a module"),
        ("text.txt", "", "is no file of Python with the name of a module"),
        ("broken.py", "import nothing_of_that_name", "broken.py cannot be loaded: ModuleNotFoundError"),
        ("leaves.py", "raise SystemExit(3)", "leaves.py cannot be loaded: SystemExit: 3"),
        ("sub/json.py", "", "json.py has the name of another module, json; give the file another one"),
        ("taken.py", MODEL.format(name="gaussian", version=1, factor=1), "model 'gaussian' is already"),
    ],
)
def test_files_without_parts_are_told(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / name).write_text(text)
    code, told = call(tmp_path, "--parts", name, "list")
    assert code == 2
    assert said in told
    assert "Traceback" not in told


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, told = call(tmp_path, "--parts", "none.py", "list")
    assert code == 2
    assert "none.py" in told


def test_python_is_told_of_changed_code_as_well(here: Path) -> None:
    script = (
        "import sys; from autophagy import Experiment; import my_box\n"
        "Experiment.of({'generations': 1, 'arms': {'a': {'source': {'use': 'normal', 'dim': 2}, 'model': my_box.Box(), "
        "'loop': 'fully-synthetic', 'real': 30}}}).run('S')\n"
    )
    for factor, is_told in ((1, False), (2, True)):
        write(here, factor=factor)
        done = subprocess.run([sys.executable, "-c", script], cwd=here, capture_output=True, text=True, check=True)
        assert ("RuntimeWarning: the code of model 'my-box', version 1, has changed" in done.stderr) == is_told


def test_our_own_parts_are_told_by_their_versions_alone(tmp_path: Path) -> None:
    arm = {"source": {"use": "normal", "dim": 2}, "model": "gaussian", "loop": "fully-synthetic", "real": 30}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Experiment.of({"generations": 1, "arms": {"a": arm}}, name="ours").run(tmp_path)
    assert not (tmp_path / "code.json").exists()
