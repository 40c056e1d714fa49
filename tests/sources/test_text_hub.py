"""Text data sets through the real `datasets` library, on local folders of the hub's layout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autophagy.core.errors import DataError, MissingPackage, PlanError
from autophagy.experiment import reals
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.reals import source_key
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.models.tiny_gpt import TinyGPT
from autophagy.sources import _text_hub
from autophagy.sources.text_hub import TextHub
from autophagy.sources.wikitext import WikiText
from autophagy.testing import check
from autophagy.testing.language_checkpoint import language_model

CARD = """---
configs:
- config_name: wikitext-2-raw-v1
  data_files:
  - {split: train, path: wikitext-2-raw-v1/train-*}
  - {split: validation, path: wikitext-2-raw-v1/validation-*}
  - {split: test, path: wikitext-2-raw-v1/test-*}
- config_name: wikitext-2-v1
  data_files:
  - {split: train, path: wikitext-2-v1/train-*}
---
"""


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The library, keeping its cache in `tmp_path`."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache" / "datasets")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", str(tmp_path / "cache"))
    _text_hub._read.cache_clear()
    _text_hub._splits.cache_clear()
    return datasets


def article(split: str, n: int = 40) -> list[str]:
    """Rows as WikiText has them: empty ones, headings, and a paragraph each."""
    body = [f" The {split} {i} was a river , which flows to the north . \n" for i in range(n)]
    return ["", f" = {split.title()} = \n", "", *body]


@pytest.fixture
def wiki(tmp_path: Path, library) -> Path:
    folder = tmp_path / "wiki"
    for config in ("wikitext-2-raw-v1", "wikitext-2-v1"):
        for split in ("train", "validation", "test"):
            (folder / config).mkdir(parents=True, exist_ok=True)
            rows = library.Dataset.from_dict({"text": article(split)})
            rows.to_parquet(folder / config / f"{split}-00000-of-00001.parquet")
    (folder / "README.md").write_text(CARD)
    return folder


def rows(folder: Path, library, texts: list[object], column: str = "body") -> Path:
    (folder / "data").mkdir(parents=True)
    table = library.Dataset.from_dict({column: texts, "number": list(range(len(texts)))})
    table.to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return folder


def test_wikitext_is_its_lines_joined_as_published_perplexities_have_it(wiki: Path) -> None:
    source = WikiText(str(wiki), length=10)
    joined = "\n\n".join(article("train"))
    passages = source.load("train").tolist()
    assert all(passage in joined for passage in passages)
    assert " ".join(passages).split() == joined.split()[: 10 * len(passages)]
    assert passages[0].startswith("= Train =")  # a heading is text
    assert all("test" in text or "Test" in text for text in source.load("heldout").tolist())
    other = WikiText(str(wiki), length=10, heldout_split="validation").load("heldout").tolist()
    assert all("alidation" in text for text in other)
    assert check(source)


def test_fits_that_choose_do_so_by_the_validation_split_where_there_is_one(wiki: Path, tmp_path: Path) -> None:
    def keys(**settings):
        source = WikiText(str(wiki), length=10, **settings)
        arm = Arm(source, TinyGPT(instances=2, validation=8), FullySynthetic(), real=10)
        return plan(Experiment({"a": arm}, generations=1)).turns[0].keys

    found = keys()
    chosen = reals.load(found.validation)
    assert len(chosen) == 8
    assert all("alidation" in text for text in chosen.samples.tolist())
    held = WikiText(str(wiki), length=10).size("heldout")
    assert found.reference.size == held // 2  # nothing of the test split is set aside
    single = keys(heldout_split="test")  # somebody has said what is held out, and so it is all of it
    assert all("est" in text for text in reals.load(single.validation).samples.tolist())
    rows = [set(reals.load(part).row.tolist()) for part in (single.reference, single.control, single.validation)]
    assert len(set().union(*rows)) == sum(map(len, rows))
    assert WikiText(str(wiki), config="wikitext-2-v1", length=10).for_choosing() is None
    assert WikiText(str(wiki), length=10, train_split="validation").for_choosing() is None  # fits are trained on that
    tokens = WikiText(str(wiki), tokenizer=str(language_model(tmp_path / "model")), block=16)
    assert type(tokens.for_choosing()) is type(tokens)
    assert tokens.for_choosing().load("heldout").shape[1] == 16
    greedy = TinyGPT(instances=2, validation=500)
    with pytest.raises(PlanError, match=r"chooses by 500 rows, but source 'wikitext' has \d+ for that; ask for fewer"):
        plan(Experiment({"a": Arm(WikiText(str(wiki), length=10), greedy, FullySynthetic(), real=10)}))


def test_a_config_without_a_test_split_is_held_out_in_stretches(wiki: Path) -> None:
    source = WikiText(str(wiki), config="wikitext-2-v1", length=10)
    train, heldout = (source.load(split).tolist() for split in ("train", "heldout"))  # type: ignore[arg-type]
    assert 6 <= len(heldout) <= 10  # of fifty or so; what stands in both splits is left out
    assert not set(train) & set(heldout)


def test_rows_are_documents_that_a_hash_holds_out(tmp_path: Path, library) -> None:
    texts = [f"row {i} of some texts" for i in range(50)]
    source = TextHub(str(rows(tmp_path / "set", library, texts)), column="body", unit="documents", heldout=0.4)
    train, heldout = (source.load(split).tolist() for split in ("train", "heldout"))  # type: ignore[arg-type]
    assert sorted(train + heldout) == sorted(texts)
    assert 10 <= len(heldout) <= 30
    assert source.conditions("train")[0] == " ".join(train[0].split()[:2])
    joined = TextHub(str(tmp_path / "set"), column="body", join="\n", length=250, heldout=0)
    assert joined.load("train").tolist() == ["\n".join(texts)]


def test_identity_is_what_is_read(wiki: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").symlink_to(wiki)
    assert source_key(WikiText(str(wiki))) == source_key(WikiText(str(tmp_path / "moved")))
    assert WikiText(str(wiki)).content() != WikiText(str(wiki), heldout_split="validation").content()
    assert WikiText(str(wiki)).content() == WikiText(str(wiki), length=9).content()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "has no column 'text'; it has: body, number"),
        ({"column": "number"}, "column 'number' of .* holds no texts"),
        ({"column": "body"}, "split 'train' row 2 has nothing in the column 'body'"),
        ({"train_split": "training"}, "has no split 'training'; it has: train"),
        ({"heldout_split": "dev"}, "has no split 'dev'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, library, settings, complaint: str) -> None:
    folder = rows(tmp_path / "set", library, ["one", None])
    with pytest.raises(DataError, match=complaint):
        TextHub(str(folder), **settings).size("train")


def test_a_data_set_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="source 'wikitext' cannot load"):
        WikiText(str(tmp_path / "nowhere")).size("train")


def test_without_the_library_the_command_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingPackage, match=r"pip install 'autophagy\[hub\]'"):
        TextHub("some/where").size("train")


def test_wikitext_is_asked_for_by_its_name() -> None:
    where = WikiText().where()
    assert (where.path, where.config, where.revision) == ("Salesforce/wikitext", "wikitext-2-raw-v1", None)
