"""What the finished checkpoint can do: does a classifier read the caption off samples, of unseen pairings too?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from PIL import Image

from autophagy.core.catalog import build
from autophagy.core.parts import Sampler
from autophagy.core.seeds import Seed
from autophagy.sources._coloured import HUES, caption

from .data import HELD_OUT, THINGS, photographs
from .parts import Place

EACH = 25  # samples of every caption
STEPS, GUIDANCE = 12, 3.0
ACROSS = 6  # samples of a caption on the poster


def report(place: Place) -> None:
    """Writes check.json and check.png beside the checkpoint."""
    torch.set_num_threads(place.threads)
    sampler = drawn_by(place)
    captions = np.array([caption(colour, thing) for thing in THINGS for colour in HUES])
    wanted = np.repeat(captions, EACH)
    samples = np.concatenate(
        [
            sampler.sample(EACH, condition=np.repeat(each, EACH), bias=1 / GUIDANCE, seed=Seed(("check", i)))
            for i, each in enumerate(captions.tolist())
        ]
    )
    facts = {"each": EACH, "steps": STEPS, "guidance": GUIDANCE, **accuracy(samples, wanted), **matching(place)}
    (place.out / "check.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    _poster(samples).save(place.out / "check.png")
    print(json.dumps(facts, indent=1))


def drawn_by(place: Place) -> Sampler:
    model = build(
        "model",
        {
            "use": "latent-diffusion",
            "checkpoint": str(place.sd),
            "scheduler": "dpm-solver++",
            "sampling_steps": STEPS,
        },
    )
    found: Sampler = model.founder()
    return found


def accuracy(samples: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
    """Shares of the samples whose colour and thing are read as asked for."""
    reader: Any = build("encoder", "coloured-things")
    answers, words = reader.answers(reader.encode(samples)), reader.words()
    seen = zip(answers["colour"].tolist(), answers["thing"].tolist(), strict=True)
    read = np.array([caption(words["colour"][colour], words["thing"][thing]) for colour, thing in seen])
    right = read == wanted
    rare = np.isin(wanted, list(HELD_OUT))
    of_thing = {thing: float(right[np.char.endswith(wanted, f" {thing}")].mean()) for thing in THINGS}
    return {
        "pairings trained on": float(right[~rare].mean()),
        "pairings held out": float(right[rare].mean()),
        "by thing": of_thing,
    }


def matching(place: Place) -> dict[str, Any]:
    """How well `tiny-clip` finds the caption of held-out photographs among all captions."""
    images, captions = photographs("heldout", place.garments)
    rows = np.random.default_rng(0).choice(len(images), 2000, replace=False)
    clip, reads = (build("encoder", {"use": name, "checkpoint": str(place.clip)}) for name in ("clip", "clip-text"))
    texts = np.unique(captions)
    seen, read = clip.encode(images[rows]), reads.encode(texts)
    seen, read = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (seen, read))
    cosine = seen @ read.T
    own = cosine[np.arange(len(rows)), np.searchsorted(texts, captions[rows])]
    return {
        "caption found": float((texts[cosine.argmax(1)] == captions[rows]).mean()),
        "clip score of real photographs": float(100 * own.mean()),
    }


def _poster(samples: np.ndarray) -> Image.Image:
    """A row for each thing; of each colour a few samples."""
    grid = samples.reshape(len(THINGS), len(HUES), EACH, *samples.shape[1:])[:, :, : ACROSS // 2]
    rows, colours, each, _, height, width = grid.shape
    pixels = grid.transpose(0, 4, 1, 2, 5, 3).reshape(rows * height, colours * each * width, 3)
    return Image.fromarray(np.ascontiguousarray(pixels))
