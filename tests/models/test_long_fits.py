"""What every family that learns by gradient descent owes a long fit: it survives SIGKILL, and needs no more memory
for a larger pool."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from autophagy.core.catalog import build, find, known_names
from autophagy.core.errors import Damaged
from autophagy.core.parts import Sampler
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._trained import FACTS, WEIGHTS, Trained
from autophagy.testing import toys

APART = {"latent-diffusion", "causal-lm"}  # need a checkpoint; their own tests make these claims
FAMILIES = [name for name in known_names("model") if issubclass(find("model", name), Trained) and name not in APART]
STEPS = 8


def small(name: str) -> Trained:
    """The family as its trial has it, for eight steps on the 128 toy samples."""
    model = build("model", {"use": name})
    return replace(model, **{**model.trial, "batch": 16, "epochs": STEPS * 16 / 128})


def fit(name: str, workspace: Workspace) -> Sampler:
    model = small(name)
    train = toys.pool(next(space for space in ("images", "text", "vectors") if space in model.takes))
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
    """60,000 mapped images, 47 MB as they lie and 376 MB in 64 bits, against 10,000."""
    peaks = [_peak(name, tmp_path / f"{n}.npy", n) for n in (10_000, 10_000, 60_000)]  # the first warms allocators up
    assert peaks[2] - peaks[1] < 24e6


def _peak(name: str, path: Path, n: int) -> float:
    """The most memory of its own, in bytes, that a process had while it took a few steps on n images."""
    columns = np.lib.format.open_memmap(path, "w+", np.uint8, (n, 1, 28, 28))
    columns[:500] = toys.samples("images", 500, Seed(("pool",)))
    columns[500:] = 7
    model = small(name)
    labels = np.arange(n) % 4 if model.conditional else None
    train = Pool.born(np.load(path, mmap_mode="r"), Origin("mapped", -1), condition=labels)
    seen: list[float] = [0.0]
    is_over = Event()

    def look() -> None:  # all the time, since a model may need most before its first step
        while not is_over.wait(0.002):
            seen.append(_own_memory())

    looking = Thread(target=look)
    looking.start()
    workspace = Workspace(lambda: path.parent, Machine("cpu", 1e9))
    replace(model, epochs=3 * 16 / n).fit(train, start=None, seed=Seed(("fit",)), workspace=workspace)
    is_over.set()
    looking.join()
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


# ── what a store from somebody else may hold ─────────────────────────────────


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder that each family's sampler was saved to."""
    places = {name: tmp_path_factory.mktemp(name) for name in FAMILIES}
    for name, place in places.items():
        work = tmp_path_factory.mktemp(f"{name}-work")
        fit(name, Workspace(lambda work=work: work, Machine("cpu", 1e9))).save(place)
    return places


@pytest.mark.parametrize("name", FAMILIES)
def test_no_samples_have_the_shape_of_samples(name: str, stored: dict[str, Path]) -> None:
    sampler = small(name).load(stored[name])
    condition = np.zeros(0, np.int64) if small(name).conditional else None
    some = sampler.sample(3, condition=None, bias=1.0, seed=Seed(("draw",)))
    none = sampler.sample(0, condition=condition, bias=1.0, seed=Seed(("draw",)))
    assert none.shape == (0, *some.shape[1:])
    assert none.dtype.kind == some.dtype.kind
    assert none.dtype == some.dtype or none.dtype.kind == "U"  # which is as wide as the longest


SPOILT = [1e999, -1, 10**9, "zzz", [], None, [1, 400_000, 400_000], {"threads": 10**9}]


@pytest.mark.parametrize("name", FAMILIES)
def test_facts_that_do_not_fit_the_weights_are_damage(name: str, stored: dict[str, Path], tmp_path: Path) -> None:
    """They may ask for a network of any size; the weights beside them say what there is."""
    facts = json.loads((stored[name] / FACTS).read_text())
    (tmp_path / WEIGHTS).symlink_to(stored[name] / WEIGHTS)
    for chart in stored[name].glob("chart*"):
        (tmp_path / chart.name).symlink_to(chart)
    sizes = {
        "shape",
        "width",
        "latent",
        "channels",
        "dimensions",
        "kind",
        "channel_base",
        "size",
        "drawn_with",
        "classes",
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for key in sizes & facts.keys():
        for value in SPOILT:
            (tmp_path / FACTS).write_text(json.dumps({**facts, key: value}))
            with pytest.raises(Damaged):
                small(name).load(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB
