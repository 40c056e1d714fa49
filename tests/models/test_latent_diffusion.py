"""Model `latent-diffusion`: a fit is `train_text_to_image.py`'s, and nothing but the U-Net changes.

Checkpoints are small, random and in Stable Diffusion 2.1's layout.
"""

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
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.training_utils import compute_snr
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTokenizer

from autophagy.core.errors import Diverged
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models import _latent_cache
from autophagy.models._latent_parts import frozen
from autophagy.models._latent_task import Chance
from autophagy.models.latent_diffusion import LatentDiffusion
from autophagy.testing import check, toys
from autophagy.testing.checkpoints import stable_diffusion
from autophagy.training import Batches, rate

SEED = Seed(("fit",))
COLOURS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A checkpoint for each prediction type."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {kind: stable_diffusion(folder / kind, prediction=kind) for kind in ("v_prediction", "epsilon", "sample")}


def small(checkpoint: Path, **settings: Any) -> LatentDiffusion:
    """For 50 steps on the 16 photographs."""
    return replace(
        LatentDiffusion(checkpoint=str(checkpoint), batch=4, steps=50, learning_rate=1e-4, sampling_steps=4), **settings
    )


def photographs(n: int = 16) -> Pool:
    """RGB images `(n, 3, 32, 32)` that are mostly of their caption's colour, and not their mirror images."""
    rng, colour = Seed(("photographs",)).numpy(), np.arange(n) % 3
    images = rng.integers(0, 90, (n, 3, 32, 32))
    images[np.arange(n), colour, :, :16] += 160
    captions = np.array([f"a photo of a {name} half" for name in COLOURS])[colour]
    return Pool.born(images.astype(np.uint8), Origin("real", REAL_DATA), condition=captions)


def fitted(model: LatentDiffusion, pool: Pool | None = None, **others: Any) -> Any:
    settings = {"start": None, "seed": SEED, "workspace": toys.workspace(), **others}
    return model.fit(pool or photographs(), **settings)


# ── the published loop ───────────────────────────────────────────────────────


def plain_losses(folder: Path, model: LatentDiffusion, pool: Pool) -> list[float]:
    """As the published script trains: every step asks autoencoder and text encoder, of that step's images and texts."""
    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae")
    texts = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder")
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").train()
    scheduler = DDPMScheduler.from_pretrained(folder, subfolder="scheduler")
    adamw = {"betas": (0.9, 0.999), "eps": 1e-8}
    kind, own = (torch.optim.AdamW, adamw) if model.optimiser == "adamw" else (torch.optim.SGD, {})
    optimiser = kind(unet.parameters(), lr=model.learning_rate, weight_decay=model.weight_decay, **own)
    order, losses = Batches(len(pool), model.batch, SEED.child("order")), []
    for step in range(model.steps):
        rows = order.rows(step)
        chance = Chance.of(SEED.child("step", step), (len(rows), 4, 8, 8), 1000)
        pixels = torch.from_numpy(pool.samples[rows]).float() / 127.5 - 1
        turned = torch.from_numpy(chance.is_mirrored)[:, None, None, None] & torch.tensor(model.flip)
        pixels = torch.where(turned, pixels.flip(-1), pixels)
        with torch.no_grad():
            found = vae.encode(pixels).latent_dist
            latents = (found.mean + found.std * torch.from_numpy(chance.posterior)) * vae.config.scaling_factor
            asked = tokenizer(pool.condition[rows].tolist(), padding="max_length", truncation=True, return_tensors="pt")
            states = texts(asked.input_ids, return_dict=False)[0]
        noise, level = torch.from_numpy(chance.noise), torch.from_numpy(chance.level)
        prediction = scheduler.config.prediction_type
        velocity = scheduler.get_velocity(latents, noise, level)
        target = {"epsilon": noise, "v_prediction": velocity, "sample": latents}[prediction]
        answer = unet(scheduler.add_noise(latents, noise, level), level, states, return_dict=False)[0]
        if model.snr_gamma is None:
            loss = F.mse_loss(answer, target)
        else:
            snr = compute_snr(scheduler, level)
            weight = torch.stack([snr, model.snr_gamma * torch.ones_like(snr)], dim=1).min(dim=1)[0]
            weight = weight / {"epsilon": snr, "v_prediction": snr + 1, "sample": 1}[prediction]
            loss = (F.mse_loss(answer, target, reduction="none").mean(dim=(1, 2, 3)) * weight).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("prediction", "settings"),
    [
        ("v_prediction", {}),
        ("epsilon", {"snr_gamma": 5.0, "steps": 12}),
        ("sample", {"flip": False, "optimiser": "sgd", "learning_rate": 1e-2, "steps": 12}),
    ],
)
def test_the_loss_is_that_of_the_published_loop(checkpoints, prediction, settings) -> None:
    """Autoencoder and text encoder run once here and in every step there; the noise is the same."""
    model = small(checkpoints[prediction], **settings)
    ours = fitted(model).facts["losses"]["loss"]
    theirs = plain_losses(checkpoints[prediction], model, photographs())
    assert len(ours) == len(theirs) == model.steps
    assert np.ptp(theirs) > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_rates_go_as_diffusers_schedules_do() -> None:
    from diffusers.optimization import get_scheduler

    names = {"constant-with-warmup": "constant_with_warmup", "cosine": "cosine", "linear": "linear"}
    for ours, theirs in names.items():
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        published = get_scheduler(theirs, optimiser, num_warmup_steps=7, num_training_steps=40)
        factor = rate(ours, 7, 40)
        for step in range(40):
            assert factor(step) == pytest.approx(optimiser.param_groups[0]["lr"], abs=1e-12)
            optimiser.step()
            published.step()
    assert rate("constant", 7, 40) is None


