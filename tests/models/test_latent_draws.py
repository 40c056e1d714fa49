"""Draws of `latent-diffusion` are those of diffusers' pipelines, each sample by its own random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from PIL import Image
from safetensors.torch import load_file

from autophagy import Experiment
from autophagy.core.parts import Begin, Collection
from autophagy.core.seeds import Seed
from autophagy.models._latent_sampler import stream
from autophagy.models._latent_schedulers import SCHEDULERS, unfit
from autophagy.models.latent_diffusion import LatentDiffusion
from autophagy.testing.checkpoints import SCHEDULERS as TABLES
from autophagy.testing.checkpoints import stable_diffusion

SEED = Seed(("sample", 0))
CAPTIONS = np.array(["a photo of a red 3", "a photo of a blue coat", "a dog"])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stable_diffusion(tmp_path_factory.mktemp("draws") / "sd")


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stable_diffusion(tmp_path_factory.mktemp("draws") / "turbo", kind="turbo", prediction="epsilon")


def founder(checkpoint: Path, **settings: Any) -> Any:
    return LatentDiffusion(checkpoint=str(checkpoint), **{"sampling_steps": 4, "together": 3, **settings}).founder()


def pipeline(kind: Any, checkpoint: Path) -> Any:
    found = kind.from_pretrained(checkpoint, safety_checker=None)
    found.set_progress_bar_config(disable=True)
    return found


def bytes_of(images: np.ndarray) -> np.ndarray:
    """Images `(n, h, w, 3)` in 0 … 1 as diffusers saves them."""
    return (images * 255).round().astype(np.uint8).transpose(0, 3, 1, 2)


def streams(n: int) -> list[torch.Generator]:
    return [stream(SEED, i) for i in range(n)]


def test_sixteen_bits_are_the_unets_alone(checkpoint) -> None:
    """A decoder in them would round pixels to 8 significant bits."""
    sampler = founder(checkpoint, precision="bfloat16")
    layers = sampler.network.conv_out, sampler.frozen.vae.encoder.conv_in, sampler.frozen.vae.decoder.conv_out
    seen: dict[Any, torch.dtype] = {}
    hooks = [layer.register_forward_hook(lambda own, _, out: seen.update({own: out.dtype})) for layer in layers]
    real = Seed(("real",)).numpy().integers(0, 256, (3, 3, 32, 32)).astype(np.uint8)
    sampler.sample(3, condition=CAPTIONS, bias=0.5, seed=SEED, begin=Begin(real, 0.7))
    for hook in hooks:
        hook.remove()
    assert [seen[layer] for layer in layers] == [torch.bfloat16, torch.float32, torch.float32]
    assert sampler.sample(3, condition=CAPTIONS, bias=1.0, seed=SEED).shape == (3, 3, 32, 32)
    assert "forward" not in vars(sampler.network)


# ── against diffusers ────────────────────────────────────────────────────────


@pytest.mark.parametrize("bias", [1.0, 0.5])
def test_samples_are_those_of_the_pipeline_called_directly(checkpoint, bias) -> None:
    drawn = founder(checkpoint).sample(3, condition=CAPTIONS, bias=bias, seed=SEED)
    direct = pipeline(StableDiffusionPipeline, checkpoint)(
        CAPTIONS.tolist(), guidance_scale=1 / bias, num_inference_steps=4, generator=streams(3), output_type="np"
    )
    assert drawn.shape == (3, 3, 32, 32)
    np.testing.assert_allclose(drawn.astype(int), bytes_of(direct.images), atol=1)


def test_images_from_images_are_those_of_the_pipeline_called_directly(checkpoint) -> None:
    real = Seed(("real",)).numpy().integers(0, 256, (3, 3, 32, 32)).astype(np.uint8)
    drawn = founder(checkpoint).sample(3, condition=CAPTIONS, bias=0.5, seed=SEED, begin=Begin(real, 0.7))
    direct = pipeline(StableDiffusionImg2ImgPipeline, checkpoint)(
        CAPTIONS.tolist(), image=[Image.fromarray(each.transpose(1, 2, 0)) for each in real], strength=0.7,
        guidance_scale=2.0, num_inference_steps=4, generator=streams(3), output_type="np",
    )  # fmt: skip
    np.testing.assert_allclose(drawn.astype(int), bytes_of(direct.images), atol=1)


def test_guidance_leads_where_the_papers_formula_says(checkpoint) -> None:
    """(1 + w) · the text's answer − w · the answer without one, w = 1/λ − 1 (Ho and Salimans 2022), in a DDIM step."""
    sampler, bias = founder(checkpoint, sampling_steps=1, together=1), 0.4
    seen: list[torch.Tensor] = []
    watched = sampler.plain.unet.register_forward_hook(lambda _, given, answer: seen.append(answer[0]))
    latents: list[torch.Tensor] = []
    decode = sampler.frozen.vae.decode
    try:
        sampler.frozen.vae.decode = lambda z, **others: latents.append(z) or decode(z, **others)
        sampler.sample(1, condition=CAPTIONS[:1], bias=bias, seed=SEED)
    finally:
        watched.remove()
        del sampler.frozen.vae.decode
    untold, told = seen[0].chunk(2)
    assert float((told - untold).abs().max()) > 1e-3
    w = 1 / bias - 1
    guided = (1 + w) * told - w * untold
    start = torch.randn((1, 4, 8, 8), generator=stream(SEED, 0))
    scheduler = sampler.plain.scheduler
    level, last = scheduler.timesteps[0], scheduler.final_alpha_cumprod
    kept = scheduler.alphas_cumprod[level]
    clean, noise = kept.sqrt() * start - (1 - kept).sqrt() * guided, kept.sqrt() * guided + (1 - kept).sqrt() * start
    end = last.sqrt() * clean + (1 - last).sqrt() * noise
    torch.testing.assert_close(latents[0] * sampler.frozen.scaling, end, atol=1e-4, rtol=1e-4)


