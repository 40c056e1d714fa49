"""A run may be killed at any moment; the same command again ends where an undisturbed run ends."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("kill")  # one after the other: each keeps two processes busy

HERE = Path(__file__).parent
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
KILLS, WORKERS = 50, 2
SETTINGS = """
seeds = [0, 1]
generations = 15
keep_samples = "last"

[base]
source = "normal"
model = "gaussian"
real = 50
metrics = ["moments", "wasserstein"]
gallery = 3

[arms.replace]
loop = "fully-synthetic"
[arms.augment]
loop = "synthetic-augmentation"
"""


def test_a_kill_at_every_file_operation_leaves_nothing_that_the_next_run_does_not_mend(scratch: Path) -> None:
    shards = 2
    commands = [
        [sys.executable, str(HERE / "kill_everywhere.py"), str(scratch / str(shard)), str(shard), str(shards)]
        for shard in range(shards)
    ]
    running = [subprocess.Popen(c, env=ONE_THREAD, stdout=subprocess.PIPE, text=True) for c in commands]
    found = [json.loads(process.communicate(timeout=300)[0]) for process in running]
    assert found[0]["operations"] == found[1]["operations"] > 300
    assert set(found[0]["kinds"]) >= {"open", "write", "sync", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}
    assert [wrong for part in found for wrong in part["wrong"]] == []


def test_fifty_kills_of_the_command_at_random_times_leave_nothing_that_it_does_not_mend(scratch: Path) -> None:
    (scratch / "small.toml").write_text(SETTINGS)
    assert _start(scratch, scratch / "expected", "serial").wait(120) == 0
    expected = _tree(scratch / "expected")
    assert len(expected) > 250
    with ThreadPoolExecutor(WORKERS) as threads:
        works = [threads.submit(_kill_and_compare, scratch, expected, worker) for worker in range(WORKERS)]
        assert sum(work.result() for work in works) >= KILLS


def _kill_and_compare(scratch: Path, expected: dict[str, str], worker: int) -> int:
    """Starts the same command again and again until it ends by itself; does so until there were enough kills."""
    rng, kills, number = random.Random(worker), 0, 0
    while kills < KILLS // WORKERS:
        number += 1
        store, is_finished = scratch / f"{worker}-{number}", False
        while not is_finished:
            process = _start(scratch, store, rng.choice(["serial", "serial", "processes:2"]))
            is_finished = not _killed(process, after=rng.uniform(0.4, 1.6) if kills < KILLS // WORKERS else 120)
            kills += not is_finished
        assert _tree(store) == expected
    return kills


def _start(scratch: Path, store: Path, on: str) -> subprocess.Popen[bytes]:
    file = str(scratch / "small.toml")
    command = [sys.executable, "-m", "autophagy", "run", file, "--store", str(store), "--on", on]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, env=ONE_THREAD, start_new_session=True, stdout=nowhere, stderr=nowhere)


def _killed(process: subprocess.Popen[bytes], after: float) -> bool:
    """Whether the process had to be killed; its workers are left to notice by themselves."""
    try:
        assert process.wait(after) == 0
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for _ in range(400):
            if not _any_left(process.pid):
                return True
            time.sleep(0.025)
        pytest.fail("a worker outlived its parent by ten seconds")
    return False


def _any_left(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


def _tree(root: Path) -> dict[str, str]:
    files = (p for p in root.rglob("*") if p.is_file() and p.name not in ("timings.jsonl", ".lock"))
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
