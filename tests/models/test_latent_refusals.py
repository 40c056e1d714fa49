"""What `latent-diffusion` refuses, each in one sentence and before the first step."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from autophagy import Experiment
from autophagy.core.errors import AutophagyError, ConfigError, Damaged, DataError, PlanError
from autophagy.core.identity import part_key, plain
from autophagy.core.parts import Begin, Collection
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.models import _latent_parts
from autophagy.models.latent_diffusion import LatentDiffusion
from autophagy.testing import toys
from autophagy.testing.checkpoints import stable_diffusion

COMMIT = "0123456789abcdef0123456789abcdef01234567"
UNET, VAE, TEXT = "unet/config.json", "vae/config.json", "text_encoder/config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stable_diffusion(tmp_path_factory.mktemp("refusals") / "sd")


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint that may be spoilt."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@dataclass(frozen=True)
class Pictures(Collection):
    """Random images of one shape with captions, classes or nothing."""

    name = "pictures"
    space = "images"
    shape: tuple[int, int, int] = (3, 32, 32)
    kind: str = "captions"

    def size(self, split: str) -> int:
        return 8

    def conditions(self, split: str) -> np.ndarray | None:
        numbers = np.arange(8) % 2
        return {"captions": np.array(["a", "b"])[numbers], "classes": numbers, "none": None}[self.kind]

    def load(self, split: str) -> np.ndarray:
        return Seed((split,)).numpy().integers(0, 256, (8, *self.shape)).astype(np.uint8)


def planned(checkpoint: Path | str, source: Pictures | None = None, **settings: Any) -> str:
    """The sentence with which a plan refuses it."""
    of_arm = {name: settings.pop(name) for name in ("seeding",) if name in settings}
    model = LatentDiffusion(checkpoint=str(checkpoint), **settings)
    base = {"source": source or Pictures(), "model": model, "founder": "pretrained", **of_arm}
    experiment = Experiment.of({"generations": 1, "base": base, "arms": {"closed": {"loop": "fully-synthetic"}}})
    with pytest.raises(PlanError) as caught:
        experiment.plan()
    said = str(caught.value)
    assert "\n" not in said
    assert said.count(": model 'latent-diffusion'") + said.count("a: model") >= 1
    return said


def changed(path: Path, **settings: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


# ── checkpoints ──────────────────────────────────────────────────────────────


def _xl(folder: Path) -> None:
    changed(folder / "model_index.json", _class_name="StableDiffusionXLPipeline")


def _other_unet(folder: Path) -> None:
    changed(folder / "model_index.json", unet=["own_code", "MyUNet"])


def _pickled(folder: Path) -> None:
    weights = folder / "unet" / WEIGHTS
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()


SPOILT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no index": (lambda f: (f / "model_index.json").unlink(), "has no model_index.json; name a Stable Diffusion"),
    "SDXL": (_xl, "is of a 'StableDiffusionXLPipeline', not of a StableDiffusionPipeline; name a Stable Diffusion 1"),
    "another class": (_other_unet, r"names \['own_code', 'MyUNet'\] as its unet, not a UNet2DConditionModel"),
    "missing weights": (lambda f: (f / "vae" / WEIGHTS).unlink(), "has no diffusion_pytorch_model.safetensors; name a"),
    "pickled weights": (_pickled, r"only diffusion_pytorch_model\.bin, a pickle that could run code when it is read"),
    "no tokenizer": (lambda f: shutil.rmtree(f / "tokenizer"), r"has neither vocab.json with merges.txt nor tokenizer"),
    "no scheduler": (lambda f: shutil.rmtree(f / "scheduler"), "there is no .*scheduler_config.json"),
    "no JSON": (lambda f: (f / UNET).write_text("{"), "config.json cannot be read as JSON"),
    "quantised": (lambda f: changed(f / UNET, quantization_config={}), "leads elsewhere by its quantization_config"),
    "another width": (lambda f: changed(f / UNET, cross_attention_dim=64), "texts of another width than its text enc"),
    "more inputs": (lambda f: changed(f / UNET, addition_embed_type="text_time"), "more than an image, a time and a t"),
    "other channels": (lambda f: changed(f / VAE, latent_channels=16), "other channels than its autoencoder's latents"),
    "endless noise": (
        lambda f: changed(f / "scheduler/scheduler_config.json", num_train_timesteps=10**12),
        "noise levels, but there can be 1 to",
    ),
    "flow": (
        lambda f: changed(f / "scheduler/scheduler_config.json", prediction_type="flow_prediction"),
        "has prediction_type 'flow_prediction', but it can be epsilon, sample, v_prediction",
    ),
    "odd channels": (lambda f: changed(f / UNET, in_channels=[4]), "other channels than its autoencoder's latents"),
    "no scale": (lambda f: changed(f / VAE, scaling_factor=0), "has an autoencoder with scaling_factor = 0"),
    "no heads": (lambda f: changed(f / TEXT, num_attention_heads=0), "has a text encoder of 0 attention heads"),
    "an index of other files": (
        lambda f: (f / "unet" / f"{WEIGHTS}.index.json").write_text('{"weight_map": {"a": "evil.safetensors"}}'),
        "leads to other files than diffusion_pytorch_model.safetensors, which lie beside it; get the checkpoint again",
    ),
    **{
        f"noise of {name}": (
            lambda f, n=name, v=value: changed(f / "scheduler/scheduler_config.json", **{n: v}),
            said,
        )
        for name, value, said in (
            ("beta_start", "x", "has beta_start = 'x', but it must be a number above 0 and below 1"),
            ("trained_betas", [0.1], "has trained_betas that are not 1000 numbers"),
            ("trained_betas", "abc", "has trained_betas that are not 1000 numbers"),
            ("timestep_spacing", "foo", "has timestep_spacing 'foo', but it can be leading, linspace, trailing"),
            ("algorithm_type", "foo", "has algorithm_type 'foo', but it can be"),
        )
    },
    "two kinds of sigmas": (
        lambda f: changed(f / "scheduler/scheduler_config.json", use_karras_sigmas=True, use_beta_sigmas=True),
        "has use_karras_sigmas and use_beta_sigmas, of which there can be one",
    ),
    "an unknown scheduler": (
        lambda f: changed(f / "scheduler/scheduler_config.json", _class_name="MyScheduler"),
        r"own scheduler is a 'MyScheduler', which is not known here; say scheduler = one of ddim, ddpm",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT.keys())
def test_a_plan_refuses_a_checkpoint_that_is_none(copy, spoil, said) -> None:
    import re

    spoil(copy)
    assert re.search(said, planned(copy))


def test_a_plan_refuses_names_that_lead_nowhere(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert "there is no folder" in planned(tmp_path / "gone")
    assert "an id on the hub needs a commit" in planned("stabilityai/stable-diffusion-2-1")
    said = planned("stabilityai/stable-diffusion-2-1", revision=COMMIT)
    assert "which is not in the hub's cache; run: hf download" in said
    assert "'*.txt'" in said


def test_a_commit_in_the_hubs_cache_is_the_same_model(checkpoint, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    shutil.copytree(checkpoint, tmp_path / "models--maker--small" / "snapshots" / COMMIT)
    there = LatentDiffusion(checkpoint="maker/small", revision=COMMIT)
    assert part_key(there) == part_key(LatentDiffusion(checkpoint=str(checkpoint)))
    assert plain(there)["checkpoint"] == "maker/small"


@pytest.mark.parametrize("name", ["unet/" + WEIGHTS, "vae/" + WEIGHTS, "text_encoder/model.safetensors", "scheduler/"
                                  "scheduler_config.json", "tokenizer/vocab.json", VAE])  # fmt: skip
def test_any_byte_of_it_is_in_the_key(copy, name) -> None:
    model = LatentDiffusion(checkpoint=str(copy))
    before = part_key(model)
    time.sleep(0.02)  # files' dates go in steps of some milliseconds
    path = copy / name
    content = path.read_bytes()
    path.write_bytes(content + b" " if name.endswith("json") else content[:-1] + b"\x01")
    assert part_key(model) != before


# ── what does not fit it ─────────────────────────────────────────────────────


def test_a_plan_refuses_what_cannot_be_learned(checkpoint) -> None:
    grey, none, classes = Pictures(shape=(1, 28, 28)), Pictures(kind="none"), Pictures(kind="classes")
    said = "takes RGB images of 32 × 32 pixels, but source 'pictures' has 28 × 28 grey ones; use a source of such"
    assert said in planned(checkpoint, grey)
    assert "has 64 × 64 ones; use a source of such images, or set side" in planned(checkpoint, Pictures((3, 64, 64)))
    assert "reads captions, but source 'pictures' has none; give it some, e.g. caption" in planned(checkpoint, none)
    assert "has classes such as 0; say caption = " in planned(checkpoint, classes)


def test_a_plan_refuses_settings_that_do_not_fit(checkpoint, copy) -> None:
    assert "images of side 36 cannot be had; use a multiple of 8" in planned(checkpoint, side=36)
    said = "scheduler 'lcm' takes at most 50 steps with this checkpoint, but sampling_steps = 60"
    assert said in planned(checkpoint, scheduler="lcm", sampling_steps=60)
    assert "'ddim' takes at most 1000 steps" in planned(checkpoint, sampling_steps=1001)
    changed(copy / "scheduler/scheduler_config.json", prediction_type="sample")
    said = "scheduler 'pndm' cannot read prediction type 'sample'; those that can: ddim, ddpm, dpm-solver++"
    assert said in planned(copy, scheduler="pndm")
    said = "scheduler 'ddim' cannot have spacing = \"karras\"; those that can: dpm-solver++, euler, unipc"
    assert said in planned(checkpoint, scheduler="ddim", spacing="karras")
    with pytest.raises(ConfigError, match=r"scheduler must be one of .*, but is 'heun'"):
        LatentDiffusion(checkpoint=str(checkpoint), scheduler="heun")


def test_memory_is_counted_from_the_files(checkpoint) -> None:
    model = LatentDiffusion(checkpoint=str(checkpoint))

    def count(part: str) -> int:
        return sum(
            each.numel() for path in (checkpoint / part).glob("*.safetensors") for each in load_file(path).values()
        )

    frozen = 4 * (count("vae") + count("text_encoder"))
    assert model.memory() == 20 * count("unet") + frozen
    assert replace(model, lora=4).memory() == 8 * count("unet") + frozen


def test_a_plan_refuses_a_way_too_short_for_one_step(checkpoint) -> None:
    said = planned(checkpoint, seeding=1e-12)
    wanted = "model 'latent-diffusion' would have to divide the way into 1,000,000,000,000 steps to go one of them"
    assert said == f"arm 'closed': seeding = 1e-12: {wanted}; use a larger share."


def test_what_only_the_library_knows_of_a_scheduler_is_told_before_the_first_step(copy) -> None:
    own = copy / "scheduler/scheduler_config.json"
    changed(own, _class_name="DPMSolverMultistepScheduler", algorithm_type="dpmsolver")
    assert "the checkpoint's algorithm_type 'dpmsolver' needs final_sigmas_type 'sigma_min'" in planned(copy)
    changed(own, final_sigmas_type="none")
    model, source, seed = LatentDiffusion(checkpoint=str(copy), sampling_steps=4, steps=10**6), Pictures(), Seed(("a",))
    pool = Pool.born(source.load("train"), Origin("real", REAL_DATA), condition=source.conditions("train"))
    for ask in (model.founder, lambda: model.fit(pool, start=None, seed=seed, workspace=toys.workspace())):
        with pytest.raises(ConfigError, match=r"the checkpoint's scheduler cannot be used: .*; say scheduler = one of"):
            ask()
    named = replace(model, scheduler="ddim").founder()
    assert named.sample(1, condition=np.array(["a"]), bias=1.0, seed=seed).shape == (1, 3, 32, 32)


def test_a_fit_and_a_draw_refuse_the_same(checkpoint) -> None:
    model = LatentDiffusion(checkpoint=str(checkpoint), sampling_steps=2, steps=1)
    for source, said in (
        (Pictures(shape=(3, 64, 64)), "takes RGB images of 32 × 32 pixels, but its training set has 64 × 64 ones"),
        (Pictures(kind="classes"), "reads captions, but its training set has classes such as 0"),
    ):
        pool = Pool.born(source.load("train"), Origin("real", REAL_DATA), condition=source.conditions("train"))
        with pytest.raises(DataError, match=said):
            model.fit(pool, start=None, seed=Seed(("a",)), workspace=toys.workspace())
    founder = model.founder()
    with pytest.raises(ConfigError, match="reads captions, but what it is to draw has none"):
        founder.sample(1, condition=None, bias=1.0, seed=Seed(("a",)))
    begin = Begin(np.zeros((1, 3, 64, 64), np.uint8), 0.5)
    with pytest.raises(DataError, match=r"draws uint8 images \(3, 32, 32\), but is to begin from uint8 \(3, 64, 64\)"):
        founder.sample(1, condition=np.array(["a"]), bias=1.0, seed=Seed(("a",)), begin=begin)


# ── what is larger or other than it says ─────────────────────────────────────


def _without_a_weight(folder: Path) -> None:
    path = folder / "vae" / WEIGHTS
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("conv_in.bias"))
    save_file({f"x.{n}" if n == name else n: w for n, w in weights.items()}, path, {"format": "pt"})


HUGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a wide U-Net": (
        lambda f: changed(f / UNET, block_out_channels=[16_000, 320_000]), "asks for [0-9,]+ weights, but there are"
    ),
    "a wide text encoder": (
        lambda f: changed(f / TEXT, intermediate_size=10**9), "asks for [0-9,]+ weights, but there are"
    ),
    "a deep autoencoder": (lambda f: changed(f / VAE, layers_per_block=10**9), "asks for 1000000000 layers, but there"),
    "a missing weight": (_without_a_weight, "1 weights are not in .*vae, .*conv_in.bias' the first of them"),
    "a file cut short": (
        lambda f: (f / "unet" / WEIGHTS).write_bytes((f / "unet" / WEIGHTS).read_bytes()[:9000]), "cannot load .*unet: "
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), HUGE.values(), ids=HUGE.keys())
def test_nothing_is_built_that_is_larger_than_the_files(copy, spoil, said) -> None:
    spoil(copy)
    with pytest.raises(AutophagyError, match=said) as caught:
        LatentDiffusion(checkpoint=str(copy)).founder()
    assert "\n" not in str(caught.value)


def test_code_and_pickles_beside_it_are_not_touched(copy, tmp_path) -> None:
    (copy / "unet" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    changed(copy / "tokenizer/tokenizer_config.json", auto_map={"AutoTokenizer": ["own.T", None]})
    torch.save({}, copy / "unet" / "diffusion_pytorch_model.bin")
    (copy / "safety_checker").mkdir()
    LatentDiffusion(checkpoint=str(copy)).founder()
    assert not (tmp_path / "ran").exists()


def test_names_of_an_earlier_release_are_known(copy, draw) -> None:
    """Published text encoders have a level more in their names, and autoencoders other words for attention."""
    captions, model = np.array(["a", "b"]), LatentDiffusion(checkpoint=str(copy), sampling_steps=2, together=2)
    before = draw(model.founder(), 2, captions)
    path = copy / "text_encoder/model.safetensors"
    save_file({f"text_model.{name}": each for name, each in load_file(path).items()}, path, {"format": "pt"})
    path, old = copy / "vae" / WEIGHTS, {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = load_file(path)
    for ours, theirs in old.items():
        renamed = {name.replace(f"attentions.0.{ours}.", f"attentions.0.{theirs}."): w for name, w in renamed.items()}
    assert any(".query." in name for name in renamed)
    save_file(renamed, path, {"format": "pt"})
    np.testing.assert_array_equal(draw(model.founder(), 2, captions), before)


# ── samplers from somebody else ──────────────────────────────────────────────


@pytest.fixture
def saved(checkpoint, tmp_path) -> tuple[LatentDiffusion, Path]:
    model = LatentDiffusion(checkpoint=str(checkpoint), steps=1)
    founder = model.founder()
    founder.facts["trained"] = "unet"
    founder.save(tmp_path)
    return model, tmp_path


def test_a_received_sampler_is_the_checkpoints_network_or_none(saved, monkeypatch) -> None:
    model, folder = saved
    assert model.load(folder).facts["trained"] == "unet"
    path = folder / "unet" / WEIGHTS
    weights = load_file(path)
    save_file({**weights, "more": torch.zeros(1)}, path)
    monkeypatch.setattr(_latent_parts, "load_file", lambda _: pytest.fail("weights were read"))
    with pytest.raises(Damaged, match="unet does not hold the checkpoint's U-Net: 'other names or shapes'"):
        model.load(folder)


FACTS = [{"trained": "all"}, {"trained": "adapters"}, {"shape": [3, 10**6, 10**6]}, {"checkpoint": "0" * 32},
         {"drawn_with": {}}, {"drawn_with": {"together": 10**9}}]  # fmt: skip


@pytest.mark.parametrize("facts", FACTS, ids=str)
def test_facts_that_do_not_fit_are_refused(saved, facts) -> None:
    model, folder = saved
    told = json.loads((folder / "facts.json").read_text())
    if facts.get("drawn_with"):
        facts = {"drawn_with": told["drawn_with"] | facts["drawn_with"]}
    changed(folder / "facts.json", **facts)
    with pytest.raises(Damaged):
        model.load(folder)


def test_adapters_of_another_rank_are_refused(checkpoint, tmp_path) -> None:
    model = LatentDiffusion(checkpoint=str(checkpoint), steps=1, lora=2)
    pictures = Pictures()
    pool = Pool.born(pictures.load("train"), Origin("real", REAL_DATA), condition=pictures.conditions("train"))
    model.fit(pool, start=None, seed=Seed(("a",)), workspace=toys.workspace()).save(tmp_path)
    with pytest.raises(Damaged, match="does not hold adapters of rank 3"):
        replace(model, lora=3).load(tmp_path)


def test_every_file_that_a_tokenizer_reads_is_in_the_key(copy) -> None:
    before = part_key(LatentDiffusion(checkpoint=str(copy)))
    (copy / "tokenizer" / "added_tokens.json").write_text('{"dog": 190}')
    assert part_key(LatentDiffusion(checkpoint=str(copy))) != before


def test_a_tokenizer_with_words_that_the_text_encoder_lacks_is_found_before_the_first_step(copy) -> None:
    for path in (copy / "tokenizer").glob("*.json"):
        path.unlink() if path.name == "tokenizer.json" else None
    words = copy / "tokenizer" / "vocab.json"
    table = json.loads(words.read_text())
    words.write_text(json.dumps({**table, "zzzz</w>": 10_000}))
    model = LatentDiffusion(checkpoint=str(copy), steps=1)
    with pytest.raises(DataError, match="has a token 10000, but the text encoder knows"):
        model.founder().sample(1, condition=np.array(["a"]), bias=1.0, seed=Seed(("words",)))


def test_latents_are_not_clipped_where_a_checkpoint_says_nothing() -> None:
    from autophagy.models._latent_schedulers import made

    for name in ("ddim", "ddpm"):
        assert made(name, {"beta_schedule": "scaled_linear"}).config.clip_sample is False
        assert made(name, {"beta_schedule": "scaled_linear", "clip_sample": True}).config.clip_sample is True
