"""Texts of one's own, in files of three kinds, with every fault of theirs as a sentence before the first step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autophagy.core.errors import ConfigError, DataError
from autophagy.experiment.reals import source_key
from autophagy.sources.text_file import TextFile
from autophagy.testing import check

ESSAY = " ".join(f"word{i}" for i in range(2000)) + "\n"


def lines(path: Path, texts, column: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({column: text, "by": 1}) + "\n" for text in texts), encoding="utf-8")
    return path


def both(source: TextFile) -> tuple[list[str], list[str]]:
    return source.load("train").tolist(), source.load("heldout").tolist()


def test_a_lone_file_is_held_out_in_stretches_without_overlap(tmp_path: Path) -> None:
    (tmp_path / "essay.txt").write_text(ESSAY)
    source = TextFile(str(tmp_path / "essay.txt"), length=4)
    train, heldout = both(source)
    assert (len(train), len(heldout)) == (400, 100)
    words = [word for passage in train + heldout for word in passage.split()]
    assert sorted(words) == sorted(ESSAY.split())
    assert check(source)


def test_rows_of_json_lines_and_parquet_are_the_same_documents(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    texts = [f"text {i} — ein schönes\nBlatt" for i in range(60)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    one = TextFile(str(lines(tmp_path / "a.jsonl", texts)), unit="documents")
    two = TextFile(str(tmp_path / "a.parquet"), unit="documents")
    for source in (one, two):
        train, heldout = both(source)
        assert sorted(train + heldout) == sorted(texts)
        assert 3 < len(heldout) < 25


def test_documents_stay_in_their_split_when_others_are_added(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"{i}.txt").write_text(f"document number {i}")
    _, before = both(TextFile(str(tmp_path), unit="documents"))
    for i in range(40, 60):
        (tmp_path / f"{i}.txt").write_text(f"document number {i}")
    train, after = both(TextFile(str(tmp_path), unit="documents"))
    assert set(before) < set(after)
    assert len(train) + len(after) == 60


def test_of_two_documents_one_is_held_out(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(f"the text {name}")
    assert sorted(map(len, both(TextFile(str(tmp_path), unit="documents")))) == [1, 1]


@pytest.mark.parametrize(
    ("train", "heldout"),
    [("train.txt", "test.txt"), ("train/a.txt", "validation/a.txt"), ("train-00000-of-00001.jsonl", "test-0.jsonl")],
)
def test_names_say_the_splits(tmp_path: Path, train: str, heldout: str) -> None:
    for name in (train, heldout):
        lines(tmp_path / name, [f"one of {name}"]) if name.endswith("jsonl") else None
        if name.endswith("txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"one of {name}")
    assert both(TextFile(str(tmp_path), unit="lines")) == ([f"one of {train}"], [f"one of {heldout}"])


def test_a_passage_of_both_splits_is_only_in_train(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("Enter.\nHark!\n")
    (tmp_path / "test.txt").write_text("Hark!\nWho is there?\nEnter.\n")
    assert both(TextFile(str(tmp_path), unit="lines")) == (["Enter.", "Hark!"], ["Who is there?"])


def test_a_byte_order_mark_and_foreign_line_ends_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\ntwo\rthree\n".encode())
    assert TextFile(str(tmp_path), unit="lines", heldout=0).load("train").tolist() == ["one", "two", "three"]


def test_identity_is_the_bytes_and_not_the_place(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "essay.txt").write_text(ESSAY)
    here, there = (TextFile(str(tmp_path / name)) for name in ("here", "there"))
    assert source_key(here) == source_key(there)
    assert source_key(here) != source_key(TextFile(str(tmp_path / "here"), length=47))
    before = there.content()
    (tmp_path / "there" / "essay.txt").write_text(ESSAY + ".")
    assert there.content() != before
    assert there.load("train")[0].startswith("word0 word1")


BAD = [
    ({"a.txt": b""}, {}, "'a.txt' is empty"),
    ({"a.txt": b" \n"}, {}, "'a.txt' is empty"),
    ({"a.jsonl": b"\n"}, {}, "'a.jsonl' is empty"),
    ({"a.txt": b"\x89PNG\r\n\x1a\n"}, {}, "'a.txt' is not UTF-8 at byte 0"),
    ({"a.txt": "schön".encode("latin-1")}, {}, "'a.txt' is not UTF-8 at byte 3; save it as UTF-8"),
    ({"a.txt": "\ufeffschön".encode() + b"\xff"}, {}, "'a.txt' is not UTF-8 at byte 9"),
    ({"a.txt": b"PK\x03\x04\0\0"}, {}, "'a.txt' has a NUL at byte 4"),
    ({"a.txt": "plain".encode("utf-16-le")}, {}, "'a.txt' has a NUL at byte 1, as binary files and UTF-16 have"),
    ({"a.jsonl": b'{"body": "x", "n": 1}\n'}, {}, "'a.jsonl' has no column 'text'; it has: 'body', 'n'"),
    ({"a.jsonl": b'{"text": "x"}\n{"text": 3}\n{}\n'}, {}, "'a.jsonl' line 2 has 3 and no text .* as 1 more have"),
    ({"a.jsonl": b'{"text": null}\n'}, {}, "line 1 has nothing in the column 'text'"),
    ({"a.jsonl": b'{"text": "a\\u0000b"}\n'}, {}, "line 1 has a NUL"),
    ({"a.jsonl": b'{"text": "\\ud800"}\n'}, {}, "line 1 has half a character"),
    ({"a.jsonl": b'{"text": "x"}\nno\n'}, {}, "'a.jsonl' has a line 2 that is no JSON object"),
    ({"a.parquet": b"PAR1"}, {}, "'a.parquet' is no Parquet file"),
    (
        {"a.txt": b"too short"},
        {},
        "has no text as long as a passage of 48 words .the longest has 2 words.; lower length",
    ),
    ({"a.txt": b"x " * 60_000}, {"unit": "documents"}, "has a passage of 119,999 characters, and more than 100,000"),
    ({"a.pdf": b"%PDF"}, {}, "has no .txt, .jsonl, .parquet file"),
    ({}, {}, "has no .txt, .jsonl, .parquet file"),
    ({"train.txt": b"a", "test.txt": b"b", "c.txt": b"c"}, {}, "'c.txt' lies in neither split, train or test"),
]


@pytest.mark.parametrize(("files", "settings", "complaint"), BAD, ids=[complaint[:50] for _, _, complaint in BAD])
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, files, settings, complaint: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    source = TextFile(str(tmp_path), **settings)
    for ask in (source.size, source.conditions, source.load):
        with pytest.raises(DataError, match=complaint) as problem:
            ask("train")
        assert "\n" not in str(problem.value)
        assert str(problem.value).startswith("source 'text-file': ")


def test_all_unreadable_files_of_a_folder_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(ESSAY)
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    lines(tmp_path / "sub" / "worse.jsonl", ["x"], column="body")
    (tmp_path / "away.txt").symlink_to(__file__)
    with pytest.raises(DataError, match="has 3 problems") as problem:
        TextFile(str(tmp_path)).size("train")
    assert all(name in str(problem.value) for name in ("'bad.txt'", "'sub/worse.jsonl'", "'away.txt' is a link"))


def test_a_linked_folder_is_refused_and_not_left_out(tmp_path: Path) -> None:
    lines(tmp_path / "big" / "a.jsonl", [ESSAY])
    lines(tmp_path / "root" / "test" / "b.jsonl", [ESSAY])
    (tmp_path / "root" / "train").symlink_to(tmp_path / "big")
    with pytest.raises(DataError, match="'train' is a link to a folder; copy the folder"):
        TextFile(str(tmp_path / "root")).size("train")


def test_one_file_under_two_suffixes_is_two_sources(tmp_path: Path) -> None:
    """The suffix says how its bytes are read; its name does not."""
    lines(tmp_path / "a.jsonl", [ESSAY])
    for name in ("a.txt", "b.jsonl", "c.JSONL"):
        (tmp_path / name).write_bytes((tmp_path / "a.jsonl").read_bytes())
    said = {name: TextFile(str(tmp_path / name)).content() for name in ("a.jsonl", "a.txt", "b.jsonl", "c.JSONL")}
    assert said["a.jsonl"] == said["b.jsonl"] == said["c.JSONL"] != said["a.txt"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"heldout": 1}, "heldout = 1 leaves nothing"),
        ({"prompt": 1, "sample": "rest"}, "leaves nothing where prompt = 1"),
        ({"block": 32}, "none is named; say tokenizer"),
        ({"tokenizer": "x", "length": 12}, "rows of tokens have a length of block"),
        ({"tokenizer": "x", "tokenizer_revision": "main"}, "must be a commit of 40 hex digits"),
        ({"unit": "word"}, "unit must be one of .* Did you mean 'words'"),
        ({"prompt": 1.5}, "prompt must be at least 0 and at most 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(settings, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        TextFile("anywhere", **settings)


def test_a_path_that_is_none_is_said() -> None:
    for path in ("nowhere.txt", "a\0b", "~nobody-of-that-name/x"):
        with pytest.raises(DataError, match="there is no file or folder"):
            TextFile(path).size("train")


def test_a_single_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a name that ends in none of \.txt, \.jsonl, \.parquet"):
        TextFile(str(tmp_path / "a.docx")).size("train")


def test_empty_rows_are_no_passages(tmp_path: Path) -> None:
    source = TextFile(str(lines(tmp_path / "a.jsonl", ["one", "", "  ", "two"])), unit="documents", heldout=0)
    assert source.load("train").tolist() == ["one", "two"]
    assert np.array_equal(source.conditions("train"), ["", ""])  # half of one word, rounded down
