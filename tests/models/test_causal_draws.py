"""Draws of `causal-lm` are the library's where that has an answer, and its surprise is a plain sum of logarithms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from autophagy.core.errors import DataError, Diverged
from autophagy.core.seeds import Seed
from autophagy.models._language_draw import Decoder, continued, drawn, probabilities
from autophagy.models.causal_lm import CausalLM
from autophagy.testing import toys
from autophagy.testing.language_checkpoint import CONTEXT, language_model, write_tokenizer
from autophagy.testing.language_checkpoint import END as END_SIGN
from autophagy.text.prompts import parted

SEED = Seed(("draw",))
END, START = 1, 0
PROMPTS = (
    "the",
    "the sea and a king",
    "Zorro went",
    "of night who went to see his ship under stars",
    "see the ship and",
    "W",
    "a",
    "x y z a king",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return {kind: language_model(folder / kind, kind=kind) for kind in ("llama", "opt", "gpt2")}


def small(checkpoint: Path, **settings: Any) -> CausalLM:
    return replace(CausalLM(checkpoint=str(checkpoint), block=16, batch=4, steps=30, learning_rate=3e-3), **settings)


@pytest.fixture(scope="module")
def trained(checkpoints) -> Mapping[str, Any]:
    pool = toys.pool("text", 64)
    return {
        kind: small(folder).fit(pool, start=None, seed=SEED, workspace=toys.workspace())
        for kind, folder in checkpoints.items()
    }


def tokens(sampler: Any, texts: Any = PROMPTS) -> list[np.ndarray]:
    return [np.concatenate([[START], row]) for row in sampler.base.words.encode(list(texts))]


def theirs(folder: Path, sampler: Any, prompt: np.ndarray, length: int, **asked: Any) -> list[int]:
    """What the library draws after one prompt, as far as the first token that ends it."""
    network = AutoModelForCausalLM.from_pretrained(folder)
    network.load_state_dict(sampler.network.state_dict())
    settings = {"do_sample": False, "pad_token_id": END, **asked}
    found = network.generate(
        input_ids=torch.from_numpy(prompt[None]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=length, **settings,
    )[0, len(prompt) :].tolist()  # fmt: skip
    end = asked["eos_token_id"]
    return found[: found.index(end)] if end in found else found


# ── what the library has an answer to ────────────────────────────────────────


@pytest.mark.parametrize("kind", ["llama", "opt", "gpt2"])
@pytest.mark.parametrize(
    ("ours", "asked"),
    [
        ({"decoding": "greedy"}, {}),
        ({"decoding": "greedy", "penalty": 1.5}, {"repetition_penalty": 1.5}),
        ({"decoding": "beam", "beams": 5}, {"num_beams": 5}),
        ({"decoding": "beam", "beams": 3, "penalty": 1.3}, {"num_beams": 3, "repetition_penalty": 1.3}),
    ],
)
def test_texts_are_the_librarys(checkpoints, kind, ours, asked) -> None:
    """Prompts of several lengths are padded here and drawn alone there."""
    sampler = small(checkpoints[kind]).founder()
    prompts = tokens(sampler)
    plain = {"decoding": "greedy", "beams": 1, "temperature": 1.0, "top_k": None, "top_p": 1.0, "penalty": 1.0}
    endless = [theirs(checkpoints[kind], sampler, prompt, 8, eos_token_id=None, **asked) for prompt in prompts[:4]]
    lengths = set()
    for end in {text[place] for text, place in zip(endless, (1, 2, 4, 6), strict=True)}:
        with torch.inference_mode():
            decoder = Decoder(**{**plain, **ours})
            found = continued(sampler.network, prompts, 8, decoder, SEED, end=end, together=3)
        wanted = [theirs(checkpoints[kind], sampler, prompt, 8, eos_token_id=end, **asked) for prompt in prompts]
        assert [text.tolist() for text in found] == wanted
        lengths |= {len(text) for text in wanted}
    assert len(lengths) > 1  # some end before others


def test_tokens_that_never_end_are_the_librarys_beams(checkpoints, trained) -> None:
    model = small(checkpoints["llama"], decoding="beam", draws="tokens", length=10)
    sampler = model._sampler(trained["llama"].network, {"trained": "full"}, trained["llama"].base)
    drawn = sampler.sample(len(PROMPTS), condition=np.array(PROMPTS), bias=1.0, seed=SEED)
    for row, prompt in zip(drawn, tokens(sampler), strict=True):
        found = theirs(checkpoints["llama"], sampler, prompt, 10, num_beams=5, eos_token_id=None)
        assert row.tolist()[: len(found)] == found


OTHERS = {  # which have no fused attention in the library
    "gpt_neo": {
        "hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]],
        "window_size": 8, "intermediate_size": 64, "max_position_embeddings": CONTEXT,
    },
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_of_networks_are_drawn_from_as_they_answer(tmp_path: Path, kind: str) -> None:
    """With padding and kept keys here, one whole text after the other there."""
    size = write_tokenizer(tmp_path)
    signs = {"bos_token_id": START, "eos_token_id": END}
    network = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, vocab_size=size, **OTHERS[kind], **signs))
    network.save_pretrained(tmp_path)
    sampler = small(tmp_path, decoding="greedy", draws="tokens", length=8).founder()
    found = sampler.sample(len(PROMPTS), condition=np.array(PROMPTS), bias=1.0, seed=SEED)
    for row, prompt in zip(found, tokens(sampler), strict=True):
        text = torch.from_numpy(prompt.astype(np.int64))[None]
        for _ in range(8):
            text = torch.cat([text, network.eval()(input_ids=text, use_cache=False).logits[:, -1:].argmax(2)], 1)
        assert row.tolist() == text[0, len(prompt) :].tolist()


def test_tokens_that_the_tokenizer_lacks_are_not_drawn(tmp_path: Path) -> None:
    """Embeddings are often rounded up; such a token could not be read again."""
    folder = language_model(tmp_path)
    network = AutoModelForCausalLM.from_pretrained(folder)
    known = network.config.vocab_size
    network.resize_token_embeddings(known + 64, mean_resizing=False)
    network.save_pretrained(folder)
    for decoding in ("sample", "beam"):
        sampler = small(folder, draws="tokens", decoding=decoding, length=12).founder()
        found = sampler.sample(40, condition=np.array(PROMPTS * 5), bias=1.0, seed=SEED)
        assert found.max() < known
        assert np.isfinite(sampler.surprise(found)[0]).all()


# ── chance ───────────────────────────────────────────────────────────────────


def test_a_row_does_not_depend_on_those_beside_it(checkpoints, trained) -> None:
    alone, beside = (
        small(checkpoints["llama"], together=together)._sampler(
            trained["llama"].network, {"trained": "full"}, trained["llama"].base
        )
        for together in (1, 32)
    )
    asked = {"bias": 1.0, "seed": SEED}
    many = beside.sample(40, condition=np.array(PROMPTS * 5), **asked)
    assert many.tolist() == alone.sample(40, condition=np.array(PROMPTS * 5), **asked).tolist()
    assert many[: len(PROMPTS)].tolist() == beside.sample(len(PROMPTS), condition=np.array(PROMPTS), **asked).tolist()
    assert len(set(many.tolist())) > 30


def test_tokens_come_as_often_as_they_are_likely(checkpoints, trained) -> None:
    """z-scores of 4,000 first tokens after one prompt."""
    sampler = trained["opt"]
    prompt = tokens(sampler)[0]
    with torch.inference_mode():
        likely = sampler.network(torch.from_numpy(prompt[None])).logits[0, -1].double().softmax(0).numpy()
        decoder = Decoder("sample", 1, 1.0, None, 1.0, 1.0)
        found = continued(sampler.network, [prompt] * 4000, 1, decoder, SEED, end=None, together=500)
    counts = np.bincount(np.concatenate(found), minlength=len(likely))
    common = likely > 0.005
    z = (counts - 4000 * likely) / np.sqrt(4000 * likely * (1 - likely))
    assert common.sum() > 5
    assert np.abs(z[common]).max() < 4


def logits(n: int = 3, known: int = 2000) -> torch.Tensor:
    return torch.from_numpy(3 * Seed(("logits",)).numpy().standard_normal((n, known), np.float32))


def test_draws_are_narrowed_as_the_library_narrows_them() -> None:
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    for temperature, top_k, top_p in ((1.0, None, 0.5), (0.7, 50, 1.0), (1.3, 30, 0.8), (4.0, None, 0.97)):
        ours = probabilities(logits(), Decoder("sample", 1, temperature, top_k, top_p, 1.0))
        wanted = TemperatureLogitsWarper(temperature)(None, logits())
        wanted = wanted if top_k is None else TopKLogitsWarper(top_k)(None, wanted)
        wanted = wanted if top_p == 1 else TopPLogitsWarper(top_p)(None, wanted)
        np.testing.assert_allclose(ours / ours.sum(1, keepdim=True), wanted.double().softmax(1), atol=1e-6)
        assert ((ours > 0) == (wanted > -torch.inf)).all()


def test_a_token_is_where_the_chances_pass_the_draw() -> None:
    for known in (3, 255, 256, 2000):
        chances = logits(50, known).softmax(1)
        chances[:, known // 2 :] *= torch.rand(50, known - known // 2) > 0.5  # some cannot come
        at = torch.from_numpy(Seed(("at",)).numpy().random(50))
        sums = chances.double().cumsum(1)
        wanted = torch.searchsorted(sums, at[:, None] * sums[:, -1:], right=True)[:, 0]
        assert drawn(chances, at).tolist() == wanted.tolist()
        for end in (0.0, 1.0 - 1e-16):
            assert (chances.gather(1, drawn(chances, torch.full((50,), end).double())[:, None]) > 0).all()


def test_lambda_is_the_mass_of_the_nucleus_or_the_temperature(checkpoints) -> None:
    nucleus = small(checkpoints["llama"], top_p=0.9).founder().drawing
    heat = small(checkpoints["llama"], bias_by="temperature", temperature=0.8).founder().drawing
    assert nucleus.biased(1.0) == nucleus.decoder
    assert nucleus.biased(0.5) == replace(nucleus.decoder, top_p=0.45)
    assert heat.biased(0.5) == replace(heat.decoder, temperature=0.4)


def test_a_smaller_lambda_draws_likelier_texts(checkpoints, trained) -> None:
    for by in ("nucleus", "temperature"):
        sampler = small(checkpoints["llama"], bias_by=by)._sampler(
            trained["llama"].network, {"trained": "full"}, trained["llama"].base
        )
        drawn = [sampler.sample(64, condition=None, bias=bias, seed=SEED) for bias in (1.0, 0.6, 0.05)]
        nats = [sampler.surprise(texts) for texts in drawn]
        rates = [own.sum() / count.sum() for own, count in nats]
        assert rates[0] > rates[1] + 0.1 > rates[2] + 0.2
        words = [len(set(" ".join(texts.tolist()).split())) for texts in drawn]
        assert words[2] < words[1] < words[0]


def test_a_prompt_is_kept_where_that_is_asked_for(checkpoints, trained) -> None:
    bare, whole = (
        small(checkpoints["llama"], keeps_prompt=kept)._sampler(
            trained["llama"].network, {"trained": "full"}, trained["llama"].base
        )
        for kept in (False, True)
    )
    prompts = [*PROMPTS, "Zorro " * 60 + "the sea"]  # of the last one only the end fits in front of the sample
    asked = {"condition": np.array(prompts), "bias": 1.0, "seed": SEED}
    drawn, kept = bare.sample(len(prompts), **asked), whole.sample(len(prompts), **asked)
    assert (bare.keeps_prompt, whole.keeps_prompt) == (False, True)
    assert [prompt + text for prompt, text in zip(prompts, drawn.tolist(), strict=True)] == kept.tolist()
    rests, after = parted(kept, np.array(prompts))
    assert (rests.tolist(), after.tolist()) == (drawn.tolist(), prompts)


def test_a_long_prompt_leaves_room_for_the_sample(checkpoints, trained) -> None:
    long = np.array(["Zorro " * 60 + "the sea"])
    drawn = trained["gpt2"].sample(1, condition=long, bias=1.0, seed=SEED)
    assert drawn.shape == (1,)
    prompt = trained["gpt2"]._prompts(1, long)[0]
    assert len(prompt) == CONTEXT - 16
    assert trained["gpt2"].base.words.decode([prompt])[0].endswith("the sea")


def test_sixteen_bits_draw_likely_texts_too(checkpoints, trained) -> None:
    sampler = small(checkpoints["llama"], precision="bfloat16")._sampler(
        trained["llama"].network, {"trained": "full"}, trained["llama"].base
    )
    own = trained["llama"].sample(64, condition=None, bias=1.0, seed=SEED)
    drawn = sampler.sample(64, condition=None, bias=1.0, seed=SEED)
    rates = [nats.sum() / count.sum() for nats, count in map(sampler.surprise, (own, drawn))]
    assert abs(rates[0] - rates[1]) < 0.3
    assert sampler.network.dtype == torch.float32


# ── surprise ─────────────────────────────────────────────────────────────────


def plainly(network: Any, text: np.ndarray, start: int = START) -> float:
    """Token by token, each asked for alone, with the sign for a beginning before the first."""
    nats, read = 0.0, [start]
    for token in text.tolist():
        logits = network(torch.tensor([read])).logits[0, -1].double()
        nats -= float(logits.log_softmax(0)[token])
        read.append(token)
    return nats


@pytest.mark.parametrize("kind", ["llama", "opt", "gpt2"])
def test_surprise_is_a_sum_over_tokens_one_by_one(checkpoints, kind) -> None:
    sampler = small(checkpoints[kind]).founder()
    texts = np.array([*toys.pool("text", 5).samples, "a", "", "Zorro"])
    own, counts = sampler.surprise(texts)
    network = AutoModelForCausalLM.from_pretrained(checkpoints[kind]).eval()
    rows = sampler.base.words.encode(texts.tolist())
    with torch.inference_mode():
        wanted = [plainly(network, row) for row in rows]
    np.testing.assert_allclose(own, wanted, rtol=1e-4, atol=1e-4)
    assert counts.tolist() == [len(row) for row in rows]
    assert (own[6], counts[6]) == (0.0, 0)
    assert (own.dtype, counts.dtype) == (np.float64, np.int64)


def test_texts_begin_with_the_sign_that_is_asked_for(checkpoints, tmp_path) -> None:
    usual, other = (small(checkpoints["llama"], begins_with=sign).founder() for sign in (None, END_SIGN))
    assert (usual.base.words.start, other.base.words.start) == (START, END)
    assert usual.base.words.start == START  # of a base that both share, and nobody may change
    text = np.array(["the sea"])
    network = AutoModelForCausalLM.from_pretrained(checkpoints["llama"]).eval()
    (row,) = usual.base.words.encode(text.tolist())
    with torch.inference_mode():
        for sampler, start in ((usual, START), (other, END)):
            assert sampler.surprise(text)[0][0] == pytest.approx(plainly(network, row, start), rel=1e-4)
    other.save(tmp_path)
    assert small(checkpoints["llama"]).load(tmp_path).base.words.start == END  # as it was fitted
    told = small(checkpoints["llama"], begins_with="<nonsuch>").misuse(toys.Toy("text"), start="scratch", bias=1.0)
    assert "no token '<nonsuch>' for texts to begin with" in str(told)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_surprise_after_a_prompt_is_that_of_both_but_for_the_prompts(checkpoints, kind) -> None:
    sampler = small(checkpoints[kind]).founder()
    prompts, texts = np.array(["the sea", "a", ""]), np.array(["and a king of night", "ship", "who went"])
    words, network = sampler.base.words, AutoModelForCausalLM.from_pretrained(checkpoints[kind]).eval()
    before, after = words.encode(prompts.tolist()), words.encode(texts.tolist())
    with torch.inference_mode():
        wanted = [plainly(network, np.concatenate(p)) - plainly(network, p[0]) for p in zip(before, after, strict=True)]
    own, counts = sampler.surprise(texts, after=prompts)
    np.testing.assert_allclose(own, wanted, rtol=1e-4, atol=1e-4)
    assert counts.tolist() == [len(row) for row in after]
    assert abs(own[0] - sampler.surprise(texts)[0][0]) > 1e-3
    assert own[2] == pytest.approx(sampler.surprise(texts)[0][2])


def test_surprise_does_not_depend_on_company(checkpoints) -> None:
    sampler, texts = small(checkpoints["opt"]).founder(), toys.pool("text", 40).samples
    alone = [sampler.surprise(texts[i : i + 1])[0][0] for i in range(40)]
    np.testing.assert_allclose(sampler.surprise(texts)[0], alone, rtol=1e-6)


def test_texts_longer_than_the_context_are_read_in_stretches(checkpoints) -> None:
    sampler = small(checkpoints["llama"]).founder()
    row = Seed(("long",)).numpy().integers(2, 140, (1, 2 * CONTEXT)).astype(np.int32)
    nats, counts = sampler.surprise(row)
    pieces = [row[:, first : first + CONTEXT - 1] for first in range(0, 2 * CONTEXT, CONTEXT - 1)]
    assert counts.tolist() == [2 * CONTEXT]
    assert nats[0] == pytest.approx(sum(sampler.surprise(piece)[0][0] for piece in pieces), rel=1e-6)


def test_tokens_of_another_tokenizer_are_refused(checkpoints) -> None:
    with pytest.raises(DataError, match="knows 0 to"):
        small(checkpoints["llama"]).founder().surprise(np.full((2, 5), 5000, np.int32))


def test_a_network_that_answers_nothing_ends_the_lineage(checkpoints) -> None:
    for decoding in ("sample", "greedy", "beam"):
        sampler = small(checkpoints["llama"], decoding=decoding).founder()
        with torch.no_grad():
            next(sampler.network.parameters()).fill_(float("nan"))
        with pytest.raises(Diverged, match="not finite"):
            sampler.sample(2, condition=None, bias=1.0, seed=SEED)