def test_without_guidance_a_step_is_one_look(turbo) -> None:
    sampler, looks = founder(turbo, sampling_steps=1), []
    sampler.network.register_forward_hook(lambda _, given, answer: looks.append(len(given[0])))
    drawn = sampler.sample(3, condition=CAPTIONS, bias=1.0, seed=SEED)
    assert looks == [3]
    direct = pipeline(StableDiffusionPipeline, turbo)(
        CAPTIONS.tolist(), guidance_scale=0.0, num_inference_steps=1, generator=streams(3), output_type="np"
    )
    np.testing.assert_allclose(drawn.astype(int), bytes_of(direct.images), atol=1)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_draws_with_every_prediction_that_it_says_it_can(checkpoint, name) -> None:
    for prediction in SCHEDULERS[name].predicts:
        sampler = founder(checkpoint, scheduler=name)
        sampler.frozen = _predicting(sampler.frozen, prediction)
        drawn = sampler.sample(2, condition=CAPTIONS[:2], bias=1.0, seed=SEED)
        assert drawn.std() > 5
        begun = sampler.sample(2, condition=CAPTIONS[:2], bias=1.0, seed=SEED, begin=Begin(drawn, 0.5))
        assert not np.array_equal(begun, drawn)


def _predicting(frozen: Any, prediction: str) -> Any:
    """The same frozen parts of a checkpoint that says it predicts something else."""
    other = object.__new__(type(frozen))
    tables = frozen.checkpoint.tables
    told = {**tables["scheduler"], "prediction_type": prediction}
    vars(other).update(vars(frozen), checkpoint=replace(frozen.checkpoint, tables={**tables, "scheduler": told}))
    return other


def test_a_scheduler_by_name_has_the_checkpoints_noise(checkpoint) -> None:
    scheduler = founder(checkpoint, scheduler="dpm-solver++").plain.scheduler
    assert isinstance(scheduler, DPMSolverMultistepScheduler)
    assert scheduler.config.algorithm_type == "dpmsolver++"
    own = {"beta_start": 0.00085, "beta_end": 0.012, "prediction_type": "v_prediction", "steps_offset": 1}
    assert {name: scheduler.config[name] for name in own} == own


# ── one sample and its neighbours ────────────────────────────────────────────


@pytest.mark.parametrize("name", ["checkpoint", "euler-ancestral"])
def test_a_sample_is_the_same_however_many_are_drawn(checkpoint, name) -> None:
    sampler, many = founder(checkpoint, scheduler=name), np.tile(CAPTIONS, 3)
    whole = sampler.sample(8, condition=many[:8], bias=0.5, seed=SEED)
    np.testing.assert_array_equal(sampler.sample(4, condition=many[:4], bias=0.5, seed=SEED), whole[:4])
    assert sampler.sample(0, condition=many[:0], bias=0.5, seed=SEED).shape == (0, 3, 32, 32)
    assert len({each.tobytes() for each in whole}) == 8


def test_a_sample_hardly_minds_its_neighbours_and_how_many_they_are(checkpoint) -> None:
    one = founder(checkpoint, together=1).sample(3, condition=CAPTIONS, bias=0.5, seed=SEED)
    others = np.array([CAPTIONS[0], "x", "y"])
    three = founder(checkpoint, together=3).sample(3, condition=others, bias=0.5, seed=SEED)
    np.testing.assert_allclose(three[0].astype(int), one[0], atol=1)


def test_a_weak_image_to_image_gives_the_autoencoders_images_back(checkpoint) -> None:
    sampler = founder(checkpoint, sampling_steps=10)
    real = np.repeat(np.arange(0, 256, 8, np.uint8), 32).reshape(1, 1, 32, 32).repeat(3, 1).repeat(3, 0)
    pixels = torch.from_numpy(real).float() / 127.5 - 1
    with torch.no_grad():
        found = sampler.frozen.vae.encode(pixels).latent_dist
        rebuilt = sampler.frozen.vae.decode(torch.cat([found.mean[i : i + 1] + found.std[i : i + 1] * torch.randn(
            (1, 4, 8, 8), generator=stream(SEED, i)) for i in range(3)])).sample  # fmt: skip
    rebuilt = (rebuilt / 2 + 0.5).clamp(0, 1).numpy() * 255
    gaps = [
        np.abs(sampler.sample(3, condition=CAPTIONS, bias=1.0, seed=SEED, begin=Begin(real, s)) - rebuilt).mean()
        for s in (0.001, 0.5, 1.0)
    ]
    assert gaps[0] < gaps[1] / 3 < gaps[1] < gaps[2]


