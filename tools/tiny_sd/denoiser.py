"""The denoiser of `tiny-sd`: a U-Net with cross-attention to the caption, on the autoencoder's numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPModel, CLIPTokenizer

from autophagy.core.seeds import Seed
from autophagy.training import Batches, Player, Task, first_weights

from .data import photographs, trained_on
from .parts import SEED, Place, player, tensor
from .tokenizer import LENGTH, write

STEPS, BATCH, RATE = 6000, 64, 1.5e-3
CHANNELS = (48, 96)
UNTOLD = 0.1  # share of the images whose caption is not told, so that guidance has something to lead away from
CLAMP = 5.0  # of the signal-to-noise ratio that weighs a loss (Hang et al. 2023)
AVERAGE = 0.999


def train(place: Place) -> None:
    images, captions = photographs("train", place.garments)
    seen = trained_on(captions)
    texts, member = np.unique(captions[seen], return_inverse=True)
    tokenizer, text_encoder = text_parts(place)
    vae: Any = AutoencoderKL.from_pretrained(place.sd / "vae", local_files_only=True)
    torch.set_num_threads(place.threads)
    mean, std = _latents(vae, images[seen])
    tokens = tokenizer([*texts.tolist(), ""], padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids
    with torch.inference_mode():
        told = text_encoder(tokens)[0].clone()  # (texts + 1, LENGTH, width)
    with first_weights(SEED.child("denoiser")):
        network = made(told.shape[-1])
    batches = Batches(len(mean), BATCH, SEED.child("denoiser", "order"))
    learner = player(network, STEPS, RATE, average=AVERAGE)
    scheduler = noise_levels()
    place.train("denoiser", Denoising(learner, mean, std, member, told, batches, scheduler), STEPS)
    if learner.average is None:
        raise RuntimeError("the denoiser is averaged")
    final: Any = learner.average.network
    pipeline: Any = StableDiffusionPipeline(
        vae, text_encoder, tokenizer, final, scheduler, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(place.sd, safe_serialization=True)
    _without_paths(place.sd / "vae" / "config.json")
    write(place.sd / "tokenizer")  # vocab.json and merges.txt too, which the library no longer writes


def _without_paths(config: Path) -> None:
    """Settings without the folder they were once read from, which the library notes."""
    told = json.loads(config.read_text(encoding="utf-8"))
    told.pop("_name_or_path", None)
    config.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def text_parts(place: Place) -> tuple[CLIPTokenizer, Any]:
    """The text half of `tiny-clip`, as Stable Diffusion has CLIP's."""
    whole: Any = CLIPModel.from_pretrained(place.clip, local_files_only=True)
    return CLIPTokenizer.from_pretrained(place.clip, local_files_only=True), whole.text_model.eval()


def noise_levels() -> Any:
    """Stable Diffusion 2.1's: a thousand levels, of which the network tells the velocity."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
    )


def made(width: int) -> Any:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=width,
        attention_head_dim=4,
        norm_num_groups=8,
        use_linear_projection=True,
    )


def _latents(vae: Any, images: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every image's code, scaled, `(n, 4, 8, 8)` each."""
    means, spreads = [], []
    with torch.inference_mode():
        for first in range(0, len(images), 500):
            code: Any = vae.encode(tensor(images[first : first + 500])).latent_dist
            means.append(code.mean * vae.config.scaling_factor)
            spreads.append(code.std * vae.config.scaling_factor)
    return torch.cat(means).clone(), torch.cat(spreads).clone()


@dataclass
class Denoising(Task):
    """Learns the velocity at every noise level, given the caption or, now and then, none."""

    player: Player
    mean: Tensor
    std: Tensor
    member: np.ndarray
    told: Tensor
    batches: Batches
    scheduler: Any

    def state(self) -> Mapping[str, Player]:
        return {"denoiser": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        rows, rng = self.batches.rows(number), seed.numpy()
        shape = (len(rows), *self.mean.shape[1:])
        clean = self.mean[rows] + self.std[rows] * torch.from_numpy(rng.standard_normal(shape, np.float32))
        noise = torch.from_numpy(rng.standard_normal(shape, np.float32))
        level = torch.from_numpy(rng.integers(0, 1000, len(rows)))
        which = np.where(rng.random(len(rows)) < UNTOLD, len(self.told) - 1, self.member[rows])
        noisy = self.scheduler.add_noise(clean, noise, level)
        target = self.scheduler.get_velocity(clean, noise, level)
        signal = self.scheduler.alphas_cumprod[level]
        ratio = signal / (1 - signal)
        weight = ratio.clamp(max=CLAMP) / (ratio + 1)
        text = self.told[which]

        def loss(some: slice) -> Tensor:
            answer = self.player.network(noisy[some], level[some], text[some]).sample
            gap = F.mse_loss(answer, target[some], reduction="none").mean((1, 2, 3))
            total: Tensor = (weight[some] * gap).mean()
            return total

        return {"loss": self.player.descend(len(rows), loss)}
