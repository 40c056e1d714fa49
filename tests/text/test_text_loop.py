"""A loop that eats texts, from the plan to the report, and the texts it leaves for other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from autophagy import Experiment, Pool, register
from autophagy.archive.disk import DiskStore
from autophagy.cli.app import app
from autophagy.core.parts import Model, Sampler
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.sources.text_file import TextFile
from autophagy.testing.small_tokenizer import tokenizer

WORDS = [
    "full",
    "fathom",
    "five",
    "thy",
    "father",
    "lies",
    "—",
    "of",
    "his",
    "bones",
    "“made”,",
    "pearls\nthat",
    "were",
]
CODES = "codes.safetensors"


@register("test-scrambler")
@dataclass(frozen=True)
class Scrambler(Model):
    """Draws pieces of its training set, words or tokens, after none or any prompt."""

    takes = ("text",)
    conditional = True
    captioned = True
    biased = False

    def fit(self, train: Pool, *, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        if train.samples.ndim == 2:
            return Scrambled(np.asarray(train.samples))
        return Scrambled(np.array([[word] for text in train.samples.tolist() for word in text.split(" ")]))

    def load(self, folder: Path) -> Sampler:
        found = load_file(folder / CODES)["pieces"]
        return Scrambled(found if found.dtype == np.int32 else found.view("<U1").view(f"<U{found.shape[1] // 4}"))


@dataclass(frozen=True)
class Scrambled(Sampler):
    pieces: np.ndarray  # (n, length) tokens, or (n, 1) words

    def sample(self, n: int, *, condition: Any, bias: float, seed: Seed, begin: Any = None) -> np.ndarray:
        chosen = self.pieces[seed.numpy().integers(0, len(self.pieces), (n, 7))]  # (n, 7, length or 1)
        if self.pieces.dtype == np.int32:
            return np.ascontiguousarray(chosen[:, 0])
        return np.array([" ".join(words) for words in chosen[..., 0].tolist()])

    def save(self, folder: Path) -> None:
        plain = (
            self.pieces if self.pieces.dtype == np.int32 else self.pieces.view(np.uint8).reshape(len(self.pieces), -1)
        )
        save_file({"pieces": np.ascontiguousarray(plain)}, folder / CODES)


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tokenizer(tmp_path_factory.mktemp("letters"))


@pytest.fixture
def source(tmp_path: Path) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    with (tmp_path / "texts.jsonl").open("w", encoding="utf-8") as file:
        for i in range(120):
            text = " ".join([f"text-{i}", *rng.choice(WORDS, 30)])
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return {"use": "text-file", "path": str(tmp_path / "texts.jsonl")}


STRINGS: Mapping[str, Any] = {"length": 8, "prompt": 0.25}


def experiment(source: Mapping[str, Any], generations: int = 2) -> Experiment:
    base = {"source": source, "model": "test-scrambler", "real": 40, "samples": 60}
    arms = {
        "closed": {**base, "loop": "fully-synthetic"},
        "mixed": {**base, "loop": {"use": "fixed-share", "synthetic": 0.5}},
    }
    return Experiment.of({"generations": generations, "arms": arms}, name="texts")


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(params=["strings", "tokens"])
def ran(request: pytest.FixtureRequest, tmp_path: Path, source: dict[str, Any], letters: Path):
    """A finished run over strings and one over rows of tokens: the run and its store."""
    more = STRINGS if request.param == "strings" else {"tokenizer": str(letters), "block": 12}
    found = experiment({**source, **more}).run(tmp_path / "store")
    assert not found.failures
    return found, tmp_path / "store", {**source, **more}


def test_the_same_command_goes_on_where_a_run_ended(ran, tmp_path: Path) -> None:
    run, store, source = ran
    assert experiment(source).plan().turns  # nothing of it is run
    longer = experiment(source, 3).run(store)
    fresh = experiment(source, 3).run(tmp_path / "fresh")
    for arm in ("closed", "mixed"):
        assert longer.samples(arm, 0, 1).digest() == run.samples(arm, 0, 1).digest()
        assert longer.samples(arm, 0, 3).digest() == fresh.samples(arm, 0, 3).digest()


def test_the_store_keeps_texts_and_prompts(ran) -> None:
    run, store, source = ran
    assert "0 damaged" in call("verify", "--store", store)
    record = next(r for r in run.records() if (r.arm, r.generation) == ("mixed", 2))
    again = DiskStore(store).pool(record.pools["samples"])
    kept = run.samples("mixed", 0, 2)
    assert np.array_equal(again.samples, kept.samples)
    assert again.samples.dtype.kind == ("i" if "tokenizer" in source else "U")
    assert np.array_equal(again.condition, kept.condition)
    assert again.condition.dtype.kind == "U"
    assert again.digest() == kept.digest()


def test_a_report_is_written(ran, tmp_path: Path) -> None:
    _, store, _ = ran
    call("report", "texts", "--store", store)
    assert any(path.stat().st_size > 10_000 for path in store.rglob("*.html"))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_samples_come_back_from_other_tools(ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    run, store, source = ran
    extra = ["--format", kind] if kind == "parquet" else []
    call("samples", "closed", "--out", tmp_path / "out", "--store", store, *extra)
    pool, path = run.samples("closed", 0, 2), tmp_path / "out" / f"samples.{kind}"
    table = datasets.load_dataset("json" if kind == "jsonl" else kind, data_files=str(path), split="train")
    texts = table["text"][:]
    assert table["prompt"][:] == pool.condition.tolist()
    assert table["row"][:] == pool.row.tolist()
    assert set(table["generation"][:]) == {2}
    assert set(table["origin"][:]) == {pool.origins[0].key}
    if "tokenizer" in source:
        rows = experiment(source).arms["closed"].source
        assert table["tokens"][:] == pool.samples.tolist()
        assert texts == rows.texts(pool.samples).tolist()
    else:
        assert texts == pool.samples.tolist()
        again = TextFile(str(path), unit="documents", heldout=0)
        assert again.load("train").tolist() == texts


def test_a_format_of_texts_is_refused_for_other_samples(tmp_path: Path) -> None:
    arm = {"source": "normal", "model": "gaussian", "loop": "fully-synthetic", "real": 20, "samples": 20}
    Experiment.of({"generations": 1, "arms": {"a": arm}}, name="numbers").run(tmp_path / "store")
    result = CliRunner().invoke(
        app, ["samples", "a", "--out", str(tmp_path / "o"), "--store", str(tmp_path / "store"), "--format", "jsonl"]
    )
    assert result.exit_code == 2
    assert "arm 'a' draws none" in result.output
