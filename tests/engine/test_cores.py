"""How many processes "auto" takes, also where the system does not say which cores or memory there are."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from autophagy.archive.run_folder import line
from autophagy.core import hardware
from autophagy.core.parts import Metric
from autophagy.core.workspace import Machine
from autophagy.experiment import executors
from autophagy.experiment import run as run_module
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.executors import Executor, Growing, Processes, Serial, executor
from autophagy.experiment.run import run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.metrics.moments import Moments
from autophagy.models.gaussian import Gaussian
from autophagy.sources.normal import Normal
from autophagy.testing.fakes import Logged, Numbered


def test_auto_counts_the_cores_where_no_affinity_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert executor("auto", 1000) == Processes(6)
    assert executor("auto", 4) == Processes(4)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert isinstance(executor("auto", 1000), Serial)


def test_auto_starts_no_more_than_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**21}.__getitem__)  # 8 GiB
    assert executor("auto", 1000, 2**31) == Processes(4)
    assert executor("auto", 3, 2**31) == Processes(3)
    assert isinstance(executor("auto", 1000, 2**33 - 2**20), Serial)
    assert isinstance(executor("auto", 1000, 2**34), Serial)  # it may be lucky, but with company it has no chance
    assert executor("processes:5", 1000, 2**34) == Processes(5)
    monkeypatch.setattr(os, "sysconf", lambda name: (_ for _ in ()).throw(ValueError(name)))
    monkeypatch.setattr(hardware, "CONTAINER", ())
    assert executor("auto", 1000, 2**34) == Processes(6)


@pytest.mark.parametrize(("told", "most"), [("6442450944\n", 3), ("max\n", 4), ("", 4), (None, 4)])
def test_a_container_may_have_less_than_the_machine(monkeypatch, tmp_path: Path, told: str | None, most: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**21}.__getitem__)  # 8 GiB
    monkeypatch.setattr(hardware, "CONTAINER", (tmp_path / "memory.max", tmp_path / "nowhere"))
    if told is not None:
        (tmp_path / "memory.max").write_text(told)
    assert executor("auto", 1000, 2**31) == Processes(most)


def test_a_run_asks_its_models_what_they_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr(run_module, "executor", lambda *given: asked.append(given) or Serial())
    monkeypatch.setattr(Logged, "memory", lambda self: 5 + self.tag)
    arms = {name: Arm(Numbered(), Logged(tag=tag), FullySynthetic(), real=10) for name, tag in (("a", 2), ("b", 1))}
    run(Experiment(arms, generations=1), tmp_path, on="auto")
    assert asked == [("auto", 2, 7)]


@pytest.mark.parametrize(("kind", "wanted"), [("cpu", "auto"), ("cuda", "serial")])
def test_processes_do_not_share_a_gpu_unasked(monkeypatch, tmp_path: Path, kind: str, wanted: str) -> None:
    machine = pytest.importorskip("autophagy.training.machine")
    monkeypatch.setattr(machine, "device_of", lambda name: SimpleNamespace(type=kind))
    asked = []
    monkeypatch.setattr(run_module, "executor", lambda on, *_: asked.append(on) or Serial())
    arm = Arm(Numbered(), Logged(), FullySynthetic(), real=10)
    run(Experiment({"a": arm}, generations=1), tmp_path / "plain", on="auto")
    monkeypatch.setattr(Logged, "uses_device", True)
    run(Experiment({"a": arm}, generations=1), tmp_path / "network", on="auto")
    assert asked == ["auto", wanted]


def _small(metrics: tuple[Metric, ...] = (Moments(),)) -> Experiment:
    arms = {"a": Arm(Normal(1), Gaussian(), FullySynthetic(), real=10, metrics=metrics)}
    return Experiment(arms, seeds=(0, 1), generations=3)


def test_auto_starts_no_process_for_what_is_soon_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hardware, "cores", lambda: 2)
    monkeypatch.setattr(executors, "workers", None)
    assert run(_small(), tmp_path, on="auto").ran == 8


@pytest.mark.parametrize("undecided", [0.0, 60.0])
def test_auto_starts_processes_once_they_are_worth_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, undecided: float
) -> None:
    started = []
    plain = executors.workers
    monkeypatch.setattr(hardware, "cores", lambda: 2)
    monkeypatch.setattr(executors, "workers", lambda *given: started.append(given[0]) or plain(*given))
    monkeypatch.setattr(executors, "UNDECIDED", undecided)
    monkeypatch.setattr(executors, "WORTHWHILE", 0.0)
    found = run(_small(), tmp_path / "auto", on="auto")
    assert started == ([2] if undecided == 0 else [])
    assert [line(record) for record in found.records] == [
        line(record) for record in run(_small(), tmp_path / "serial", on="serial").records
    ]
    assert (found.ran, found.failures) == (8, [])


class Theirs(Moments):
    name = "theirs"


@pytest.mark.parametrize("heavy", ["network", "program", "theirs"])
def test_auto_starts_processes_at_once_for_networks_programs_and_parts_of_other_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, heavy: str
) -> None:
    chosen: list[Executor] = []
    monkeypatch.setattr(hardware, "cores", lambda: 2)
    monkeypatch.setattr(Processes, "outcomes", lambda self, *rest: chosen.append(self) or iter(()))
    monkeypatch.setattr(Growing, "outcomes", lambda self, *rest: chosen.append(self) or iter(()))
    if heavy == "network":
        monkeypatch.setattr(Gaussian, "uses_device", True)
    if heavy == "program":
        monkeypatch.setattr(run_module, "StartsPrograms", Gaussian)
    experiment = _small(metrics=(Theirs(),)) if heavy == "theirs" else _small()
    run(experiment, tmp_path, on="auto", machine=Machine("cpu"))
    assert chosen == [Processes(2)]