def test_pieces_of_a_batch_are_its_gradient(checkpoints) -> None:
    whole, pieces = (fitted(small(checkpoints["epsilon"], steps=6, micro=micro)) for micro in (None, 3))
    np.testing.assert_allclose(whole.facts["losses"]["loss"], pieces.facts["losses"]["loss"], rtol=1e-5)


def test_an_average_is_drawn_from_where_it_is_asked_for(checkpoints) -> None:
    """With no memory it is the weights themselves; with a long one it stays near where it began."""
    last, forgetful, slow = (
        fitted(small(checkpoints["epsilon"], steps=12, learning_rate=1e-3, average=decay))
        for decay in (None, 0.0, 0.99)
    )
    own = unet_of(checkpoints["epsilon"])
    assert distance(last, forgetful) == 0
    assert 0 < distance(slow, own) < distance(last, own)


def unet_of(folder: Path) -> Any:
    return LatentDiffusion(checkpoint=str(folder)).founder()


def distance(one: Any, other: Any) -> float:
    pairs = zip(one.network.parameters(), other.network.parameters(), strict=True)
    return sum(float((a - b).square().sum()) for a, b in pairs) ** 0.5


# ── what is worked out once ──────────────────────────────────────────────────


def test_large_tables_lie_in_a_file_and_are_found_again(checkpoints, tmp_path, monkeypatch) -> None:
    model, pool = small(checkpoints["epsilon"]), photographs()
    beside = frozen(model._described(), model.content())
    in_memory = _latent_cache.posteriors(beside, pool.samples, mirrored=True, workspace=toys.workspace())
    monkeypatch.setattr(_latent_cache, "LARGE", 0)
    workspace = Workspace(lambda: tmp_path)
    in_file = _latent_cache.posteriors(beside, pool.samples, mirrored=True, workspace=workspace)
    assert isinstance(in_file, np.memmap)
    np.testing.assert_array_equal(in_file, in_memory)
    monkeypatch.setattr(type(beside), "posterior", lambda *_: pytest.fail("it was worked out again"))
    again = _latent_cache.posteriors(beside, pool.samples, mirrored=True, workspace=workspace)
    np.testing.assert_array_equal(again, in_memory)


def test_a_mirror_image_has_a_posterior_of_its_own(checkpoints) -> None:
    model, pool = small(checkpoints["epsilon"]), photographs()
    beside = frozen(model._described(), model.content())
    table = _latent_cache.posteriors(beside, pool.samples, mirrored=True, workspace=toys.workspace())
    turned = _latent_cache.posteriors(beside, pool.samples[..., ::-1], mirrored=False, workspace=toys.workspace())
    np.testing.assert_allclose(table[:, 1], turned[:, 0], atol=1e-6)
    assert np.abs(table[:, 1, 0] - table[:, 0, 0, ..., ::-1]).max() > 0.01  # not the posterior's own mirror image


