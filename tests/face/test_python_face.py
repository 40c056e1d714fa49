"""The Python face: what a notebook or a script does with it."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import autophagy
from autophagy import Experiment, MemoryStore, Run
from autophagy.archive.disk import DiskStore
from autophagy.cli.app import app
from autophagy.core.errors import ConfigError, StoreError
from autophagy.experiment.config import Arm
from autophagy.loops.accumulate import Accumulate
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.models.gaussian import Gaussian
from autophagy.sources.normal import Normal
from autophagy.testing.fakes import Breaks, Numbered

SETTINGS = {
    "seeds": [0, 1, 2],
    "generations": 3,
    "keep_models": "all",
    "base": {"source": "normal", "model": "gaussian", "real": 20, "metrics": ["moments"], "gallery": 5},
    "arms": {"replace": {"loop": "fully-synthetic"}, "accumulate": {"loop": "accumulate"}},
}


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, autophagy; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "scipy", "sklearn", "pandas", "matplotlib", "typer", "rich"} & set(found)


def test_every_public_name_is_there() -> None:
    assert all(getattr(autophagy, name) is not None for name in autophagy.__all__)
    assert set(autophagy.__all__) <= set(dir(autophagy))
    with pytest.raises(AttributeError, match="no attribute 'Experimnt'"):
        _ = autophagy.Experimnt


def test_its_docstrings_are_true() -> None:
    from autophagy import api

    found = doctest.testmod(api)
    assert found.attempted > 0
    assert found.failed == 0


def test_parts_may_be_objects_and_give_the_same_keys() -> None:
    arm = {"source": Normal(dim=2), "model": Gaussian(), "loop": Accumulate(), "real": 20, "gallery": 0}
    named = {"source": "normal", "model": "gaussian", "loop": "accumulate", "real": 20, "gallery": 0}
    one, two = (Experiment.of({"arms": {"a": a}}).plan().turns for a in (arm, named))
    assert [turn.done for turn in one] == [turn.done for turn in two]


def test_phases_may_be_objects_too() -> None:
    arm = {"source": "normal", "model": "gaussian", "real": 20}
    loops: list[list[Any]] = [
        [{"use": "fully-synthetic", "generations": 2}, {"use": "accumulate"}],
        [{"use": FullySynthetic(), "generations": 2}, Accumulate()],
    ]
    one, two = (Experiment.of({"arms": {"a": {**arm, "loop": loop}}}).arms["a"].loop for loop in loops)
    assert one == two
    with pytest.raises(ConfigError, match=r"arms.a.loop\[0\].size: there is no such setting"):
        Experiment.of(
            {"arms": {"a": {**arm, "loop": [{"use": FullySynthetic(), "size": 3, "generations": 1}, "accumulate"]}}}
        )


def test_the_last_phase_may_say_how_long_it_lasts() -> None:
    loop = [{"use": "fully-synthetic", "generations": 2}, {"use": "real-only", "generations": 3}]
    arm = {"source": "normal", "model": "gaussian", "real": 20, "loop": loop}
    open_ended = {**arm, "loop": [loop[0], "real-only"]}
    one, two = (Experiment.of({"generations": 5, "arms": {"a": a}}).arms["a"].loop for a in (arm, open_ended))
    assert one == two
    assert Experiment.of({"arms": {"a": {**arm, "generations": 5}}}).plan()
    with pytest.raises(ConfigError, match=r"phases end with generation 5, but the arm with generation 10"):
        Experiment.of({"arms": {"a": arm}})


def test_settings_may_be_ranges_and_numpy_numbers() -> None:
    found = Experiment.of({**SETTINGS, "seeds": range(3), "generations": np.int64(3)})
    assert found.seeds == (0, 1, 2)
    assert type(found.generations) is int
    assert Experiment.of({**SETTINGS, "seeds": np.arange(3).tolist()}).seeds == found.seeds


def test_wrong_arguments_are_one_sentence(tmp_path) -> None:
    experiment = Experiment.of(SETTINGS)
    run = Experiment.of({**SETTINGS, "keep_models": "last"}).run(DiskStore(str(tmp_path)))
    with pytest.raises(ConfigError, match="intervals must be one of"):
        run.compare("replace", intervals="normal")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="on must be"):
        experiment.run(on=2)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="store must be a folder, a Store or None, but is 3"):
        experiment.run(3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="machine must be a Machine or None, but is 'cpu'"):
        experiment.run(machine="cpu")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="watch must be a function of a record, but is 5"):
        experiment.run(watch=5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"changes must be a list of texts such as \['base\.samples=5'\]"):
        Experiment.read("accumulate", changes="base.samples=5")
    with pytest.raises(ConfigError, match="an experiment must be a table, but is None"):
        Experiment.of(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"generation must be a whole number, but is 1\.0"):
        run.samples("replace", 0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r'keep_models = "all" and run again with restore'):
        run.sampler("replace", 0, 1)


def test_a_run_gives_tables_samples_and_models(tmp_path) -> None:
    run = Experiment.of(SETTINGS).run(tmp_path)
    table = run.to_pandas()
    assert len(run.records()) == 24
    assert {"arm", "seed", "generation", "score", "value"} <= set(table.columns)
    assert run.samples("replace", 1, 2).samples.shape == (20, 2)
    mean, covariance = run.sampler("replace", 1, 2).moments()  # type: ignore[attr-defined]
    assert mean.shape == (2,)
    assert np.all(np.linalg.eigvalsh(covariance) > 0)
    assert "moments" in run._repr_html_()
    assert run.report().read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run.measures["replace"]["moments"].identity["n"] == 20


def test_what_a_notebook_prints_is_short() -> None:
    run = Experiment.of(SETTINGS).run()
    assert repr(run) == "<Run of 'experiment': 24 of 24 turns>"
    assert len(repr(run.plan)) < 5000


def test_a_second_run_computes_nothing() -> None:
    store = MemoryStore()
    assert Experiment.of(SETTINGS).run(store).computed == 24
    assert Experiment.of(SETTINGS).run(store).computed == 0


def test_a_report_is_of_this_experiment_or_none(tmp_path) -> None:
    mine = Experiment.of(SETTINGS).run(tmp_path)
    arm = {"source": "normal", "model": "gaussian", "loop": "real-only", "real": 10, "gallery": 0}
    Experiment.of({"generations": 1, "arms": {"other": arm}}).run(tmp_path)
    with pytest.raises(StoreError, match=r"run 'experiment' in .* is another experiment's by now"):
        mine.report()
    assert Experiment.of(SETTINGS).run(tmp_path).report().is_file()


def test_turns_that_failed_are_told_and_not_passed_over() -> None:
    arm = Arm(source=Numbered(), model=Breaks(how="raises"), loop=FullySynthetic(), real=10, gallery=0)
    with pytest.warns(
        RuntimeWarning, match=r"1 turn failed \(see \.failures\), the first: a, seed 0, generation 3: Zero"
    ):
        run = Experiment({"a": arm}, generations=4, seeds=(0,)).run()
    shown = run._repr_html_()
    assert (
        "1 turn failed, and what comes after is missing. The first: a, seed 0, generation 3: ZeroDivisionError" in shown
    )
    assert "Nothing to judge" in shown


def test_watching_sees_every_record() -> None:
    seen: list[str] = []
    Experiment.of(SETTINGS).run(watch=lambda record: seen.append(record.arm))
    assert len(seen) == 24


def test_what_is_not_there_is_named() -> None:
    run = Experiment.of(SETTINGS).run()
    with pytest.raises(ConfigError, match=r"no arm 'replce'\. Did you mean 'replace'"):
        run.samples("replce", 0, 0)
    with pytest.raises(ConfigError, match="no seed 7; it has 0, 1, 2"):
        run.samples("replace", 7, 0)
    with pytest.raises(ConfigError, match="generations 0 to 3, not 4"):
        run.samples("replace", 0, 4)
    with pytest.raises(StoreError, match="run the experiment with store"):
        run.report()


def test_a_run_can_be_read_again_and_answers_the_question_of_the_budget(tmp_path: Path) -> None:
    made = Experiment.read("budget", profile="smoke").run(tmp_path)
    read = Run.read(tmp_path, "budget")
    assert read.records() == made.records()
    assert read.measures == made.measures
    assert repr(read) == repr(made)
    assert read.samples("share-50", 0, 2).digest() == made.samples("share-50", 0, 2).digest()
    (told,) = read.budget(metric="frechet[lenet].distance", tolerance="10%")
    assert str(told) == str(made.budget(metric="frechet[lenet].distance", tolerance="10%")[0])
    said = CliRunner().invoke(app, ["budget", "budget", "--store", str(tmp_path), "--tolerance", "10%"]).output
    assert said.splitlines()[0] == str(told)
    with pytest.raises(ConfigError, match="tolerance"):
        read.budget(tolerance="much")


def test_a_run_of_data_that_have_changed_is_told(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(60):
        Image.new("L", (16, 16), i).save(photos / f"{i}.png")
    source = {"use": "image-folder", "folder": str(photos), "side": 16, "mode": "L"}
    arm = {"source": source, "model": "gaussian-mixture", "loop": "real-only", "metrics": ["moments"]}
    arm["model"] = {"use": "eigen-mixture", "components": 2}
    Experiment.of({"generations": 0, "arms": {"a": arm}}, name="p").run(tmp_path / "s")
    assert Run.read(tmp_path / "s", "p").measures["a"]
    Image.new("L", (16, 16), 200).save(photos / "more.png")
    with pytest.raises(StoreError, match="was made from other data than its sources give now"):
        Run.read(tmp_path / "s", "p")


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no run named 'mine'"):
        Run.read(tmp_path, "mine")
    with pytest.raises(ConfigError, match="run name"):
        Run.read(tmp_path, "../mine")


def test_notebooks_show_experiments_and_plans_as_tables() -> None:
    arm = {"source": "normal", "model": "gaussian", "real": 20, "gallery": 0}
    arms = {"grows": {**arm, "loop": "accumulate"}, "stays": {**arm, "loop": "real-only"}}
    found = Experiment.of({"generations": 3, "arms": arms})
    page = found._repr_html_()
    assert page == found.plan()._repr_html_()
    assert page.count("<tr>") == 3
    assert "<td>grows</td><td>20 real + 20 of generation 0</td><td>20 real + 60 of generations 0–2</td>" in page
    assert repr(found) == "<Experiment 'experiment': 2 arms ('grows', 'stays'), seeds [0], generations 0–3>"
    broken = Experiment.of({"arms": {"a": {**arm, "loop": "accumulate", "model": {"use": "kde"}, "start": "previous"}}})
    assert "cannot go on from earlier weights" in broken._repr_html_()
    assert "<table" not in broken._repr_html_()


def test_a_plan_is_one_line() -> None:
    told = repr(Experiment.read("budget", profile="smoke").plan())
    assert re.fullmatch(r"<Plan of 'budget': \d+ turns in \d+ lineages, \d+ distinct fits>", told)
