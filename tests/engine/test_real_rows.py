"""Real rows are those that were planned, whatever happens to what lies behind their source, and few stay in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autophagy.archive.store import MemoryStore
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.parts import Metric
from autophagy.core.seeds import Seed
from autophagy.experiment import reals
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import run
from autophagy.loops.fresh_data import FreshData
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.models.gaussian import Gaussian
from autophagy.models.n_gram import NGram
from autophagy.sources.normal import Normal
from autophagy.sources.text_file import TextFile
from autophagy.testing.fakes import Logged, Numbered


def written(path: Path, *words: str) -> Path:
    path.write_text("".join(f'{{"text": "{word} {i} {word}"}}\n' for i in range(60) for word in words))
    return path


class Scant(Normal):
    name = "scant"

    def draw(self, n: int, seed: Seed) -> np.ndarray:
        return super().draw(n - 1, seed)


def test_a_source_that_gives_too_few_rows_fails_its_turn() -> None:
    arm = Arm(Scant(), Gaussian(), FullySynthetic(), real=10, gallery=0)
    results = run(plan(Experiment({"a": arm}, generations=1)), MemoryStore(), on="serial")
    assert [failure.error for failure in results.failures] == ["source 'scant' was asked for 10 rows and gave 9."]


def of_texts(path: Path, **settings: object) -> Experiment:
    source = TextFile(str(path), unit="documents")
    arm = Arm(source, NGram(), FreshData(real=10), real=10, gallery=0)
    return Experiment({"a": arm}, generations=2)


def test_a_source_that_changed_between_two_plans_has_another_key(tmp_path: Path) -> None:
    experiment = of_texts(written(tmp_path / "t.jsonl", "cat"))
    first = plan(experiment)
    written(tmp_path / "t.jsonl", "sky")
    second = plan(experiment)
    assert not {turn.fit for turn in first.turns} & {turn.fit for turn in second.turns}
    store = MemoryStore()
    run(second, store, on="serial")
    assert all("sky" in text for text in reals.load(second.turns[0].keys.fixed).samples)


def test_a_source_that_changes_after_its_plan_is_never_trained_on(tmp_path: Path) -> None:
    planned = plan(of_texts(written(tmp_path / "t.jsonl", "cat")))
    written(tmp_path / "t.jsonl", "sky")
    results = run(planned, MemoryStore(), on="serial")
    assert results.records == []
    assert {f.error for f in results.failures} == {
        "what lies behind source 'text-file' has changed since the run began; put it back, or run it again."
    }
    with pytest.raises(DataError):
        reals.load(planned.turns[0].keys.fixed)


def test_real_samples_in_memory_are_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reals, "ROOM", 10 * 80)  # ten sets of ten numbers
    monkeypatch.setattr(reals, "_loaded", type(reals._loaded)())
    arm = Arm(Normal(dim=1), Gaussian(), FreshData(real=10), real=10, gallery=0)
    planned = plan(Experiment({"a": arm}, generations=40))
    run(planned, MemoryStore(), on="serial")
    assert 1 <= len(reals._loaded) <= 10
    assert reals.load(planned.turns[0].keys.fixed) is reals.load(planned.turns[0].keys.fixed)


class Overwrites(Metric):
    """Spoils what it measures."""

    name = "overwrites"
    takes = ("vectors",)

    def measure(self, generation: Generation) -> dict[str, float]:
        generation.samples.samples[:] = 0
        return {"x": 0.0}


def test_a_metric_cannot_change_the_samples_in_a_store_in_memory_either() -> None:
    arm = Arm(Numbered(), Logged(), FullySynthetic(), real=10, gallery=0, metrics=(Overwrites(),))
    store = MemoryStore()
    results = run(Experiment({"a": arm}, generations=1), store, on="serial")
    assert any("read-only" in f.error for f in results.failures)
    assert np.any(store.pool(results.plan.turns[0].kept).samples)
