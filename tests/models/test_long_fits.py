"""What every family that learns by gradient descent owes a long fit: it survives SIGKILL, and needs no more memory
for a larger pool."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.catalog import build, find, known_names
from autophagy.core.parts import Sampler
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._trained import Trained
from autophagy.testing import toys

FAMILIES = [name for name in known_names("model") if issubclass(find("model", name), Trained)]
STEPS = 8


def small(name: str) -> Trained:
    """The family as its trial has it, for eight steps on the 128 toy samples."""
    model = build("model", {"use": name})
    return replace(model, **{**model.trial, "batch": 16, "epochs": STEPS * 16 / 128})


def fit(name: str, workspace: Workspace) -> Sampler:
    model = small(name)
    train = toys.pool("images" if "images" in model.takes else "vectors")
    train = train if model.conditional else train.unconditional()
    return model.fit(train, start=None, seed=Seed(("fit",)), workspace=workspace)


def said(done: int, total: int, note: str) -> None:
    sys.stdout.write(f"{done}\n")
    sys.stdout.flush()


def at(folder: Path) -> Workspace:
    folder.mkdir(exist_ok=True)
    return Workspace(lambda: folder, Machine("cpu", 0.0), said)


CHILD = """
import sys
sys.path.insert(0, {place!r})
from pathlib import Path
from test_long_fits import at, fit
fit({name!r}, at(Path({folder!r})))
"""


@pytest.mark.parametrize("name", FAMILIES)
def test_a_fit_killed_at_a_random_step_ends_in_the_same_bytes(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fit(name, at(tmp_path / "whole")).save(_made(tmp_path / "one"))
    told = capfd.readouterr().out.split()
    last = random.Random(name).randrange(1, len(told))
    code = CHILD.format(place=str(Path(__file__).parent), name=name, folder=str(tmp_path / "killed"))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=_environment())
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == last:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    fit(name, at(tmp_path / "killed")).save(_made(tmp_path / "two"))
    again = capfd.readouterr().out.split()
    assert len(again) < len(told)  # it went on, and did not begin again
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory in use")
@pytest.mark.parametrize("name", [name for name in FAMILIES if "images" in find("model", name).takes])
def test_memory_does_not_grow_with_the_pool(name: str, tmp_path: Path) -> None:
    """60,000 mapped images, 47 MB as they lie and 188 MB as floats, against 500."""
    peaks = [_peak(name, tmp_path / f"{n}.npy", n) for n in (500, 500, 60_000)]  # the first warms allocators up
    assert peaks[2] - peaks[1] < 24e6


def _peak(name: str, path: Path, n: int) -> float:
    """The most memory of its own, in bytes, that a process had while it took a few steps on n images."""
    columns = np.lib.format.open_memmap(path, "w+", np.uint8, (n, 1, 28, 28))
    columns[:500] = toys.samples("images", 500, Seed(("pool",)))
    columns[500:] = 7
    model = small(name)
    labels = np.arange(n) % 4 if model.conditional else None
    train = Pool.born(np.load(path, mmap_mode="r"), Origin("mapped", -1), condition=labels)
    seen: list[float] = []
    workspace = Workspace(lambda: path.parent, Machine("cpu", 1e9), lambda *_: seen.append(_own_memory()))
    replace(model, epochs=3 * 16 / n).fit(train, start=None, seed=Seed(("fit",)), workspace=workspace)
    return max(seen)


def _own_memory() -> float:
    """Without pages of mapped files, which the system takes back when it needs them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}
