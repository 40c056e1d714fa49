"""What a fit had to do otherwise than its recipe has it goes with its model, and all that tells of the run says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.archive.store import MemoryStore, Store
from autophagy.cli.app import app
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import Results, run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.report.write import write
from autophagy.testing.fakes import Breaks, Mean, Numbered

SAID = ("memory was full",)
REMARKS = Breaks(generation=1, how="remarks")


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return DiskStore(tmp_path) if request.param == "disk" else MemoryStore()


class Fails(Breaks):
    """Says so before it fails; mended, it has nothing to say."""

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        if seed.path[1:3] == (self.seed, self.generation) and not self.mended:
            workspace.remark("of a fit that failed")
        return super().fit(train, start=start, seed=seed, workspace=workspace)


@pytest.fixture(autouse=True)
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Breaks, "mended", False)


def experiment(model: Model = REMARKS) -> Experiment:
    arm = Arm(
        source=Numbered(),
        model=model,
        loop=FullySynthetic(),
        real=10,
        gallery=0,
        metrics=(Mean(),),
    )
    return Experiment({"a": arm, "b": arm}, generations=2, seeds=(0, 1), name="r", keep_models="all")


def remarks(results: Results) -> dict[tuple[str, int, int], tuple[str, ...]]:
    return {record.place: tuple(record.remarks) for record in results.records if record.remarks}


def test_a_record_has_the_remarks_of_its_fit(store: Store) -> None:
    """Both arms have them, of which one fit nothing: they share their histories. So has a run that finds all there."""
    wanted = {("a", 0, 1): SAID, ("b", 0, 1): SAID}
    for _ in range(2):
        results = run(experiment(), store, on="serial")
        assert not results.failures
        assert remarks(results) == wanted


def test_the_model_keeps_them_where_the_facts_are_lost(tmp_path: Path) -> None:
    run(experiment(), DiskStore(tmp_path), on="serial")
    for turn in plan(experiment()).turns:
        DiskStore(tmp_path).delete(turn.done)
    results = run(experiment(), DiskStore(tmp_path), on="serial")
    assert remarks(results) == {("a", 0, 1): SAID, ("b", 0, 1): SAID}


def test_a_fit_that_is_tried_again_says_only_what_it_says_then(store: Store) -> None:
    model = Fails(generation=1, how="raises")
    assert [f.error for f in run(experiment(model), store, on="serial").failures]
    Breaks.mended = True
    assert remarks(run(experiment(model), store, on="serial")) == {}


def test_a_fit_that_diverges_has_them_too(store: Store) -> None:
    results = run(experiment(Fails(generation=1, how="diverges")), store, on="serial")
    assert remarks(results) == {("a", 0, 1): ("of a fit that failed",), ("b", 0, 1): ("of a fit that failed",)}


def test_processes_bring_them_home(tmp_path: Path) -> None:
    results = run(experiment(), tmp_path, on="processes:2")
    assert remarks(results) == {("a", 0, 1): SAID, ("b", 0, 1): SAID}


def test_commands_tables_and_reports_say_them(tmp_path: Path) -> None:
    run(experiment(), tmp_path, on="serial")

    def said(*arguments: str) -> str:
        return CliRunner().invoke(app, [*arguments, "--store", str(tmp_path)]).output

    line = "remark: memory was full: a, seed 0, generation 1, and in 1 other turn."
    assert line in said("status", "r").splitlines()
    rows = [row.split(",") for row in said("records", "r").splitlines()]
    assert rows[0][-1] == "remarks"
    assert [(row[0], row[1], row[2]) for row in rows[1:] if row[-1]] == [("a", "0", "1"), ("b", "0", "1")]
    page = write(tmp_path, "r").read_text(encoding="utf-8")
    assert "<li>memory was full: a, seed 0, generation 1; b, seed 0, generation 1.</li>" in page
    assert [r.remarks for r in RunFolder(tmp_path, "r").records() if r.remarks] == [[*SAID]] * 2
