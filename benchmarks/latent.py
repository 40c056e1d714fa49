"""Fits of `latent-diffusion` beside a plain loop of `train_text_to_image.py`'s form, which asks all in every step.

Both train the same checkpoint on the same folder of PNG files in batches of 16 with AdamW, on one thread in 32 bits.
As the script does where it is told nothing else, the plain loop opens, turns and tokenises each batch when it comes.
Loading is in the time, and for ours reading the folder and what it works out before its first step, a share that
follows from the epochs: 50, as in a paper. The checkpoint of random weights shares its work out as Stable Diffusion 2.1
does at 512²: there, by torch's count of operations, encoding an image takes 1.39 and reading a text 0.06 times what the
U-Net takes for one look; here 1.41 and 0.07. Its attention heads are 64 wide as there. Seconds are processor time,
since another process may be at work beside them.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from autophagy.checkpoints.place import shipped
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.models.latent_diffusion import LatentDiffusion
from autophagy.sources.image_folder import ImageFolder
from autophagy.testing.checkpoints import stable_diffusion

IMAGES, BATCH, EPOCHS, RUNS = 32, 16, 50, 3
CAPTIONS = [f"a photo of a {colour} {digit}" for colour in ("red", "green", "blue") for digit in range(10)]


def lines() -> Iterator[str]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for name, checkpoint in _checkpoints(Path(folder)):
            yield from _fits(name, checkpoint)
            yield from _draws(name, checkpoint)


def _checkpoints(folder: Path) -> Iterator[tuple[str, Path]]:
    yield "SD 2.1's shares", stable_diffusion(folder / "sd", unet=(64, 128), vae=(64, 64, 64), text=64, heads=(1, 2))
    if "tiny-sd" in shipped():
        yield "tiny-sd", shipped()["tiny-sd"]


def _fits(name: str, checkpoint: Path) -> Iterator[str]:
    seen = EPOCHS * IMAGES
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for turn in range(RUNS + 1):  # the first is a warm-up
            files = _photographs(Path(folder, str(turn)))  # anew, since a process reads a folder but once
            mine = _spent(partial(_ours, checkpoint, files))
            its = _spent(partial(_theirs, checkpoint, files))
            if turn:
                ours.append(seen / mine)
                theirs.append(seen / its)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    yield (
        f"{name}, 3×32×32, {_size(checkpoint):,} numbers in the U-Net, {IMAGES} images, {EPOCHS} epochs: "
        f"trains {statistics.median(ours):.1f} images/s, the plain loop {statistics.median(theirs):.1f}: "
        f"{ratio:.2f}x (n = {RUNS})"
    )


def _draws(name: str, checkpoint: Path) -> Iterator[str]:
    condition = np.array(CAPTIONS * 2)
    for together in (1, 8, 30):
        model = LatentDiffusion(checkpoint=str(checkpoint), sampling_steps=20, together=together)
        sampler = model.founder()
        n = min(60, 15 * together)
        spent = _spent(lambda s=sampler, k=n: s.sample(k, condition=condition[:k], bias=0.5, seed=Seed(("draw",))))
        yield f"{name}: draws {n / spent:.1f} images/s, {together} together, 20 steps with guidance (n = 1)"


def _ours(checkpoint: Path, files: Path) -> None:
    source = ImageFolder(folder=str(files), side=32)
    pool = Pool.born(source.load("train"), Origin("real", REAL_DATA), condition=source.conditions("train"))
    model = LatentDiffusion(checkpoint=str(checkpoint), epochs=EPOCHS, batch=BATCH, learning_rate=1e-5)
    workspace = Workspace(lambda: Path(tempfile.mkdtemp(prefix="benchmark-")))
    model.fit(pool, start=None, seed=Seed(("fit",)), workspace=workspace)


def _theirs(checkpoint: Path, files: Path) -> None:
    Plain(checkpoint, files).fit()


class Plain:
    """The published loop's form: load, then for each batch open and encode images and texts, add noise, ask, step."""

    def __init__(self, checkpoint: Path, files: Path) -> None:
        rows = map(json.loads, (files / "train" / "metadata.jsonl").read_text().splitlines())
        self.examples = [(files / "train" / row["file_name"], row["text"]) for row in rows]
        self.vae = AutoencoderKL.from_pretrained(checkpoint, subfolder="vae").requires_grad_(False)
        self.texts = CLIPTextModel.from_pretrained(checkpoint, subfolder="text_encoder").requires_grad_(False)
        self.tokenizer = CLIPTokenizer.from_pretrained(checkpoint, subfolder="tokenizer")
        self.unet = UNet2DConditionModel.from_pretrained(checkpoint, subfolder="unet").train()
        self.scheduler = DDPMScheduler.from_pretrained(checkpoint, subfolder="scheduler")
        self.optimiser = torch.optim.AdamW(self.unet.parameters(), lr=1e-5, weight_decay=1e-2)

    def fit(self) -> None:
        for epoch in range(EPOCHS):
            order = np.random.default_rng(epoch).permutation(len(self.examples))
            for first in range(0, len(order), BATCH):
                self.step(*self.batch(order[first : first + BATCH]))

    def batch(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        some = [self.examples[row] for row in rows]
        pixels = torch.stack([self.pixels(file) for file, _ in some])
        texts = self.tokenizer([text for _, text in some], padding="max_length", truncation=True, return_tensors="pt")
        return pixels, texts.input_ids

    def pixels(self, file: Path) -> Tensor:
        image = Image.open(file).convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)
        if np.random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 127.5 - 1

    def step(self, pixels: Tensor, tokens: Tensor) -> float:
        latents = self.vae.encode(pixels).latent_dist.sample() * self.vae.config.scaling_factor
        noise = torch.randn_like(latents)
        level = torch.randint(0, self.scheduler.config.num_train_timesteps, (len(pixels),))
        noisy = self.scheduler.add_noise(latents, noise, level)
        states = self.texts(tokens, return_dict=False)[0]
        answer = self.unet(noisy, level, states, return_dict=False)[0]
        loss = F.mse_loss(answer, self.scheduler.get_velocity(latents, noise, level))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return loss.item()


def _photographs(folder: Path) -> Path:
    for split, n in (("train", IMAGES), ("test", 1)):
        (folder / split).mkdir(parents=True)
        images = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3)).astype(np.uint8)
        rows = [{"file_name": f"{k}.png", "text": CAPTIONS[k % len(CAPTIONS)]} for k in range(n)]
        for image, row in zip(images, rows, strict=True):
            Image.fromarray(image).save(folder / split / row["file_name"])
        (folder / split / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def _size(checkpoint: Path) -> int:
    unet = UNet2DConditionModel.from_pretrained(checkpoint, subfolder="unet")
    return sum(weights.numel() for weights in unet.parameters())


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