# ── long fits ────────────────────────────────────────────────────────────────

CHILD = """
import os, signal, sys
sys.path.insert(0, {place!r})
from pathlib import Path
from test_latent_diffusion import fitted, small, within
def progress(done, total, note):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
fitted(small(Path({checkpoint!r}), steps=8, average=0.5), workspace=within(Path({folder!r}), progress))
"""


def within(folder: Path, progress: Any) -> Workspace:
    """A workspace that keeps a checkpoint after every step."""
    return Workspace(lambda: folder, Machine("cpu", 0.0), progress)


def test_a_fit_killed_in_the_middle_ends_in_the_same_bytes(checkpoints, tmp_path) -> None:
    model = small(checkpoints["v_prediction"], steps=8, average=0.5)
    for name in ("one", "two", "work"):
        (tmp_path / name).mkdir()
    fitted(model).save(tmp_path / "one")
    place, folder = str(Path(__file__).parent), str(tmp_path / "work")
    code = CHILD.format(place=place, checkpoint=str(checkpoints["v_prediction"]), folder=folder)
    child = subprocess.run([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    assert child.returncode == -signal.SIGKILL
    seen: list[int] = []
    workspace = within(tmp_path / "work", lambda done, *_: seen.append(done))
    fitted(model, workspace=workspace).save(tmp_path / "two")
    assert seen == [6, 7, 8]  # it went on, and did not begin again
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path.name


def test_a_loss_that_is_no_number_is_named_by_its_step(checkpoints) -> None:
    with pytest.raises(Diverged, match=r"the loss 'loss' was .* at step [0-9]+ of 50"):
        fitted(small(checkpoints["epsilon"], optimiser="sgd", learning_rate=1e9, clip=None))


def test_how_much_disk_a_fit_takes_is_known_before(checkpoints, tmp_path) -> None:
    model = small(checkpoints["v_prediction"], steps=1)
    fitted(model).save(tmp_path)
    left = sum(path.stat().st_size for path in tmp_path.rglob("*.*"))
    assert model.stored_bytes() < left < 1.05 * model.stored_bytes() + 20_000
    assert small(checkpoints["v_prediction"], lora=4).stored_bytes() is None


# ── adapters ─────────────────────────────────────────────────────────────────


def test_adapters_learn_while_the_unet_stays(checkpoints, tmp_path, draw) -> None:
    """What is saved is theirs alone, in a file that diffusers' pipelines read."""
    folder, captions = checkpoints["v_prediction"], photographs().condition
    model = small(folder, lora=4, learning_rate=1e-2, steps=10)
    sampler = fitted(model)
    own, adapted = load_file(folder / "unet/diffusion_pytorch_model.safetensors"), sampler.network.state_dict()
    assert all(torch.equal(own[n], adapted[n] if n in adapted else adapted[_inner(n)]) for n in own)
    sampler.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["facts.json", "pytorch_lora_weights.safetensors"]
    assert (tmp_path / "pytorch_lora_weights.safetensors").stat().st_size < 100_000
    drawn = draw(sampler, 3, captions)
    np.testing.assert_array_equal(draw(model.load(tmp_path), 3, captions), drawn)
    founder = model.founder()
    assert not np.array_equal(draw(founder, 3, captions), drawn)
    founder.plain.load_lora_weights(tmp_path)
    np.testing.assert_allclose(draw(founder, 3, captions).astype(int), drawn, atol=1)
    further = fitted(model, start=model.load(tmp_path))
    assert further.facts["losses"]["loss"][0] < sampler.facts["losses"]["loss"][0]


def _inner(name: str) -> str:
    module, _, last = name.rpartition(".")
    return f"{module}.base_layer.{last}"


def test_it_keeps_the_claims_of_models(checkpoints) -> None:
    assert check(LatentDiffusion(checkpoint=str(checkpoints["v_prediction"]), steps=4, sampling_steps=2))
