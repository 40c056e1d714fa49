"""Encoder `clip-text`: transformers' own numbers, from a tokenizer that is known by its bytes and never trusted."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from autophagy.checkpoints import clip_tokens
from autophagy.core.abilities import ReadsTexts
from autophagy.core.catalog import build
from autophagy.core.errors import DataError
from autophagy.core.identity import part_key
from autophagy.testing.clip_checkpoint import LENGTH, clip, tokens

TEXTS = np.array(
    [
        "a photo of a red seven",
        "A  PHOTO of a\tblue seven!",
        "",
        "it's 42 o'clock",
        "naïve 猫",
        "a photo of " + "z" * 300,
    ]
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def copy(checkpoint, tmp_path):
    """A copy of the checkpoint that may be spoilt."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def of(folder, **others):
    return build("encoder", {"use": "clip-text", "checkpoint": str(folder), **others})


def theirs(folder, texts):
    """The library's own way from texts to features, all at once and filled up to one length."""
    words, model = transformers.CLIPTokenizer.from_pretrained(folder), transformers.CLIPModel.from_pretrained(folder)
    given = words(list(texts), padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    with torch.inference_mode():
        return model.get_text_features(**given).pooler_output.numpy()


def test_features_are_transformers_own(checkpoint):
    found = of(checkpoint).encode(TEXTS)
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS), 24))
    assert found.std(0).min() > 1e-2
    np.testing.assert_allclose(found, theirs(checkpoint, TEXTS), atol=1e-5)


def test_a_text_has_the_same_features_wherever_it_stands(checkpoint):
    found = of(checkpoint).encode(TEXTS)
    np.testing.assert_array_equal(of(checkpoint).encode(TEXTS[::-1]), found[::-1])
    np.testing.assert_array_equal(of(checkpoint).encode(TEXTS[1:2]), found[1:2])
    assert of(checkpoint).encode(TEXTS[:0]).shape == (0, 24)


def test_the_newer_single_file_is_the_same_tokenizer(checkpoint, copy):
    transformers.CLIPTokenizer.from_pretrained(copy).save_pretrained(copy)
    (copy / "vocab.json").unlink()
    (copy / "merges.txt").unlink()
    assert of(copy).token_files().paths == (copy / "tokenizer.json",)
    np.testing.assert_array_equal(of(copy).encode(TEXTS), of(checkpoint).encode(TEXTS))
    old = json.loads((copy / "tokenizer.json").read_text())
    old["model"]["merges"] = [" ".join(pair) for pair in old["model"]["merges"]]  # as files of before 2024 have it
    (copy / "tokenizer.json").write_text(json.dumps(old))
    np.testing.assert_array_equal(of(copy).encode(TEXTS), of(checkpoint).encode(TEXTS))


def test_rules_that_a_file_brings_are_not_followed(checkpoint, copy):
    transformers.CLIPTokenizer.from_pretrained(copy).save_pretrained(copy)
    for name in ("vocab.json", "merges.txt"):
        (copy / name).unlink()
    told = json.loads((copy / "tokenizer.json").read_text())
    told["normalizer"] = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "x"}
    (copy / "tokenizer.json").write_text(json.dumps(told))
    (copy / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": "evil.Tokenizer"}}))
    np.testing.assert_array_equal(of(copy).encode(TEXTS), of(checkpoint).encode(TEXTS))


def test_it_is_the_other_half_of_encoder_clip(checkpoint):
    images = build("encoder", {"use": "clip", "checkpoint": str(checkpoint)})
    assert isinstance(images, ReadsTexts)
    assert images.of_texts() == of(checkpoint)


def test_the_tokenizer_is_part_of_its_key_and_not_of_the_images(checkpoint, copy):
    images = build("encoder", {"use": "clip", "checkpoint": str(copy)})
    before = part_key(of(copy)), part_key(images)
    assert before[0] == part_key(of(checkpoint))  # where it lies is in no key
    (copy / "merges.txt").write_text("#version: 0.2\n")
    assert part_key(of(copy)) != before[0]
    assert part_key(images) == before[1]


def spoilt(folder, **files):
    for name, content in files.items():
        (folder / name.replace("_", ".", 1)).write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"vocab_json": "[1]"}, "is no table of settings"),
        ({"vocab_json": "{"}, "cannot be read as JSON"),
        ({"vocab_json": {"a": "1"}}, "has no table of tokens and their numbers"),
        ({"vocab_json": {"a": -1}}, "has no table of tokens and their numbers"),
        ({"vocab_json": {"a": 1}}, r"has no token <\|startoftext\|>"),
        ({"merges_txt": "a b c\n"}, r"a merge that is no pair of tokens, \['a', 'b', 'c'\]"),
        ({"merges_txt": "zz zz\n"}, "cannot read texts: .* out of vocabulary"),
        ({"vocab_json": {**tokens(), "new": 999}}, "has a token 999, but its model knows 195"),
        ({"vocab_json": {**tokens(), "<|endoftext|>": 7}}, "ends a text with the token 7, but its model looks for 194"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_tokenizer_that_is_none_is_one_sentence(copy, files, said):
    spoilt(copy, **files)
    with pytest.raises(DataError, match=said) as raised:
        of(copy).encode(TEXTS)
    assert str(raised.value).startswith("encoder 'clip-text': ") or "cannot read texts" in str(raised.value)


@pytest.mark.parametrize(
    "model", [None, {"type": "WordPiece"}, {"vocab": tokens()}, {"vocab": [], "merges": []}], ids=str
)
def test_a_single_file_of_another_kind_is_one_sentence(copy, model):
    (copy / "merges.txt").unlink()
    (copy / "tokenizer.json").write_text(json.dumps({"model": model}))
    with pytest.raises(DataError, match=r"tokenizer.json in .* has no .*; get the tokenizer of a CLIP again"):
        of(copy).encode(TEXTS)


def test_a_huge_file_is_not_read_to_its_end(copy, monkeypatch):
    monkeypatch.setattr(clip_tokens, "LARGEST", 1000)
    with pytest.raises(DataError, match="cannot be read as JSON"):
        of(copy).encode(TEXTS)


def test_plan_refuses_a_checkpoint_without_a_tokenizer(copy):
    assert of(copy).objection(None, None) is None
    (copy / "merges.txt").unlink()
    said = of(copy).objection(None, None)
    assert "has no vocab.json with merges.txt and no tokenizer.json, so texts cannot be read" in said
    assert of(copy / "nowhere").objection(None, None).startswith("encoder 'clip-text': there is no folder")


def test_what_the_hubs_cache_lacks_is_told_with_the_tokenizer():
    said = of("nobody/nothing", revision="0" * 40).objection(None, None)
    assert "--include '*.json' '*.safetensors' 'merges.txt'" in said


def test_anything_but_texts_is_refused(checkpoint):
    for samples in (np.zeros((2, 3, 8, 8), np.uint8), np.array([["a"]]), np.arange(3)):
        with pytest.raises(DataError, match=r"encoder 'clip-text' takes texts \(n,\), but got"):
            of(checkpoint).encode(samples)
