"""No program outlives us, none runs for ever, and none has to begin again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from autophagy.archive import disk
from autophagy.archive.disk import DiskStore
from autophagy.core.errors import AutophagyError, DataError
from autophagy.core.parts import Sampler
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models import _command_lock, _command_run
from autophagy.models.command import Command
from autophagy.testing import check

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
PYTHON = ("{python}", "-I", "-S", str(HERE / "command_trainer.py"))
DRAW = (*PYTHON, "draw", "{weights}", "{out}", "{n}", "{seed}", "{bias}", "{conditions}")
KEY = "ab" * 16
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of grandchildren")


def command(deed: str, *, sample: str = "") -> Command:
    train = (*PYTHON, "train", "{train}", "{weights}", "{work}", "{start}", "{seed}", deed)
    return Command(train, (*DRAW, *filter(None, [sample])))


def fit(model: Command, folder: Path, limit: float = 30.0) -> object:
    folder.mkdir(exist_ok=True)
    train = Pool.born(np.zeros((3, 1, 4, 4), np.uint8), Origin("real", -1))
    workspace = Workspace(lambda: folder, Machine(allow_commands=True, command_timeout=limit))
    return model.fit(train, start=None, seed=Seed(("fit",)), workspace=workspace)


def begun(folder: Path, name: str = "pid") -> int:
    """The process that a program under way has told of."""
    return int(_awaited(lambda: (folder / name).exists() and (folder / name).read_text()))


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(*processes: int) -> bool:
    return bool(_awaited(lambda: not any(map(is_alive, processes))))


def _awaited(found: Callable[[], object]) -> str:
    for _ in range(1200):
        if value := found():
            return str(value)
        time.sleep(0.025)
    raise AssertionError("waited for half a minute")


@pytest.fixture(autouse=True)
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # logs stay
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(_command_run, "PATIENCE", 0.3)


ELSEWHERE = """
import signal, sys
from pathlib import Path
import numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores
sys.path.insert(0, {here!r})
import test_command_processes as toys
toys._command_run.PATIENCE = {patience}
toys.fit(toys.command({deed!r}), Path({folder!r}))
"""


def elsewhere(folder: Path, patience: float = 0.3, deed: str = "stays") -> subprocess.Popen[bytes]:
    """A process of its own that fits a model whose program stays for a minute."""
    code = ELSEWHERE.format(here=str(HERE), folder=str(folder), patience=patience, deed=deed)
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


# ── nothing is left behind ───────────────────────────────────────────────────


@ON_LINUX
def test_time_that_is_up_ends_the_program_and_a_child_that_minds_no_signal(tmp_path: Path) -> None:
    with pytest.raises(AutophagyError, match="ran past its limit of 1 s and was ended"):
        fit(command("stays"), tmp_path / "w", limit=1)
    assert not is_alive(begun(tmp_path / "w" / "work"))
    assert not is_alive(begun(tmp_path / "w" / "work", "child.pid"))


@ON_LINUX
def test_what_a_program_started_and_left_running_is_ended_with_it(tmp_path: Path) -> None:
    fit(command("leaves a child"), tmp_path / "w")
    assert not is_alive(begun(tmp_path / "w" / "work", "child.pid"))


@ON_LINUX
def test_time_is_up_for_the_sample_command_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    sampler = fit(command("", sample="stays"), tmp_path / "w", limit=1)
    with pytest.raises(AutophagyError, match=r"the sample command .* ran past its limit of 1 s"):
        sampler.sample(2, condition=None, bias=1.0, seed=Seed((1,)))  # type: ignore[attr-defined]
    assert not is_alive(begun(tmp_path))


@ON_LINUX
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_our_death_is_theirs(tmp_path: Path, how: signal.Signals) -> None:
    us = elsewhere(tmp_path / "w")
    program, child = begun(tmp_path / "w" / "work"), begun(tmp_path / "w" / "work", "child.pid")
    assert is_alive(program)
    assert is_alive(child)
    us.send_signal(how)
    assert us.wait(30) != 0
    assert gone(program, child)


@ON_LINUX
def test_a_workspace_is_held_until_the_program_of_a_killed_process_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = elsewhere(tmp_path / "w", patience=4.0)
    child = begun(tmp_path / "w" / "work", "child.pid")
    begun(tmp_path / "w" / "work")
    us.kill()
    us.wait()
    monkeypatch.setattr(_command_lock, "BUSY", 0.5)
    assert is_alive(child)
    with pytest.raises(DataError, match="another program is at work in"):
        fit(command(""), tmp_path / "w")
    assert is_alive(child)
    monkeypatch.setattr(_command_lock, "BUSY", 30.0)
    fit(command(""), tmp_path / "w")
    assert not is_alive(child)


@ON_LINUX
def test_the_death_of_the_watcher_ends_the_program_and_is_told(tmp_path: Path) -> None:
    us = elsewhere(tmp_path / "w")
    program, child = begun(tmp_path / "w" / "work"), begun(tmp_path / "w" / "work", "child.pid")
    watcher = int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1])
    assert watcher != us.pid
    os.kill(watcher, signal.SIGKILL)
    assert us.wait(30) == 1
    assert gone(program)
    os.kill(child, signal.SIGKILL)  # which nobody was left to find


@ON_LINUX
def test_the_lock_is_held_by_what_a_program_started_though_its_watcher_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = elsewhere(tmp_path / "w", deed="stays with an heir")
    program, child = begun(tmp_path / "w" / "work"), begun(tmp_path / "w" / "work", "child.pid")
    os.kill(int(Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    assert us.wait(30) == 1
    assert gone(program)
    monkeypatch.setattr(_command_lock, "BUSY", 0.2)
    assert is_alive(child)
    with pytest.raises(DataError, match="another program is at work in"):
        fit(command(""), tmp_path / "w")
    os.kill(child, signal.SIGKILL)
    assert gone(child)
    fit(command(""), tmp_path / "w")


@ON_LINUX
def test_orphans_that_end_while_a_program_goes_on_do_not_stay_as_zombies(tmp_path: Path) -> None:
    fit(command("orphans"), tmp_path / "w")
    assert (tmp_path / "w" / "work" / "zombies").read_text() == "0"


def test_one_program_at_a_time_in_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command_lock, "BUSY", 0.0)
    (tmp_path / "w").mkdir()
    lock = _command_lock.taken(tmp_path / "w")
    with pytest.raises(DataError, match="another program is at work"):
        fit(command(""), tmp_path / "w")
    lock.release()
    fit(command(""), tmp_path / "w")


SHARING = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import test_command_processes as toys
toys.stored(Path({folder!r}))
"""


