"""Adapters of low rank beside a language model's layers (Hu et al. 2022), through peft; the network stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers.pytorch_utils import Conv1D

from autophagy.core.errors import ConfigError, Damaged, listed
from autophagy.core.seeds import Seed
from autophagy.training import first_weights

from ._language_network import quiet
from ._trained import shapes

WEIGHTS = "adapters.safetensors"


def with_adapters(network: Any, rank: int, alpha: float, targets: Sequence[str], seed: Seed) -> Any:
    """Gives a network adapters that at first change nothing. Raises ConfigError where it has no such layers."""
    kinds = (nn.Linear, Conv1D)  # the other is GPT-2's, a linear layer with its matrix the other way round
    known = {name.rpartition(".")[2] for name, each in network.named_modules() if isinstance(each, kinds)}
    if absent := [name for name in targets if name not in known]:
        raise ConfigError(f"targets must be among {listed(known)}, which the network has, but has {absent[0]!r}.")
    settings = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets))
    with first_weights(seed), quiet():
        network.add_adapter(settings)
    return only_adapters(network)


def only_adapters(network: Any) -> Any:
    for name, weights in network.named_parameters():
        weights.requires_grad_("lora_" in name)
    return network


class Adapters(nn.Module):
    """The adapters of a network, and nothing else of it: what is trained and kept in checkpoints."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.weights = nn.ParameterList([each for name, each in network.named_parameters() if "lora_" in name])


def save_adapters(network: Any, folder: Path) -> None:
    save_file({name: each.detach().cpu().contiguous() for name, each in _own(network).items()}, folder / WEIGHTS)


def load_adapters(network: Any, rank: int, alpha: float, targets: Sequence[str], folder: Path) -> Any:
    """Gives a network saved adapters; raises Damaged where names or shapes are not those that are asked for."""
    with_adapters(network, rank, alpha, targets, Seed(("adapters",)))
    try:
        if {name: list(each.shape) for name, each in _own(network).items()} != shapes(folder, WEIGHTS):
            raise ValueError("other names or shapes")
        saved = load_file(folder / WEIGHTS)
        with torch.no_grad():
            for name, own in _own(network).items():
                own.copy_(saved[name])
    except (OSError, SafetensorError, RuntimeError, ValueError) as problem:
        raise Damaged(f"{WEIGHTS} does not hold adapters of rank {rank}: {problem}.") from None
    return network


def _own(network: Any) -> dict[str, nn.Parameter]:
    return {name: each for name, each in network.named_parameters() if "lora_" in name}
