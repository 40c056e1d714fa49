"""Adapters of low rank beside the U-Net's attention (Hu et al. 2022), through peft: the U-Net itself stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from autophagy.checkpoints.guards import quiet_transformers
from autophagy.core.errors import Damaged
from autophagy.core.seeds import Seed
from autophagy.training import first_weights

from ._latent_parts import quiet
from ._trained import shapes

with quiet_transformers():  # which tells who imports it that torchvision is not here
    from diffusers import StableDiffusionPipeline

WEIGHTS = "pytorch_lora_weights.safetensors"
PREFIX = "unet."
TARGETS = ("to_k", "to_q", "to_v", "to_out.0")


def with_adapters(unet: Any, rank: int, seed: Seed) -> Any:
    """Gives a U-Net adapters that at first change nothing, as `train_text_to_image_lora.py` does."""
    settings = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(TARGETS))
    with first_weights(seed), quiet():
        unet.add_adapter(settings)
    return unet


class Adapters(nn.Module):
    """The adapters of a U-Net, and nothing else of it: what is trained and kept in checkpoints."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.weights = nn.ParameterList([each for name, each in unet.named_parameters() if "lora_" in name])


def save_adapters(unet: Any, folder: Path) -> None:
    """Writes them as `load_lora_weights` of diffusers' pipelines reads them."""
    state = {name: each.detach().cpu().contiguous() for name, each in get_peft_model_state_dict(unet).items()}
    with quiet():
        StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=state, safe_serialization=True)


def load_adapters(unet: Any, rank: int, folder: Path) -> Any:
    """Gives a U-Net saved adapters; raises Damaged where names or shapes are not those that `rank` asks for."""
    with_adapters(unet, rank, Seed(("adapters",)))
    try:
        asked = {PREFIX + name: list(each.shape) for name, each in get_peft_model_state_dict(unet).items()}
        if asked != shapes(folder, WEIGHTS):
            raise ValueError("other names or shapes")
        state = {name.removeprefix(PREFIX): each.clone() for name, each in load_file(folder / WEIGHTS).items()}
        with torch.no_grad():
            set_peft_model_state_dict(unet, state)
    except (OSError, SafetensorError, RuntimeError, ValueError) as problem:
        raise Damaged(f"{WEIGHTS} does not hold adapters of rank {rank}: {problem}.") from None
    return unet
