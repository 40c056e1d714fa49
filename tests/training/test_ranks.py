"""Processes that share every step of a fit: they learn what one learns, fail as one, and never outlive it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autophagy.core.errors import AutophagyError, ConfigError, Diverged, MissingPackage, OutOfMemory
from autophagy.core.processes import lives
from autophagy.core.workspace import Machine
from autophagy.training import Alone, machine
from autophagy.training.machine import check_devices
from autophagy.training.ranks import on_ranks

PLACE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and in the processes."""
    monkeypatch.syspath_prepend(PLACE)


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Also where a batch is not divisible, where there is a process without a row, and where one has less memory."""
    from ranks_work import Learns, at, learned

    sizes = (8, 7, 1)
    said: list[str] = []
    on_ranks(Learns(tmp_path, sizes, room=1), replace(at(tmp_path), remark=said.append), tmp_path / "meeting")
    assert said == ["memory was full, so that batches were summed from pieces of 1"]
    for name, n in (*((str(n), n) for n in sizes), ("scarce", 8)):
        first, second = (np.load(tmp_path / f"{name}-{rank}.npy") for rank in (0, 1))
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, learned(Alone(), at(tmp_path), n), rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "kind", "sentence"),
    [
        ("diverged", Diverged, "the loss 'loss' was nan at step 4 of 6"),
        ("memory", OutOfMemory, "out of memory even with one sample at a time"),
        ("error", ValueError, "there is no answer"),
        ("killed", AutophagyError, "process 2 of 2 of a fit was ended by SIGKILL, .*goes on at its last checkpoint"),
    ],
)
def test_what_goes_wrong_in_a_process_is_raised_and_ends_the_others(tmp_path, wrong, kind, sentence) -> None:
    from ranks_work import Goes, at

    with pytest.raises(kind, match=sentence) as raised:
        on_ranks(Goes(tmp_path, wrong), at(tmp_path), tmp_path / "meeting")
    assert type(raised.value) is kind
    assert [lives(process) for process in processes(tmp_path)] == [False, False]


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {PLACE!r})\nfrom pathlib import Path\nfrom ranks_work import waits\n"
    parent = subprocess.Popen([sys.executable, "-c", f"{code}waits(Path({str(tmp_path)!r}))"])
    is_before = within_a_minute(lambda: len(processes(tmp_path)) == 2)
    assert is_before
    assert all(lives(process) for process in processes(tmp_path))
    parent.kill()
    parent.wait()
    assert within_a_minute(lambda: not any(lives(process) for process in processes(tmp_path)))


def processes(folder: Path) -> list[int]:
    return [int(path.read_text()) for path in sorted(folder.glob("process-?"))]


def within_a_minute(claim) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end and not claim():
        time.sleep(0.05)
    return claim()


def test_devices_that_are_not_there_are_told(monkeypatch) -> None:
    assert check_devices(Machine("cpu", devices=2)) == "cpu"
    with pytest.raises(ConfigError, match="--devices 2 is for device auto, cpu or cuda, but the device is 'cuda:1'"):
        check_devices(Machine("cuda:1", devices=2))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert check_devices(Machine("auto", devices=3)) == check_devices(Machine("cuda", devices=3)) == "cuda"
    with pytest.raises(ConfigError, match="--devices 4 asks for more GPUs than torch finds here, which is 3"):
        check_devices(Machine("auto", devices=4))
    monkeypatch.setattr(machine, "find_spec", lambda _: None)
    with pytest.raises(MissingPackage, match=r"--devices 2 needs the package 'accelerate'.*autophagy\[parallel\]"):
        check_devices(Machine("cpu", devices=2))
