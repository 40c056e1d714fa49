"""Model `causal-lm`: a fit is transformers' own, step by step, and survives a kill. Checkpoints are small."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, get_scheduler

from autophagy.core.errors import DataError
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models._language_rows import packed, padded
from autophagy.models.causal_lm import CausalLM
from autophagy.testing import check, toys
from autophagy.testing.language_checkpoint import language_model
from autophagy.training import Batches

SEED = Seed(("fit",))
END, START = 1, 0


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    made = {kind: language_model(folder / kind, kind=kind) for kind in ("llama", "opt", "gpt2")}
    return {**made, "endless": language_model(folder / "endless", has_start=False)}


def small(checkpoint: Path, **settings: Any) -> CausalLM:
    return replace(CausalLM(checkpoint=str(checkpoint), block=16, steps=20, learning_rate=1e-3, batch=4), **settings)


def texts(n: int = 48) -> Pool:
    return toys.pool("text", n)


def fitted(model: CausalLM, pool: Pool | None = None, **others: Any) -> Any:
    settings = {"start": None, "seed": SEED, "workspace": toys.workspace(), **others}
    return model.fit(pool or texts(), **settings)


def chosen(model: CausalLM, **others: Any) -> Any:
    """The best of several, by the last of other texts."""
    settings = {"start": None, "seed": SEED, "workspace": toys.workspace(), **others}
    return model.fit_by(texts(60).take(np.arange(48, 60)), texts(), **settings)


# ── the library's own loop ───────────────────────────────────────────────────


def plain_losses(folder: Path, model: CausalLM, rows: np.ndarray, lengths: np.ndarray) -> list[float]:
    """As the library's example trains, on rows `(n, width)`: labels are the tokens, those past a row's end are not."""
    network = AutoModelForCausalLM.from_pretrained(folder).train()
    decays = [each for each in network.parameters() if each.dim() > 1]
    others = [each for each in network.parameters() if each.dim() < 2]
    optimiser = torch.optim.AdamW(
        [{"params": decays, "weight_decay": model.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=model.learning_rate,
    )
    rates = get_scheduler("linear", optimiser, num_warmup_steps=model.warmup, num_training_steps=model.steps)
    order, losses = Batches(len(rows), model.batch, SEED.child("order")), []
    for step in range(model.steps):
        some = order.rows(step)
        tokens = torch.from_numpy(rows[some].astype(np.int64))
        is_text = torch.arange(tokens.shape[1]) < torch.from_numpy(lengths[some])[:, None]
        loss = network(input_ids=tokens, attention_mask=is_text.long(), labels=tokens.where(is_text, -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rates.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llama", {}),
        ("opt", {"weight_decay": 0.1, "warmup": 5}),
        ("gpt2", {"micro": 3}),
        ("llama", {"packing": "rows"}),
        ("opt", {"packing": "rows", "micro": 1}),
    ],
)
def test_twenty_losses_are_those_of_a_plain_loop(checkpoints, kind, settings) -> None:
    model = small(checkpoints[kind], **settings)
    words = model._base().words
    laid = (padded if model.packing == "rows" else packed)(words.encode(texts().samples.tolist()), words, 16)
    ours = fitted(model).facts["losses"]["loss"]
    theirs = plain_losses(checkpoints[kind], model, laid.tokens, laid.lengths)
    assert len(ours) == len(theirs) == 20
    assert np.ptp(theirs) > 0.3
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_sixteen_bits_are_near(checkpoints) -> None:
    ours, short = (
        fitted(small(checkpoints["llama"], precision=p)).facts["losses"]["loss"] for p in ("float32", "bfloat16")
    )
    assert ours != short
    np.testing.assert_allclose(ours, short, rtol=0.02)


def test_rows_of_tokens_are_trained_on_as_they_come(checkpoints) -> None:
    rows = Seed(("rows",)).numpy().integers(0, 140, (24, 12)).astype(np.int32)
    model = small(checkpoints["opt"], draws="tokens", length=12)
    sampler = fitted(model, Pool.born(rows, Origin("real", REAL_DATA)))
    np.testing.assert_allclose(
        sampler.facts["losses"]["loss"], plain_losses(checkpoints["opt"], model, rows, np.full(24, 12)), rtol=1e-5
    )
    drawn = sampler.sample(5, condition=None, bias=1.0, seed=SEED)
    assert (drawn.shape, drawn.dtype) == ((5, 12), np.int32)


def test_a_fit_goes_on_from_an_earlier_sampler(checkpoints) -> None:
    first = fitted(small(checkpoints["llama"], schedule="constant"))
    before = {name: each.clone() for name, each in first.network.named_parameters()}
    second = fitted(small(checkpoints["llama"], schedule="constant"), start=first)
    assert second.facts["losses"]["loss"][0] < first.facts["losses"]["loss"][0] - 0.3
    assert all(torch.equal(before[name], each) for name, each in first.network.named_parameters())


# ── rows ─────────────────────────────────────────────────────────────────────


def words_of(folder: Path) -> Any:
    return small(folder)._base().words


def test_texts_are_joined_by_signs_and_cut_into_blocks(checkpoints) -> None:
    for kind, before in (("llama", [START]), ("endless", [])):
        words = words_of(checkpoints[kind])
        laid = packed([np.array([5, 6, 7]), np.array([8, 9])], words, 4)
        joined = [*before, 5, 6, 7, END, *before, 8, 9, END]
        n = len(joined) // 4
        assert laid.tokens.tolist() == [joined[:4], joined[4:8]][:n]  # what is left over is dropped
        assert laid.lengths.tolist() == [4] * n


def test_a_row_has_one_text_between_signs(checkpoints) -> None:
    words = words_of(checkpoints["llama"])
    laid = padded([np.array([5, 6, 7, 8, 9]), np.array([8])], words, 4)
    assert laid.tokens[0].tolist() == [START, 5, 6, 7]
    assert laid.tokens[1, :3].tolist() == [START, 8, END]
    assert laid.lengths.tolist() == [4, 3]


def test_without_a_sign_for_a_beginning_the_end_stands_for_it(checkpoints) -> None:
    assert padded([np.array([8])], words_of(checkpoints["endless"]), 4).tokens[0].tolist() == [END, 8, END]


def test_texts_survive_tokens(checkpoints) -> None:
    words, own = words_of(checkpoints["gpt2"]), np.array([*texts(8).samples, "", "Of  Zorro (1)!"])
    assert words.decode(words.encode(own.tolist())).tolist() == own.tolist()


def test_too_little_text_is_told(checkpoints) -> None:
    few = Pool.born(np.array(["a king"]), Origin("real", REAL_DATA))
    with pytest.raises(DataError, match=r"2 tokens, which is not one block of 16"):
        fitted(small(checkpoints["llama"]), few)
    assert fitted(small(checkpoints["llama"], packing="rows", steps=1), few).facts["rows"] == 1
    choosy = small(checkpoints["llama"], instances=2, validation=1, steps=1)
    with pytest.raises(DataError, match="not one block of 16; use a smaller block, a larger validation, or packing"):
        choosy.fit_by(few, texts(), start=None, seed=SEED, workspace=toys.workspace())


# ── several instances ────────────────────────────────────────────────────────


def test_the_best_of_several_instances_is_kept(checkpoints) -> None:
    model = small(checkpoints["llama"], instances=3, steps=6)
    sampler = chosen(model)
    losses = sampler.facts["validation"]
    assert len(set(losses)) == 3
    assert sampler.facts["kept"] == int(np.argmin(losses))
    assert chosen(replace(model, instances=2)).facts["validation"] == losses[:2]
    words = sampler.base.words
    rows = torch.from_numpy(packed(words.encode(texts(60).samples[48:].tolist()), words, 16).tokens.astype(np.int64))
    with torch.inference_mode():
        assert min(losses) == pytest.approx(float(sampler.network(input_ids=rows, labels=rows).loss), abs=1e-5)


def test_instances_are_not_chosen_by_what_they_are_trained_on(checkpoints) -> None:
    with pytest.raises(DataError, match=r"model 'causal-lm' chooses among 2 instances by real samples; call fit_by\."):
        fitted(small(checkpoints["llama"], instances=2))


def test_instances_that_are_finished_are_not_fitted_again(checkpoints, tmp_path, monkeypatch) -> None:
    model = small(checkpoints["llama"], instances=3, steps=4)
    whole = chosen(model)
    said: list[str] = []
    place = Workspace(lambda: tmp_path, Machine("cpu", 1e9), remark=said.append)
    descended = CausalLM._descended
    seen: list[Seed] = []

    def interrupted(self, base, rows, start, seed, workspace):
        seen.append(seed)
        if len(seen) == 3:
            raise KeyboardInterrupt
        workspace.remark(f"of instance {seed.path[-1]}")
        return descended(self, base, rows, start, seed, workspace)

    monkeypatch.setattr(CausalLM, "_descended", interrupted)
    with pytest.raises(KeyboardInterrupt):
        chosen(model, workspace=place)
    again = chosen(model, workspace=place)
    assert len(seen) == 4
    assert again.facts == whole.facts
    assert said == [f"of instance {again.facts['kept']}"]  # whoever was fitting it, and of no other
    for one, other in zip(again.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_how_much_disk_a_fit_takes_is_known_before(checkpoints, tmp_path, kind) -> None:
    model = small(checkpoints[kind], steps=1)
    fitted(model).save(tmp_path)
    left = sum(path.stat().st_size for path in tmp_path.rglob("*.*"))
    assert 0.95 * model.stored_bytes() < left < 1.05 * model.stored_bytes() + 20_000
    assert small(checkpoints[kind], train="lora").stored_bytes() is None


# ── adapters ─────────────────────────────────────────────────────────────────


def test_gpt2s_layers_take_adapters_too(checkpoints, tmp_path) -> None:
    model = small(checkpoints["gpt2"], train="lora", rank=4, targets=("c_attn", "c_proj"), learning_rate=1e-2)
    sampler = fitted(model)
    assert {name.split(".")[-4] for name, each in sampler.network.named_parameters() if "lora_" in name} == {
        "c_attn", "c_proj",
    }  # fmt: skip
    sampler.save(tmp_path)
    again = model.load(tmp_path)
    assert again.surprise(texts(4).samples)[0].tolist() == sampler.surprise(texts(4).samples)[0].tolist()
    assert again.surprise(texts(4).samples)[0].tolist() != model.founder().surprise(texts(4).samples)[0].tolist()


def test_adapters_are_all_that_is_trained_and_stored(checkpoints, tmp_path) -> None:
    model = small(checkpoints["llama"], train="lora", rank=4, learning_rate=1e-2)
    sampler, founder = fitted(model), model.founder()
    own = dict(founder.network.named_parameters())
    same = {
        name.replace(".base_layer", ""): each
        for name, each in sampler.network.named_parameters()
        if "lora_" not in name
    }
    assert set(same) == set(own)
    assert all(torch.equal(own[name], each) for name, each in same.items())
    sampler.save(tmp_path)
    stored = load_file(tmp_path / "adapters.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapters.safetensors", "facts.json"]
    assert len(stored) == 2 * 2 * 2  # two matrices at two layers of two blocks
    assert min(float(each.abs().max()) for each in stored.values()) > 0
    losses = sampler.facts["losses"]["loss"]
    assert losses[-1] < losses[0] - 0.05
    back = model.load(tmp_path)
    asked = {"condition": texts(6).condition, "bias": 1.0, "seed": SEED}
    assert back.sample(6, **asked).tolist() == sampler.sample(6, **asked).tolist()
    on = fitted(model, start=back)
    assert on.facts["losses"]["loss"][0] < losses[0] - 0.05


# ── what is stored ───────────────────────────────────────────────────────────


def test_a_founder_is_its_checkpoint_and_no_weights(checkpoints, tmp_path) -> None:
    model = small(checkpoints["opt"])
    model.founder().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]
    assert model.load(tmp_path).facts["trained"] == "nothing"


CHILD = """
import sys
sys.path.insert(0, {place!r})
from pathlib import Path
from test_causal_lm import at, fitted, small
fitted(small(Path({checkpoint!r}), {settings}), workspace=at(Path({folder!r})))
"""


def at(folder: Path) -> Workspace:
    folder.mkdir(exist_ok=True)

    def said(done: int, total: int, note: str) -> None:
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()

    return Workspace(lambda: folder, Machine("cpu", 0.0), said)


@pytest.mark.parametrize("settings", ["", "train='lora', rank=2"])
def test_a_killed_fit_ends_in_the_same_bytes(checkpoints, settings, tmp_path, capfd) -> None:
    model = small(checkpoints["llama"], **eval(f"dict({settings})"))  # noqa: S307 (our own text)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    fitted(model, workspace=at(tmp_path / "whole")).save(tmp_path / "one")
    told = capfd.readouterr().out.split()
    code = CHILD.format(
        place=str(Path(__file__).parent), checkpoint=str(checkpoints["llama"]), settings=settings,
        folder=str(tmp_path / "killed"),
    )  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == 11:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    fitted(model, workspace=at(tmp_path / "killed")).save(tmp_path / "two")
    assert 0 < len(capfd.readouterr().out.split()) < len(told)  # it went on, and did not begin again
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("kind", ["llama", "opt", "gpt2"])
def test_it_keeps_the_claims_of_models(checkpoints, kind) -> None:
    assert check(CausalLM(checkpoint=str(checkpoints[kind])))
