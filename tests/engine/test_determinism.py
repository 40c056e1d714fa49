"""One experiment has one outcome, byte for byte: however, wherever and in whatever order it is run."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.archive.store import MemoryStore
from autophagy.core.errors import ConfigError, StoreError
from autophagy.experiment.config import Experiment
from autophagy.experiment.executors import Executor, Outcome, Processes, Serial, executor
from autophagy.experiment.read import experiment
from autophagy.experiment.run import run
from autophagy.experiment.schedule import Schedule

ARMS: dict[str, Any] = {
    "eats": {"loop": "fully-synthetic"},
    "shares": {"loop": {"use": "fixed-share", "synthetic": 0.5}, "curators": [{"use": "dedupe"}], "refill": "redraw"},
    "heals": {"loop": [{"use": "fully-synthetic", "generations": 2}, "real-only"]},
    "fresh": {"loop": {"use": "fresh-data", "real": 40}, "model": {"use": "gaussian-mixture", "components": 2}},
}


def small(names: list[str] | None = None, **changes: Any) -> Experiment:
    base = {"source": "normal", "model": "gaussian", "real": 60, "metrics": ["moments", "wasserstein"], "gallery": 3}
    arms = {name: ARMS[name] for name in names or ARMS}
    return experiment({"seeds": [0, 1], "generations": 4, "base": base, "arms": arms, **changes}, name="small")


def tree(root: Path, *, arms_moved: bool = False) -> dict[str, str]:
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and path.name not in ("timings.jsonl", ".lock"):
            content = path.read_bytes()
            if arms_moved and path.parent.name == "small":
                content = b"\n".join(sorted(content.splitlines())) if path.name == "records.jsonl" else _sorted(content)
            found[str(path.relative_to(root))] = hashlib.sha256(content).hexdigest()
    return found


def _sorted(content: bytes) -> bytes:
    """A JSON file with its list of arms in the order of their names."""
    body = json.loads(content) if content else None
    if isinstance(body, dict) and "arms" in body:
        body["arms"] = sorted(body["arms"], key=lambda arm: arm["name"])
    return json.dumps(body, sort_keys=True).encode()


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("serial")
    assert not run(small(), root, on="serial").failures
    return root


def test_two_processes_write_the_same_bytes_as_one(serial: Path, tmp_path: Path) -> None:
    results = run(small(), tmp_path, on="processes:2")
    assert not results.failures
    assert tree(tmp_path) == tree(serial)


class Interrupted(Executor):
    """Stops after some jobs, as Ctrl-C would."""

    def outcomes(self, schedule: Schedule, store: Any) -> Any:
        for done, outcome in enumerate(Serial().outcomes(schedule, store)):
            if done == 17:
                raise KeyboardInterrupt
            yield outcome


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(serial: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(small(), tmp_path, on=Interrupted())
    assert 0 < len(RunFolder(tmp_path, "small").records()) < 40
    assert run(small(), tmp_path, on="serial").ran < 40
    assert tree(tmp_path) == tree(serial)


def test_growing_an_experiment_step_by_step_gives_the_same_bytes(serial: Path, tmp_path: Path) -> None:
    run(small(["heals"], seeds=[0]), tmp_path, on="serial")
    run(small(["heals", "fresh"], generations=2), tmp_path, on="serial")
    run(small(), tmp_path, on="serial")
    assert tree(tmp_path) == tree(serial)


def test_the_order_of_arms_changes_no_artefact_and_no_record(serial: Path, tmp_path: Path) -> None:
    assert not run(small(list(reversed(ARMS))), tmp_path, on="serial").failures
    assert tree(tmp_path, arms_moved=True) == tree(serial, arms_moved=True)


def test_memory_and_disk_give_the_same_records(serial: Path) -> None:
    assert run(small(), MemoryStore(), on="serial").records == RunFolder(serial, "small").records()


def test_watching_sees_every_new_record_once(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    results = run(small(), tmp_path, on="serial", watch=lambda r: seen.append((r.arm, r.seed, r.generation)))
    assert sorted(seen) == sorted((r.arm, r.seed, r.generation) for r in results.records)
    seen.clear()
    run(small(), tmp_path, on="serial", watch=lambda r: seen.append((r.arm, r.seed, r.generation)))
    assert seen == []


# ── where turns run ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "on", ["", "proceses:2", "processes", "processes:", "processes:0", "processes:-1", "x", "serial:2"]
)
def test_an_executor_that_is_not_there_is_refused(on: str) -> None:
    with pytest.raises(ConfigError, match="on must be auto, serial or processes:N"):
        executor(on, 4)


def test_auto_takes_no_more_processes_than_lineages() -> None:
    assert isinstance(executor("auto", 1), Serial)
    found = executor("auto", 1000)
    assert isinstance(found, (Serial, Processes))
    assert executor("processes:3", 1) == Processes(3)


def test_memory_cannot_be_shared_between_processes() -> None:
    with pytest.raises(ConfigError, match="an in-memory store cannot be shared"):
        run(small(["eats"]), None, on="processes:2")
    assert len(run(small(["eats"]), None, on="auto").records) == 10


def test_a_run_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "small").locked(), pytest.raises(StoreError, match="already at work"):
        run(small(["eats"]), tmp_path, on="serial")
    assert not run(small(["eats"]), tmp_path, on="serial").failures


SHARED = """
import sys
from pathlib import Path
from autophagy import Experiment
settings = {
    "seeds": [0, 1], "generations": 60, "keep_models": "none", "keep_samples": sys.argv[3],
    "base": {"source": "normal", "model": "gaussian", "real": 20, "metrics": ["moments"], "gallery": 0},
    "arms": {"a": {"loop": "fully-synthetic"}, "b": {"loop": {"use": "synthetic-augmentation", "keep": 3}}},
}
run = Experiment.of(settings, name=sys.argv[2]).run(sys.argv[1])
sys.exit("; ".join(f.error for f in run.failures) or 0)
"""


@pytest.mark.parametrize("keep", ["last", "none"])
def test_two_runs_at_once_in_one_store_leave_each_other_alone(tmp_path: Path, keep: str) -> None:
    command = [sys.executable, "-c", SHARED, str(tmp_path)]
    both = [subprocess.Popen([*command, name, keep], stderr=subprocess.PIPE, text=True) for name in ("one", "two")]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in both] == [("", 0), ("", 0)]
    one, two = (RunFolder(tmp_path, name).records() for name in ("one", "two"))
    assert one == two
    assert len(one) == 2 * 2 * 61


def test_a_store_that_fails_ends_the_run_and_says_why(tmp_path: Path) -> None:
    class Broken(DiskStore):
        def numbers(self, key: str, make: Any = None) -> Any:
            raise StoreError("the disk is gone.")

    with pytest.raises(StoreError, match="the disk is gone"):
        run(small(["eats"]), Broken(tmp_path), on="serial")


def test_an_outcome_without_an_error_went_well() -> None:
    job = run(small(["eats"]), None, on="serial").plan.turns[0]
    assert Outcome(job, 0.1).error == ""
