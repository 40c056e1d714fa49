"""A fit of a language model: ask the network what comes next in a batch of rows, step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autophagy.core.seeds import Seed
from autophagy.training import Batches, Player, Task, autocast, first_weights, moved
from autophagy.training.machine import Precision

from ._language_rows import Rows

NOTHING = -100  # a place whose token is not asked for


@dataclass
class FineTuning(Task):
    """Moves the network's weights, or its adapters'.

    Attributes:
        player: what is trained, and its optimiser.
        network: what is asked; holds what is trained.
        rows: to learn.
        batches: of rows.
        precision: of products.
    """

    player: Player
    network: Any
    rows: Rows
    batches: Batches
    precision: Precision

    def state(self) -> Mapping[str, Player]:
        return {"network": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        """The loss is the mean over all tokens of the batch, as transformers' Trainer has it."""
        device = self.network.device
        batch = self.rows.take(self.batches.rows(number))
        asked = int((batch.lengths - 1).sum())

        def loss(some: slice) -> Tensor:
            piece = batch.take(np.arange(len(batch))[some]).cut()
            tokens = moved(piece.tokens.astype(np.int64), device)
            with first_weights(seed.child("dropout", some.start), device), autocast(self.precision, device):
                logits = self.network(input_ids=tokens, use_cache=False).logits
            total = summed(logits, wanted(piece, device))
            return total / asked * (len(batch) / len(piece))  # a piece's weight in the batch is its share of rows

        return {"loss": self.player.descend(len(batch), loss)}


def wanted(rows: Rows, device: torch.device) -> Tensor:
    """`(n, width − 1)` the token that comes after each place; NOTHING after a row's end."""
    places = np.arange(1, rows.tokens.shape[1])
    found = np.where(places < rows.lengths[:, None], rows.tokens[:, 1:], NOTHING)
    return moved(found.astype(np.int64), device)


def summed(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in nats, summed over the places that are asked for; `(n, width, tokens)` and `(n, width − 1)`."""
    flat = logits[:, :-1].reshape(-1, logits.shape[-1]).float()
    return F.cross_entropy(flat, labels.reshape(-1), ignore_index=NOTHING, reduction="sum")


def optimiser_of(trained: nn.Module, rate: float, decay: float) -> torch.optim.AdamW:
    """AdamW that lets biases and norms decay as little as transformers' Trainer does: not at all."""
    weights = [each for each in trained.parameters() if each.requires_grad]
    groups = [
        {"params": [each for each in weights if each.dim() > 1], "weight_decay": decay},
        {"params": [each for each in weights if each.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], rate, fused=True)
