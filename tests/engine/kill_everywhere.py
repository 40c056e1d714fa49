"""A program that kills a small run at every one of its file operations, and each time runs it again.

    python kill_everywhere.py SCRATCH SHARD SHARDS

It prints one JSON object: how many operations there were, and every one after
which the second run did not end where an undisturbed run ends. Operations are
opening for writing, writing (half of the bytes arrive), syncing, renaming,
making and removing files and folders, below SCRATCH. Each run is a process of
its own, forked from this one so that it takes milliseconds.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import safetensors.numpy

from autophagy.archive import files
from autophagy.archive.disk import DiskStore
from autophagy.experiment import notes
from autophagy.experiment import plan as planning
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.run import run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.loops.phases import Phases
from autophagy.loops.real_only import RealOnly
from autophagy.metrics.moments import Moments
from autophagy.models import gaussian
from autophagy.sources.normal import Normal
from autophagy.testing.fakes import Every, Logged, Mean, Numbered

DIFFER = ("timings.jsonl", ".lock")  # what two equal runs may differ in


def small(**changes: Any) -> Experiment:
    """Two arms with a shared past, curation, two families, and retention that deletes on the way."""
    shared: dict[str, Any] = {"gallery": 2, "curators": (Every(),), "refill": "redraw", "samples": 4}
    eats = FullySynthetic()
    arms = {
        "eats": Arm(Normal(1), gaussian.Gaussian(), eats, real=6, metrics=(Moments(),), **shared),
        "heals": Arm(
            Normal(1), gaussian.Gaussian(), Phases((eats, RealOnly()), (1,)), real=6, metrics=(Moments(),), **shared
        ),
        "starts": Arm(Numbered(9), Logged(), eats, start="previous", metrics=(Mean(),), gallery=0, generations=1),
    }
    return Experiment(arms, **{"generations": 2, "keep_samples": "last", "name": "small", **changes})


def tree(root: Path) -> dict[str, str]:
    """Every file that equal runs have in common, and the digest of its bytes."""
    found = (path for path in root.rglob("*") if not path.is_dir() and path.name not in DIFFER)
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


class Shim:
    """Counts file operations below `root`, and kills this process at one of them."""

    def __init__(self, root: Path, kill_at: int) -> None:
        self.root, self.kill_at, self.count = str(root), kill_at, 0
        self.seen: list[str] = []

    def install(self) -> None:
        plain_open, sync = io.open, os.fsync
        sys.addaudithook(self._hear)

        def counted_open(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if isinstance(file, int) or not set(mode) & set("wax+") or not str(file).startswith(self.root):
                return plain_open(file, mode, *rest, **more)
            buffered = io.BufferedWriter(TornFile(self, str(file), mode.replace("b", "").replace("t", "")))
            return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8", newline="")

        def counted_sync(handle: int) -> None:
            self.step("sync")
            sync(handle)

        def save_file(tensors: Any, path: Path) -> None:
            with counted_open(path, "wb") as file:
                file.write(safetensors.numpy.save(tensors))

        io.open = builtins.open = counted_open  # type: ignore[assignment]
        os.fsync = counted_sync
        gaussian.save_file = save_file
        files.Syncer.sync = lambda syncer, *paths: files.sync_all(*paths)  # type: ignore[method-assign]  # in order, so that operation k is always the same
        import autophagy.testing.fakes as fakes

        fakes.save_file = save_file

    def step(self, what: str) -> bool:
        """Counts an operation and kills before it; a write is left to its file, which tears it."""
        self.count += 1
        self.seen.append(what)
        is_the_one = self.count == self.kill_at
        if is_the_one and what != "write":
            os.kill(os.getpid(), signal.SIGKILL)
        return is_the_one

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            inside_folder = event in ("os.remove", "os.rmdir") and arguments[1] != -1  # shutil.rmtree names them so
            if inside_folder or str(arguments[0]).startswith(self.root):
                self.step(event)
        elif event == "open" and str(arguments[0]).startswith(self.root) and arguments[2] & (os.O_CREAT | os.O_WRONLY):
            self.step("open")


class TornFile(io.FileIO):
    """A file of which a kill leaves half of what was being written."""

    def __init__(self, shim: Shim, path: str, mode: str) -> None:
        super().__init__(path, mode)
        self._shim = shim

    def write(self, data: Any) -> int:
        if self._shim.step("write"):
            super().write(bytes(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return super().write(data) or 0


def forked(work: Any) -> tuple[int, str]:
    """Runs `work` in a fork; returns how it ended (0 is well, negative a signal) and what it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        code = 1
        try:
            os.write(writer, str(work() or "").encode()[:60_000])
            code = 0
        except BaseException as error:
            os.write(writer, repr(error).encode()[:60_000])
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def killed_run(root: Path, kill_at: int) -> tuple[int, str]:
    def work() -> str:
        shim = Shim(root, kill_at)
        shim.install()
        run(small(), root, on="serial")
        return json.dumps(shim.seen)

    return forked(work)


def whole_run(root: Path) -> tuple[int, str]:
    def work() -> str:
        results = run(small(), root, on="serial")
        store = DiskStore(root)
        for key in list(store.keys()):
            store.about(key)
        return "; ".join(failure.error for failure in results.failures)

    return forked(work)


def differences(expected: dict[str, str], root: Path) -> list[str]:
    found = tree(root)
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def main(scratch: Path, shard: int, shards: int) -> None:
    notes.environment = functools.cache(notes.environment)  # slow, and the same in every run
    run(small(), scratch / "warm", on="serial")
    expected_at = scratch / "expected"
    scratch.mkdir(exist_ok=True)
    assert whole_run(expected_at) == (0, "")
    expected = tree(expected_at)
    _, seen = killed_run(scratch / "counted", 0)
    operations, wrong = json.loads(seen), []
    for k in range(1 + shard, len(operations) + 1, shards):
        root = scratch / f"killed-{k}"
        kills = [k, *random.Random(k).sample(range(1, 60), k % 7 == 0)]  # sometimes it is killed while it resumes
        ends = [killed_run(root, at)[0] for at in kills]
        code, said = whole_run(root)
        odd = differences(expected, root)
        if ends[0] != -signal.SIGKILL or code or said or odd:
            wrong.append([k, operations[k - 1], ends, code, said, odd])
        shutil.rmtree(root)
    turns = len(planning.plan(small()).turns)
    print(json.dumps({"operations": len(operations), "kinds": sorted(set(operations)), "turns": turns, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