def stored(folder: Path) -> Sampler:
    """Fits in a store, unless another run has or does."""
    store, model = DiskStore(folder, Machine(allow_commands=True)), command("waits")
    train = Pool.born(np.zeros((3, 1, 4, 4), np.uint8), Origin("real", -1))
    make = partial(model.fit, train, start=None, seed=Seed(("fit",)), workspace=store.workspace(KEY))
    return store.sampler(KEY, model, make)


def test_a_run_that_comes_while_another_trains_waits_for_it_says_so_and_takes_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_command_lock, "BUSY", 0.0)
    first = subprocess.Popen([sys.executable, "-c", SHARING.format(here=str(HERE), folder=str(tmp_path))])
    work = tmp_path / "work" / KEY / "work"
    _awaited((work / "waits").exists)
    threading.Timer(1.0, (work / "go").touch).start()
    sampler = stored(tmp_path)
    assert first.wait(30) == 0
    assert [record.message for record in caplog.records] == [
        f"waiting for another run, which is at work in {work.parent}"
    ]
    assert (sampler.weights / "seen.json").exists()  # type: ignore[attr-defined]
    assert not work.parent.exists()


def test_the_lock_is_held_until_the_store_has_its_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command_lock, "BUSY", 0.0)
    sampler = fit(command(""), tmp_path / "w")
    with pytest.raises(DataError, match="another program is at work"):
        fit(command(""), tmp_path / "w")
    del sampler
    fit(command(""), tmp_path / "w")


def test_a_store_lets_the_lock_go_only_after_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work" / KEY
    (work / "work").mkdir(parents=True)
    (work / "work" / "go").touch()
    is_free: list[bool] = []

    def remove_tree(folder: Path) -> None:
        with (work / "lock").open() as another:
            is_free.append(_command_lock.is_locked(another.fileno()))
        shutil.rmtree(folder)

    monkeypatch.setattr(disk, "remove_tree", remove_tree)
    stored(tmp_path)
    assert is_free == [False]


