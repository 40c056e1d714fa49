"""A small CLIP with random weights, in the layout of the published ones, for trying parts on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SIDE = 28  # pixels of the images it sees
LENGTH = 16  # tokens of a text
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
MERGES = [("r", "e"), ("re", "d</w>"), ("o", "f</w>"), ("p", "h"), ("t", "o</w>")]
VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": SIDE, "patch_size": 7}
TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def clip(folder: Path, *, seed: int = 0) -> Path:
    """Writes a checkpoint of about 30,000 random weights with its tokenizer; returns the folder. Needs transformers.

    Texts are read letter by letter, but for a few that are merged, as vocab.json and merges.txt say.
    """
    import torch
    from transformers import CLIPConfig, CLIPModel

    numbers = tokens()
    last = len(numbers) - 1
    ends = {"vocab_size": len(numbers), "bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last}
    text = {**TEXT, **ends, "max_position_embeddings": LENGTH}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = CLIPModel(
            CLIPConfig(text_config=text, vision_config={**VISION, "intermediate_size": 64}, projection_dim=24)
        )
        for weight in model.parameters():  # so that nothing stays at a constant it was set to
            weight.data += 0.1 * torch.randn_like(weight)
    model.save_pretrained(folder)
    _write(folder / "preprocessor_config.json", _processor())
    _write(folder / "vocab.json", numbers)
    lines = ["#version: 0.2", *(" ".join(pair) for pair in MERGES)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def tokens() -> dict[str, int]:
    """Every printable letter, inside a word and at its end, the merges, and the two marks."""
    letters = [chr(code) for code in range(33, 127)]
    merged = ["".join(pair) for pair in MERGES]
    names = [*letters, *(f"{letter}</w>" for letter in letters), *merged, "<|startoftext|>", "<|endoftext|>"]
    return {name: number for number, name in enumerate(names)}


def _processor() -> dict[str, Any]:
    """In the published checkpoints' format, which is an old one."""
    does = {"do_center_crop": True, "do_normalize": True, "do_resize": True, "resample": 3}
    sizes = {"size": SIDE, "crop_size": SIDE, "image_mean": MEAN, "image_std": STD}
    return {**does, **sizes, "feature_extractor_type": "CLIPFeatureExtractor"}


def _write(path: Path, table: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(table), encoding="utf-8")
