"""Sources of text as rows of a tokenizer's tokens."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.known import Tokenised
from autophagy.experiment.reals import source_key
from autophagy.sources._texts import TokenRows
from autophagy.sources.text_file import TextFile
from autophagy.testing import check
from autophagy.testing.small_tokenizer import tokenizer

TEXT = "the king and the sea — " * 400


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tokenizer(tmp_path_factory.mktemp("letters"))


@pytest.fixture
def text(tmp_path: Path) -> str:
    (tmp_path / "train.txt").write_text(TEXT)
    (tmp_path / "test.txt").write_text("a night " * 100)
    return str(tmp_path)


def test_rows_decode_to_the_text_they_are_cut_from(text: str, letters: Path) -> None:
    source = TextFile(text, tokenizer=str(letters), block=16)
    assert isinstance(source, Tokenised)
    rows = source.load("train")
    assert rows.dtype == np.int32
    assert rows.shape == (source.size("train"), 16)
    (whole,) = source.texts(rows.reshape(1, -1)).tolist()  # one row alone may end within a letter
    assert TEXT.startswith(whole)
    assert len(TEXT) - len(whole) < 16 * len("the king")
    assert check(source)


def test_prompts_are_texts_of_the_first_tokens(text: str, letters: Path) -> None:
    source = TextFile(text, tokenizer=str(letters), block=16, prompt=0.25)
    assert isinstance(source, TokenRows)
    rows, prompts = source.load("train"), source.conditions("train")
    assert np.array_equal(prompts, source.texts(rows[:, :4]))
    rest = TextFile(text, tokenizer=str(letters), block=16, prompt=0.25, sample="rest")
    assert np.array_equal(rest.load("train"), rows[:, 4:])
    assert TextFile(text, tokenizer=str(letters), prompt=0).conditions("train") is None


def test_without_a_tokenizer_the_same_source_gives_strings(text: str, letters: Path) -> None:
    plain = build("source", {"use": "text-file", "path": text})
    rows = build("source", {"use": "text-file", "path": text, "tokenizer": str(letters)})
    assert not isinstance(plain, Tokenised)
    assert isinstance(rows, TextFile)
    assert (rows.name, rows.version) == (plain.name, plain.version)
    assert not isinstance(build("source", {"use": "text-file", "path": text, "tokenizer": False}), Tokenised)
    assert pickle.loads(pickle.dumps(rows)) == rows  # noqa: S301
    assert type(dataclasses.replace(rows, block=32)) is type(rows)
    with pytest.raises(ConfigError, match="needs a tokenizer"):
        dataclasses.replace(rows, tokenizer=None)


def test_identity_is_the_tokenizers_bytes_and_not_their_place(text: str, letters: Path, tmp_path: Path) -> None:
    moved, other = tmp_path / "moved", tmp_path / "other"
    moved.mkdir()
    for path in letters.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    tokenizer(other, words="a night a night")
    one, two, three = (TextFile(text, tokenizer=str(place)) for place in (letters, moved, other))
    assert source_key(one) == source_key(two)
    assert source_key(three) != source_key(one)
    assert source_key(TextFile(text)) != source_key(one)
    assert isinstance(one, TokenRows)
    assert isinstance(three, TokenRows)
    assert one.vocabulary() != three.vocabulary()


def test_what_cannot_be_tokens_is_one_sentence(text: str, letters: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"source 'text-file': there is no folder .*nowhere"):
        TextFile(text, tokenizer=str(tmp_path / "nowhere")).size("train")
    with pytest.raises(DataError, match="holds no tokenizer"):
        TextFile(text, tokenizer=text).size("train")
    with pytest.raises(DataError, match="has no text as long as a row of 9000 tokens"):
        TextFile(text, tokenizer=str(letters), block=9000).size("train")
