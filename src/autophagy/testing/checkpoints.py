"""Small text-to-image checkpoints with random weights, in the exact layout of Stable Diffusion 2.1 and SD-Turbo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from autophagy.checkpoints.guards import quiet_transformers

Prediction = Literal["epsilon", "v_prediction", "sample"]
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
SCHEDULERS: Mapping[str, Mapping[str, Any]] = {
    "stable-diffusion": {
        "_class_name": "DDIMScheduler", **NOISE, "clip_sample": False, "set_alpha_to_one": False,
        "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
    },
    "turbo": {"_class_name": "EulerDiscreteScheduler", **NOISE, "steps_offset": 1, "timestep_spacing": "trailing"},
}  # fmt: skip
LENGTH = 77  # tokens of a text


def stable_diffusion(
    folder: Path,
    *,
    prediction: Prediction = "v_prediction",
    kind: Literal["stable-diffusion", "turbo"] = "stable-diffusion",
    side: int = 32,
    unet: tuple[int, ...] = (16, 32),
    vae: tuple[int, ...] = (8, 8, 16),
    text: int = 32,
    heads: int | tuple[int, ...] = 8,
    seed: int = 0,
) -> Path:
    """Writes a checkpoint with random weights, 300,000 if no more is asked for; returns the folder.

    `unet` and `vae` are channels at each resolution, `text` is the width of a text's states, `heads` how many attention
    has, at each resolution if they differ. The autoencoder makes 8 × 8 of 32 × 32 pixels; texts are read letter by
    letter. Needs diffusers and transformers.
    """
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    unet_kind: Any = UNet2DConditionModel  # untyped, as the next
    vae_kind: Any = AutoencoderKL
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        words = _tokenizer(folder / "tokenizer")
        denoiser: Any = unet_kind(
            sample_size=side // 2 ** (len(vae) - 1), block_out_channels=unet, layers_per_block=1, norm_num_groups=8,
            down_block_types=("CrossAttnDownBlock2D",) * (len(unet) - 1) + ("DownBlock2D",),
            up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (len(unet) - 1),
            cross_attention_dim=text, attention_head_dim=heads, use_linear_projection=True,
        )  # fmt: skip
        coder: Any = vae_kind(
            block_out_channels=vae, layers_per_block=1, norm_num_groups=4, sample_size=side,
            down_block_types=("DownEncoderBlock2D",) * len(vae), up_block_types=("UpDecoderBlock2D",) * len(vae),
        )  # fmt: skip
        reader: Any = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=words, hidden_size=text, intermediate_size=2 * text, num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=LENGTH, bos_token_id=words - 2, eos_token_id=words - 1, pad_token_id=0,
            )
        )  # fmt: skip
        for weight in reader.parameters():  # so that texts differ by more than the small numbers they begin with
            weight.data += 0.2 * torch.randn_like(weight)
    with quiet_transformers():
        for name, part in (("unet", denoiser), ("vae", coder), ("text_encoder", reader)):
            part.save_pretrained(folder / name)
    _write(folder / "scheduler/scheduler_config.json", {**SCHEDULERS[kind], "prediction_type": prediction})
    _write(folder / "feature_extractor/preprocessor_config.json", {"feature_extractor_type": "CLIPImageProcessor"})
    _write(folder / "model_index.json", _index(str(SCHEDULERS[kind]["_class_name"])))
    return folder


def _index(scheduler: str) -> dict[str, Any]:
    return {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.8.0",
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }


def _tokenizer(folder: Path) -> int:
    """Writes CLIP's four files with every printable letter as a token, inside a word and at its end."""
    letters = [chr(code) for code in range(33, 127)]
    names = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    _write(folder / "vocab.json", {name: number for number, name in enumerate(names)})
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    _write(folder / "special_tokens_map.json", {**special, "pad_token": "!"})
    told = {"tokenizer_class": "CLIPTokenizer", "model_max_length": LENGTH, "do_lower_case": True, "pad_token": "!"}
    _write(folder / "tokenizer_config.json", {**told, **special})
    return len(names)


def _write(path: Path, table: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table), encoding="utf-8")
