"""Shakespeare's works: the same for ever, in two splits that share nothing."""

from __future__ import annotations

import hashlib
import lzma
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.known import Tokenised
from autophagy.sources import shakespeare
from autophagy.sources._listing import place
from autophagy.sources.shakespeare import CHECKSUM, FILE, HELDOUT, PAGE, Shakespeare

NOTICE = Path(__file__).parents[2] / "NOTICE"


def _content() -> bytes:
    return lzma.decompress((files("autophagy") / "data" / "shakespeare" / FILE).read_bytes())


def test_the_works_are_those_of_the_checksum_and_small() -> None:
    assert hashlib.sha256(_content()).hexdigest() == CHECKSUM
    assert (Path(str(files("autophagy"))) / "data" / "shakespeare" / FILE).stat().st_size < 1_600_000
    assert "src/autophagy/data/shakespeare/" in NOTICE.read_text()


def test_nothing_of_a_distributor_is_in_them() -> None:
    text = _content().decode("ascii").lower()
    assert not re.findall(r"gutenberg|copyright|\betext|e-text|@|___|https?:|www\.|public domain", text)
    assert text.count(PAGE) == 41
    assert text.count("by william shakespeare") >= 42


def test_held_out_are_the_works_whose_title_says_so() -> None:
    titles = [work.partition("\n")[0] for work in _content().decode().split(PAGE)]
    assert len(set(titles)) == 42
    assert {title for title in titles if place(title) < 0.2} == set(HELDOUT)


@pytest.mark.parametrize("unit", ["words", "lines", "paragraphs"])
def test_passages_are_of_their_split_and_no_other(unit) -> None:
    source = Shakespeare(unit=unit)
    works = _content().decode().split(PAGE)
    for split in ("train", "heldout"):
        texts = "\0".join(work for work in works if (work.partition("\n")[0] in HELDOUT) == (split == "heldout"))
        passages = source.load(split)
        assert all(passage in texts for passage in passages[::97].tolist())
        assert len(passages) == source.size(split) == len(source.conditions(split))
        assert not passages.flags.writeable
    assert not set(source.load("train").tolist()) & set(source.load("heldout").tolist())


def test_prompts_are_the_first_half_unless_said_otherwise() -> None:
    half, third, none = Shakespeare(), Shakespeare(prompt=0.25), Shakespeare(prompt=0)
    assert {len(prompt.split()) for prompt in half.conditions("heldout").tolist()} == {24}
    assert {len(prompt.split()) for prompt in third.conditions("heldout").tolist()} == {12}
    assert none.conditions("heldout") is None
    assert np.array_equal(none.load("heldout"), half.load("heldout"))
    assert all(map(str.startswith, half.load("heldout").tolist(), half.conditions("heldout").tolist()))
    rest = Shakespeare(prompt=0.25, sample="rest")
    assert {len(text.split()) for text in rest.load("heldout").tolist()} == {36}
    pairs = zip(third.conditions("heldout").tolist(), rest.load("heldout").tolist(), strict=True)
    whole = [text.split() for text in third.load("heldout").tolist()]
    assert [(prompt + " " + text).split() for prompt, text in pairs] == whole


def test_a_table_without_settings_is_enough_and_gives_strings() -> None:
    source = build("source", "shakespeare")
    assert not isinstance(source, Tokenised)
    assert (source.size("train"), source.size("heldout")) == (14_606, 4_228)


def test_a_play_is_too_long_to_be_one_sample() -> None:
    with pytest.raises(
        DataError, match=r"source 'shakespeare': .* a passage of 1\d\d,\d{3} characters, .* unit = .words."
    ):
        Shakespeare(unit="documents").size("train")


def test_a_damaged_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shakespeare, "CHECKSUM", "0" * 64)
    shakespeare._works.cache_clear()
    with pytest.raises(DataError, match="is not Shakespeare any more; install autophagy again"):
        Shakespeare(length=47).size("train")
