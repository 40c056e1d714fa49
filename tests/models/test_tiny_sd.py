"""The text-to-image checkpoint in the package is small, whole, and draws what it is asked for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

import autophagy
from autophagy.core.catalog import build
from autophagy.core.parts import Begin, Sampler
from autophagy.core.seeds import Seed
from autophagy.sources._captions import DIGITS
from autophagy.sources._coloured import HUES, caption
from autophagy.sources.coloured_garments import GARMENTS

DATA = Path(autophagy.__file__).parent / "data"
MODEL = {"use": "latent-diffusion", "checkpoint": "tiny-sd", "scheduler": "dpm-solver++", "sampling_steps": 10}
# pairings that the denoiser never saw: the i-th thing lacks colour i of three (tools/tiny_sd/data.py)
UNSEEN = [caption(("yellow", "cyan", "purple")[i % 3], thing) for i, thing in enumerate((*DIGITS, *GARMENTS.values()))]


@lru_cache(maxsize=1)
def founder() -> Sampler:
    found: Sampler = build("model", {**MODEL, "together": 60}).founder()
    return found


def drawn(captions: list[str], each: int, bias: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    wanted = np.repeat(np.array(captions), each)
    return founder().sample(len(wanted), condition=wanted, bias=bias, seed=Seed(("test",))), wanted


def read(samples: np.ndarray, wanted: np.ndarray) -> float:
    reader = build("encoder", "coloured-things")
    answers, words = reader.answers(reader.encode(samples)), reader.words()
    seen = [
        caption(words["colour"][colour], words["thing"][thing])
        for colour, thing in zip(answers["colour"], answers["thing"], strict=True)
    ]
    return float(np.mean(np.array(seen) == wanted))


def test_both_checkpoints_are_small_and_hold_no_pickle() -> None:
    files = [path for name in ("tiny-sd", "tiny-clip") for path in (DATA / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6
    assert {path.suffix for path in files} <= {".json", ".txt", ".safetensors"}


def test_the_layout_is_stable_diffusions() -> None:
    names = {path.name for path in (DATA / "tiny-sd").iterdir()}
    assert {"model_index.json", "scheduler", "text_encoder", "tokenizer", "unet", "vae"} <= names


def test_it_draws_digits_in_the_colours_of_the_thirty_groups() -> None:
    captions = [caption(colour, thing) for colour in ("red", "green", "blue") for thing in DIGITS]
    assert read(*drawn(captions, 4)) >= 0.9


def test_it_draws_pairings_that_it_never_saw() -> None:
    assert read(*drawn(UNSEEN, 5)) >= 0.9  # 99.6 % of 450 in docs/tiny-sd.md


def test_image_to_image_keeps_what_a_photograph_shows_where_the_strength_is_small() -> None:
    source = build("source", "coloured-digits")
    real, captions = source.load("heldout")[:60], source.conditions("heldout")[:60]
    near, far = (
        founder().sample(60, condition=captions, bias=0.5, seed=Seed(("test",)), begin=Begin(real, strength))
        for strength in (0.2, 0.9)
    )
    gaps = [float(np.abs(some.astype(int) - real).mean()) for some in (near, far)]
    assert gaps[0] < 8  # of 255 grey levels
    assert gaps[0] < 0.5 * gaps[1]


@pytest.mark.parametrize("word", ["photo", *HUES, *DIGITS, "trouser", "boot"])
def test_every_word_of_a_caption_is_one_token(word: str) -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(DATA / "tiny-sd" / "tokenizer", local_files_only=True)
    assert len(tokenizer(word).input_ids) == 3  # with the beginning and the end


def test_tiny_clip_finds_the_caption_of_a_photograph() -> None:
    source = build("source", {"use": "coloured-digits", "colours": list(HUES)})
    photographs, captions = source.load("heldout")[:100], source.conditions("heldout")[:100]
    texts = np.unique(source.conditions("heldout"))
    clip, reads = (build("encoder", {"use": name, "checkpoint": "tiny-clip"}) for name in ("clip", "clip-text"))
    seen, told = clip.encode(photographs), reads.encode(texts)
    cosine = (seen / np.linalg.norm(seen, axis=1, keepdims=True)) @ (
        told / np.linalg.norm(told, axis=1, keepdims=True)
    ).T
    assert np.mean(texts[cosine.argmax(1)] == captions) > 0.8
