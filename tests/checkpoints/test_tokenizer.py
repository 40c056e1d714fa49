"""Tokenizers out of files of every kind."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from autophagy.checkpoints.tokenizer import TokenizerFiles
from autophagy.core.errors import DataError
from autophagy.testing.small_tokenizer import END

TEXT = "the king — and the sea\n"


def of(place: Path, revision: str | None = None) -> TokenizerFiles:
    return TokenizerFiles.of("somebody", str(place), revision)


def test_a_text_comes_back_letter_for_letter_and_nothing_is_added(letters: Path) -> None:
    found = of(letters).tokenizer()
    (tokens,) = found.encode([TEXT])
    assert tokens.dtype == np.int32
    assert found.decode(tokens[None]) == [TEXT]
    end = found.backend.token_to_id(END)
    assert end not in tokens
    assert found.decode(np.array([[*tokens, end, -1, 99_999]])) == [TEXT]  # none of these is a letter


def test_a_folder_and_its_tokenizer_json_have_one_vocabulary(letters: Path, tmp_path: Path) -> None:
    alone = tmp_path / "other.json"
    alone.write_bytes((letters / "tokenizer.json").read_bytes())
    assert of(alone).tokenizer().vocabulary == of(letters).tokenizer().vocabulary
    assert of(alone).digest() != of(letters).digest()
    assert np.array_equal(of(alone).tokenizer().encode([TEXT])[0], of(letters).tokenizer().encode([TEXT])[0])


def test_another_byte_is_another_digest_and_another_token_another_vocabulary(letters: Path, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes((letters / "tokenizer.json").read_bytes())
    before, vocabulary = of(path).digest(), of(path).tokenizer().vocabulary
    path.write_bytes(path.read_bytes() + b"\n")
    assert of(path).digest() != before
    assert of(path).tokenizer().vocabulary == vocabulary
    table = json.loads(path.read_text())
    table["added_tokens"].append({**table["added_tokens"][0], "id": 300, "content": "<more>"})
    path.write_text(json.dumps(table))
    assert of(path).tokenizer().vocabulary != vocabulary


def test_a_gguf_has_the_tokenizer_of_its_model(tmp_path: Path, letters: Path) -> None:
    gguf = pytest.importorskip("gguf")
    model = json.loads((letters / "tokenizer.json").read_text())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    path = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL, *[gguf.TokenType.NORMAL] * (len(tokens) - 1)])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_block_count(1)
    writer.add_context_length(32)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(8)
    writer.add_head_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = of(path).tokenizer()
    assert found.decode(found.encode([TEXT])[0][None]) == [TEXT]
    assert found.vocabulary == of(letters).tokenizer().vocabulary


def test_no_code_beside_a_tokenizer_is_run(letters: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    for path in letters.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings |= {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", "mine.Mine"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with contextlib.suppress(DataError):
        of(folder).tokenizer()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("files", "name", "revision", "complaint"),
    [
        ({}, ".", None, "holds no tokenizer .* name a folder that does"),
        ({"tokenizer.json": "{}"}, ".", None, "no tokenizer can be read from .*tokenizer.json"),
        ({"tokenizer.json": "{"}, "tokenizer.json", None, "no tokenizer can be read"),
        ({"vocab.json": "{}"}, ".", None, "lacks a tokenizer_config.json"),
        ({"a.gguf": "GGUF"}, "a.gguf", None, "no tokenizer can be read from .*a.gguf"),
        ({"a.txt": "x"}, "a.txt", None, "is no tokenizer; name a tokenizer.json, a GGUF or a folder"),
        ({"tokenizer.json": "{}"}, "tokenizer.json", "0" * 40, "is a file, which has no revision"),
        ({}, "nowhere", None, "there is no folder"),
    ],
)
def test_what_is_no_tokenizer_is_one_sentence(tmp_path: Path, files, name, revision, complaint) -> None:
    for each, content in files.items():
        (tmp_path / each).write_text(content)
    with pytest.raises(DataError, match=f"somebody: .*{complaint}"):
        of(tmp_path / name, revision).tokenizer()
