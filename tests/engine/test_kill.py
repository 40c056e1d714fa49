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
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
KILLS = 50


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


def test_fifty_kills_at_random_times_leave_nothing_that_the_next_run_does_not_mend(scratch: Path) -> None:
    expected_at, rng = scratch / "expected", random.Random(11)
    assert _start(expected_at, "serial").wait(120) == 0
    expected, kills, round_number = _tree(expected_at), 0, 0
    while kills < KILLS:
        round_number += 1
        store, is_finished = scratch / f"round-{round_number}", False
        while not is_finished:
            kills_now = kills < KILLS
            process = _start(store, "processes:2" if rng.random() < 0.3 else "serial")
            is_finished = not _killed(process, after=rng.uniform(0.25, 1.1) if kills_now else 120)
            kills += not is_finished
        assert _tree(store) == expected
    assert round_number > 1  # some kills fell into the end of a run, and some at its start


def _start(store: Path, on: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "small_process.py"), str(store), on]
    return subprocess.Popen(command, env=ONE_THREAD, start_new_session=True, stderr=subprocess.DEVNULL)


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
