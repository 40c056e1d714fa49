"""`autophagy prune` deletes what no run keeps, and nothing that one does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autophagy import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.cli.app import app
from autophagy.core.pool import Pool
from autophagy.models.gaussian import Gaussian

RECIPE = """
seeds = [0, 1]
generations = 2
[base]
source = { use = "normal", dim = 2 }
model = "gaussian"
real = 30
metrics = ["moments"]
[arms.closed]
loop = "fully-synthetic"
[arms.kept]
loop = "synthetic-augmentation"
"""


def call(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return found.exit_code, " ".join(found.output.split())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "x.toml").write_text(RECIPE)
    for name, more in (("one", ()), ("two", ("--arm", "closed", "--set", "seeds=[1,2]"))):
        assert call("run", tmp_path / "x.toml", "--store", tmp_path / "s", "--name", name, *more)[0] == 0
    return tmp_path / "s"


def keys(store: Path) -> set[str]:
    return set(DiskStore(store).keys())


def test_what_a_run_keeps_stays(store: Path) -> None:
    before = keys(store)
    for more in ((), ("--delete",)):
        assert call("prune", "--store", store, *more) == (0, f"every artefact in {store} is kept by a run.")
    assert keys(store) == before


def test_what_a_deleted_run_alone_kept_goes_and_the_rest_stays_whole(store: Path, tmp_path: Path) -> None:
    before, others = keys(store), RunFolder(store, "two").used()
    unfinished = store / "work" / ("ab" * 16)
    unfinished.mkdir(parents=True)
    (unfinished / "checkpoint.safetensors").write_bytes(b"0" * 5000)
    shutil.rmtree(store / "runs" / "one")
    gone = len(before - others)
    assert 0 < gone < len(before)
    code, said = call("prune", "--store", store)
    assert (code, f"kept by no run: {gone} artefacts and 1 unfinished fit (" in said) == (0, True)
    assert keys(store) == before
    assert unfinished.exists()
    code, said = call("prune", "--store", store, "--delete")
    assert (code, f"deleted, since no run kept it: {gone} artefacts and 1 unfinished fit (" in said) == (0, True)
    assert keys(store) == others
    assert not unfinished.exists()
    assert call("verify", "--store", store)[0] == 0
    again = ("run", tmp_path / "x.toml", "--store", store, "--name", "two", "--arm", "closed", "--set", "seeds=[1,2]")
    assert "0 computed now" in call(*again)[1]


def test_what_a_shorter_recipe_leaves_behind_is_found(store: Path, tmp_path: Path) -> None:
    shutil.rmtree(store / "runs" / "two")
    call("prune", "--store", store, "--delete")
    before = keys(store)
    assert call("run", tmp_path / "x.toml", "--store", store, "--name", "one", "--set", "generations=1")[0] == 0
    assert call("prune", "--store", store, "--delete")[1].startswith("deleted, since no run kept it:")
    assert keys(store) == before & RunFolder(store, "one").used() < before


def test_what_a_killed_run_has_begun_is_in_use(store: Path) -> None:
    """Its `keep.json` names all that it may open, not only what it would have kept in the end."""
    folder, begun = RunFolder(store, "one"), store / "work" / ("cd" * 16)
    folder.write_keep({*folder.used(), begun.name})
    begun.mkdir(parents=True)
    assert call("prune", "--store", store, "--delete")[1] == f"every artefact in {store} is kept by a run."
    assert begun.exists()


def test_a_run_that_is_starting_is_seen_before_it_says_what_it_is(store: Path) -> None:
    """It first writes what it will use, then looks at what is there, and then `run.json`."""
    (store / "runs" / "one" / "run.json").unlink()
    before = keys(store)
    assert call("prune", "--store", store, "--delete")[1] == f"every artefact in {store} is kept by a run."
    assert keys(store) == before


def test_what_a_failed_turn_takes_to_be_tried_again_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.toml").write_text(RECIPE)
    run = ("run", tmp_path / "x.toml", "--store", tmp_path / "s", "--arm", "closed", "--on", "serial")
    fit = Gaussian.fit

    def fails(self: Gaussian, train: Pool, **settings: Any) -> Any:
        if train.origins[0].generation == 1:
            raise MemoryError
        return fit(self, train, **settings)

    more = ("--set", "keep_models='last'", "--set", "keep_samples='last'", "--set", "generations=3")
    monkeypatch.setattr(Gaussian, "fit", fails)
    assert call(*run, *more)[0] == 1
    monkeypatch.setattr(Gaussian, "fit", fit)
    before = keys(tmp_path / "s")
    assert "is kept by a run" in call("prune", "--store", tmp_path / "s", "--delete")[1]
    assert keys(tmp_path / "s") == before
    assert "4 computed now" in call(*run, *more)[1]  # generations 2 and 3 of two seeds


@pytest.mark.parametrize("text", [None, "[", "{}"])
def test_nothing_is_deleted_while_a_run_does_not_say_what_it_keeps(store: Path, text: str | None) -> None:
    keep = store / "runs" / "two" / "keep.json"
    keep.unlink() if text is None else keep.write_text(text)
    shutil.rmtree(store / "runs" / "one")
    before = keys(store)
    code, said = call("prune", "--store", store, "--delete")
    assert (code, "nobody knows what that run keeps" in said) == (1, True)
    assert keys(store) == before


def test_a_folder_without_a_store_is_told(tmp_path: Path) -> None:
    code, said = call("prune", "--store", tmp_path)
    assert (code, "has no store in it" in said) == (1, True)