# ── nothing is done twice ────────────────────────────────────────────────────


def test_a_train_command_that_ended_well_is_not_run_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(DataError, match=r"'latest' in .* leaves the folder; mend that there and run again"):
            fit(command("link out"), tmp_path / "w")
        assert (tmp_path / "w" / "work" / "attempts").read_text() == "x"
    (tmp_path / "w" / "weights" / "latest").unlink()
    fit(command("link out"), tmp_path / "w")
    assert (tmp_path / "w" / "work" / "attempts").read_text() == "x"


def test_one_that_failed_is_run_again_beside_its_own_checkpoints_with_empty_weights(tmp_path: Path) -> None:
    for attempts in ("x", "xx"):
        with pytest.raises(AutophagyError, match="ended with exit code 3"):
            fit(command("exit 3"), tmp_path / "w")
        assert (tmp_path / "w" / "work" / "attempts").read_text() == attempts
        (tmp_path / "w" / "weights" / "half").touch()
    sampler = fit(command(""), tmp_path / "w")
    assert not (sampler.weights / "half").exists()  # type: ignore[attr-defined]


# ── the example that a reader can run ────────────────────────────────────────


def test_a_killed_run_of_the_example_goes_on_at_its_checkpoint_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    program = ["env", "OMP_NUM_THREADS=1", "{python}", "examples/outside_trainer.py", "train", "--rounds", "300"]
    train = [*program, "--images", "{train}", "--weights", "{weights}", "--work", "{work}", "--seed", "{seed}"]
    small = ["seeds=[0]", "generations=0", "base.real=100", "base.samples=10", "base.metrics=[]"]
    changes = [*small, f"base.model.train={json.dumps(train)}"]
    sets = [part for change in changes for part in ("--set", change)]
    start = [sys.executable, "-m", "autophagy", "run", str(EXAMPLES / "outside-trainer.toml"), *sets]
    start += ["--allow-commands", "--on", "serial", "--store"]
    subprocess.run([*start, str(tmp_path / "whole")], check=True, stdout=subprocess.DEVNULL)
    killed = subprocess.Popen([*start, str(tmp_path / "killed")], stdout=subprocess.DEVNULL)
    _awaited(lambda: list((tmp_path / "killed").rglob("state.npz")))
    killed.kill()
    killed.wait()
    assert not list(tmp_path.glob("killed/artefacts/*/*/weights"))
    subprocess.run([*start, str(tmp_path / "killed")], check=True, stdout=subprocess.DEVNULL)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole") != {}
    rows = [log.read_text().splitlines() for log in sorted(tmp_path.glob("*/artefacts/*/*/train.log"))]
    assert all(59 <= len(set(lines)) <= 60 for lines in rows)  # the kill may come between a checkpoint and its line
    assert all(len(lines) < 65 for lines in rows)  # nobody began again


def weights(store: Path) -> dict[str, str]:
    found = store.glob("artefacts/*/*/weights/*")
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_the_example_reads_captions_with_line_ends_of_their_own(tmp_path: Path) -> None:
    import importlib.util

    from autophagy.images import folder

    captions = np.array(["two\u2028lines", "or\x85three"])
    folder.write(Pool.born(np.zeros((2, 1, 4, 4), np.uint8), Origin("real", -1), condition=captions), tmp_path)
    about = importlib.util.spec_from_file_location("outside_trainer", EXAMPLES / "outside_trainer.py")
    assert about is not None
    example = importlib.util.module_from_spec(about)
    about.loader.exec_module(example)  # type: ignore[union-attr]
    images, labels = example.read(tmp_path)
    assert images.shape == (2, 4, 4)
    assert labels.tolist() == [-1, -1]


def test_the_example_keeps_every_claim_about_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from autophagy import Experiment
    from autophagy.testing import CheckFailed

    monkeypatch.chdir(EXAMPLES.parent)
    experiment = Experiment.read(EXAMPLES / "outside-trainer.toml")
    model = experiment.arms["closed"].model
    assert len(experiment.plan().turns) == 24
    with pytest.raises(CheckFailed, match=r"would start programs of this machine: train: env OMP_NUM_TH"):
        check(model)
    assert len(check(model, allow_commands=True)) == 10
