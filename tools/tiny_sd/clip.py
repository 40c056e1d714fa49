"""`tiny-clip`: a text and an image transformer that learn which caption belongs to which photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from autophagy.core.seeds import Seed
from autophagy.training import Batches, Player, Task, first_weights

from .data import photographs
from .parts import SEED, Place, player, tensor
from .tokenizer import LENGTH, write

STEPS, BATCH, RATE = 2500, 64, 1e-3
SHIFT = 2  # pixels to any side, at most
WIDTH = {"text": 96, "image": 96}


def train(place: Place) -> None:
    tokenizer = write(place.clip)
    images, captions = photographs("train", place.garments)
    texts, member = np.unique(captions, return_inverse=True)
    with first_weights(SEED.child("clip")):
        network: Any = CLIPModel(_config(tokenizer))
    tokens = tokenizer(texts.tolist(), padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids
    batches = Batches(len(images), BATCH, SEED.child("clip", "order"))
    task = Contrasting(player(network, STEPS, RATE), images, member, tokens, batches)
    place.train("clip", task, STEPS)
    network.eval().save_pretrained(place.clip)
    _processor().save_pretrained(place.clip)


def _config(tokenizer: CLIPTokenizer) -> CLIPConfig:
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH["text"],
        "intermediate_size": 4 * WIDTH["text"],
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": LENGTH,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    image = {
        "hidden_size": WIDTH["image"],
        "intermediate_size": 4 * WIDTH["image"],
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 4,
    }
    return CLIPConfig(text_config=text, vision_config=image, projection_dim=64)


def _processor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )


@dataclass
class Contrasting(Task):
    """Images find their caption among those of the batch, and captions their images (Radford et al. 2021).

    Captions repeat within a batch, so every image with the same words counts as right.
    """

    player: Player
    images: np.ndarray
    member: np.ndarray
    tokens: Tensor
    batches: Batches

    def state(self) -> Mapping[str, Player]:
        return {"clip": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        rows, rng = self.batches.rows(number), seed.numpy()
        dy, dx = rng.integers(-SHIFT, SHIFT + 1, 2)
        pixels = torch.roll(tensor(self.images[rows]), (int(dy), int(dx)), (2, 3))
        present, which = np.unique(self.member[rows], return_inverse=True)
        same = torch.from_numpy(which)

        def loss(some: slice) -> Tensor:
            model: Any = self.player.network
            seen = F.normalize(model.get_image_features(pixels[some]).pooler_output, dim=-1)
            read = F.normalize(model.get_text_features(self.tokens[present]).pooler_output, dim=-1)
            logits = model.logit_scale.exp().clamp(max=100) * seen @ read.T  # (images, captions present)
            given_image = F.cross_entropy(logits, same[some])
            share = F.one_hot(same[some], len(present)).float()
            share = share / share.sum(0, keepdim=True).clamp(min=1)
            given_text = -(share * logits.log_softmax(0)).sum(0).mean()
            total: Tensor = (given_image + given_text) / 2
            return total

        return {"loss": self.player.descend(len(rows), loss)}