# ── what is saved ────────────────────────────────────────────────────────────


def test_an_untouched_founder_saves_facts_and_no_weights(checkpoint, tmp_path, draw) -> None:
    sampler = founder(checkpoint)
    sampler.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]
    assert (tmp_path / "facts.json").stat().st_size < 1000
    again = LatentDiffusion(checkpoint=str(checkpoint)).load(tmp_path)  # a sampler knows how it draws
    np.testing.assert_array_equal(draw(again, 3, CAPTIONS), draw(sampler, 3, CAPTIONS))


def test_nothing_is_printed(checkpoint, capfd) -> None:
    founder(checkpoint).sample(2, condition=CAPTIONS[:2], bias=0.5, seed=SEED)
    assert capfd.readouterr() == ("", "")


# ── a loop ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Halves(Collection):
    """Images of 32 × 32 whose left half has a colour, and a caption that tells which."""

    name = "halves"
    space = "images"

    def size(self, split: str) -> int:
        return 12 if split == "train" else 8

    def conditions(self, split: str) -> np.ndarray:
        return np.array(["a red half", "a green half"])[np.arange(self.size(split)) % 2]

    def load(self, split: str) -> np.ndarray:
        n = self.size(split)
        images = Seed(("halves", split)).numpy().integers(0, 90, (n, 3, 32, 32))
        images[np.arange(n), np.arange(n) % 2, :, :16] += 160
        return images.astype(np.uint8)


def loop(checkpoint: Path) -> Mapping[str, Any]:
    model = LatentDiffusion(checkpoint=str(checkpoint), steps=3, learning_rate=1e-3, sampling_steps=3, together=12)
    base = {
        "source": Halves(), "model": model, "per_group": 4, "founder": "pretrained", "seeding": 0.7, "bias": 0.5,
        "start": "previous", "probes": {"other": {"conditions": ["a dog walker in a field"], "each": 2}}, "gallery": 2,
        "metrics": [{"use": "frechet", "encoder": "pixels"}],
    }  # fmt: skip
    arms = {"closed": {"loop": "fully-synthetic"}, "quarter": {"loop": {"use": "fixed-share", "synthetic": 0.25}}}
    return {"generations": 5, "base": base, "arms": arms}


def test_five_generations_change_the_unet_and_nothing_else(checkpoint, tmp_path) -> None:
    before = {path: path.read_bytes() for path in checkpoint.rglob("*.*")}
    run = Experiment.of(loop(checkpoint)).run(tmp_path)
    assert run.failures == [] == run.diverged
    assert run.plan.distinct_fits == 11  # one founder for both arms
    samplers = [run.sampler("closed", 0, generation) for generation in (0, 5)]
    for sampler in samplers:
        saved = load_file(checkpoint / "vae/diffusion_pytorch_model.safetensors")
        assert all(torch.equal(saved[n], each) for n, each in sampler.frozen.vae.state_dict().items())
        saved = load_file(checkpoint / "text_encoder/model.safetensors")
        assert all(torch.equal(saved[n], each) for n, each in sampler.frozen.texts.state_dict().items())
    first, last = (sampler.network.state_dict() for sampler in samplers)
    assert sum(not torch.equal(first[name], last[name]) for name in first) > 0.9 * len(first)
    assert {path: path.read_bytes() for path in checkpoint.rglob("*.*")} == before
    founders = run.samples("closed", 0, 0)
    assert founders.samples.shape == (8, 3, 32, 32)
    assert sorted(set(founders.condition.tolist())) == ["a green half", "a red half"]
    fits = [path for path in (tmp_path / "artefacts").rglob("unet") if path.is_dir()]
    assert 0 < len(fits) < 11  # none of the founder's, of which only facts are kept
    again = Experiment.of(loop(checkpoint)).run(tmp_path)
    assert again.computed == 0


def test_what_it_refuses_and_is_known_by_loads_none_of_the_heavy_packages(checkpoint) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from autophagy.core.catalog import build; from autophagy.core.identity import part_key;"
        f"m = build('model', {{'use': 'latent-diffusion', 'checkpoint': {str(checkpoint)!r}}});"
        "assert m.objection(None, m) is None; part_key(m); m.lacking();"
        "print([n for n in ('torch', 'diffusers', 'transformers', 'peft', 'huggingface_hub') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shipped_tables_fit_what_the_names_say() -> None:
    for table in TABLES.values():
        assert unfit("checkpoint", table, 50) is None
