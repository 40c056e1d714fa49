"""Draws of a Stable Diffusion, by diffusers' own pipelines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autophagy.checkpoints.guards import quiet_transformers
from autophagy.core.errors import ConfigError, DataError, Diverged
from autophagy.core.parts import Begin, Sampler
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine
from autophagy.training import autocast, device_of, moved
from autophagy.training.machine import Precision

from . import _latent_schedulers as schedulers
from ._latent_inputs import unread
from ._latent_parts import UNET, Frozen, quiet, save_unet
from ._trained import FACTS, NetworkSampler

with quiet_transformers():  # which tells who imports these that torchvision is not here; nothing of it is used
    from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline

SLICED = 2**20  # pixels of a batch above which images are decoded one by one, so that they fit into memory


@dataclass(frozen=True)
class Drawing:
    """How draws are made.

    Attributes:
        scheduler: its name.
        spacing: of the scheduler's noise levels.
        sampling_steps: looks at the U-Net, of which guidance makes two.
        precision: of products.
        threads: that a draw computes on.
        together: samples drawn at a time.
    """

    scheduler: str
    spacing: schedulers.Spacing
    sampling_steps: int
    precision: Precision
    threads: int
    together: int


class LatentSampler(NetworkSampler):
    """Draws images of captions. `facts` say their shape and what was trained: "nothing", "unet" or "adapters".

    Attributes:
        network: the U-Net.
        frozen: the networks beside it.
        drawing: how draws are made.
    """

    def __init__(self, network: Any, facts: Mapping[str, Any], frozen: Frozen, drawing: Drawing) -> None:
        super().__init__(network, facts, drawing.threads)
        self.frozen, self.drawing, self.together = frozen, drawing, drawing.together

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        """Returns `(n, 3, h, w)` uint8.

        Sample i has a random stream of its own, named by i, and is drawn among as many others whatever n is, so it is
        the same however many are drawn. λ is a guidance scale of 1/λ. Raises ConfigError without captions.
        """
        captions = _captions(n, condition)
        if begin is not None:
            self._check_begin(begin)
        self.frozen.to(self.device)
        return self._drawn(n, seed, lambda rows, _: self._stretch(rows, captions, bias, seed, begin))

    def on(self, machine: Machine) -> Sampler:
        device = device_of(machine.device)
        self.network.to(device)
        self.frozen.to(device)
        return self

    def save(self, folder: Path) -> None:
        """Writes what was trained; of an untouched checkpoint only that it is one."""
        if self.facts["trained"] == "unet":
            save_unet(self.network, folder / UNET)
        if self.facts["trained"] == "adapters":
            from ._latent_adapters import save_adapters

            save_adapters(self.network, folder)
        (folder / FACTS).write_text(json.dumps(self.facts, ensure_ascii=False), encoding="utf-8")

    @cached_property
    def plain(self) -> Any:
        """The pipeline from noise to images."""
        return self._pipeline(StableDiffusionPipeline)

    @cached_property
    def from_images(self) -> Any:
        """The pipeline from images to images."""
        return self._pipeline(StableDiffusionImg2ImgPipeline)

    def _pipeline(self, kind: Any) -> Any:
        told = schedulers.spaced(self.frozen.checkpoint.tables["scheduler"], self.drawing.spacing)
        with quiet():
            made = kind(
                vae=self.frozen.vae,
                text_encoder=self.frozen.texts,
                tokenizer=self.frozen.tokenizer,
                unet=self.network,
                scheduler=schedulers.made(self.drawing.scheduler, told),
                safety_checker=None,
                feature_extractor=None,
                requires_safety_checker=False,
            )
        made.set_progress_bar_config(disable=True)
        return made

    def _stretch(self, rows: slice, captions: list[str], bias: float, seed: Seed, begin: Begin | None) -> Tensor:
        """Some rows, drawn among `together` of them whatever their number, so that their last bits don't move."""
        numbers = np.arange(rows.start, rows.start + self.together)
        some = [captions[i] if i < len(captions) else "" for i in numbers]
        asked: dict[str, Any] = {
            "prompt_embeds": self._states(some),
            "guidance_scale": 1 / bias,
            "generator": [stream(seed, i) for i in numbers.tolist()],
            "output_type": "pt",
        }
        if bias < 1:
            asked["negative_prompt_embeds"] = self._states([""] * len(some))
        self._slice_if_large()
        with quiet(), self._in_precision():
            images = self._drawn_from(begin, numbers, asked) if begin is not None else self._drawn_plainly(asked)
        if not bool(torch.isfinite(images).all()):
            raise Diverged("the images that it draws are not finite.")
        return (images[: rows.stop - rows.start].float() * 255).round().to(torch.uint8)

    @contextmanager
    def _in_precision(self) -> Iterator[None]:
        """The U-Net's products alone: pixels would lose a level or two if the autoencoder's had 16 bits."""
        whole = self.network.forward

        def forward(*given: Any, **told: Any) -> tuple[Tensor, ...]:
            with autocast(self.drawing.precision, self.device):
                (found,) = whole(*given, **told)
            return (found.float(),)

        self.network.forward = forward
        try:
            yield
        finally:
            del self.network.forward

    def _drawn_plainly(self, asked: dict[str, Any]) -> Tensor:
        _, height, width = self.facts["shape"]
        found: Tensor = self.plain(
            height=height, width=width, num_inference_steps=self.drawing.sampling_steps, **asked
        ).images
        return found

    def _drawn_from(self, begin: Begin, numbers: np.ndarray, asked: dict[str, Any]) -> Tensor:
        """Padded with the last image, whose streams are others."""
        some = np.asarray(begin.samples[np.minimum(numbers, len(begin.samples) - 1)])
        images = moved(some, self.device).float() / 255
        steps = self._steps_from(begin.strength)
        found: Tensor = self.from_images(
            image=images, strength=begin.strength, num_inference_steps=steps, **asked
        ).images
        return found

    def _steps_from(self, strength: float) -> int:
        """Of the whole way, of which `strength` is gone; more than usual where the part would not be one step."""
        steps = schedulers.steps_from(self.drawing.sampling_steps, strength)
        told = self.frozen.checkpoint.tables["scheduler"]
        if problem := schedulers.unfit(self.drawing.scheduler, told, steps):
            raise ConfigError(f"image-to-image at strength {strength:g}: {problem}; use a larger strength.")
        return steps

    def _states(self, captions: list[str]) -> Tensor:
        return torch.stack([self.frozen.states(caption) for caption in captions])

    def _slice_if_large(self) -> None:
        _, height, width = self.facts["shape"]
        self.frozen.vae.use_slicing = height * width * self.together > SLICED

    def _check_begin(self, begin: Begin) -> None:
        wanted = tuple(self.facts["shape"])
        if begin.samples.dtype != np.uint8 or begin.samples.shape[1:] != wanted:
            raise DataError(
                f"model 'latent-diffusion' draws uint8 images {wanted}, but is to begin from {begin.samples.dtype} "
                f"{begin.samples.shape[1:]}; use a source of RGB images of that side, or set side."
            )


def stream(seed: Seed, number: int) -> torch.Generator:
    """The random numbers of one sample, the same on every device."""
    return torch.Generator().manual_seed(seed.child("sample", number).number % 2**63)


def _captions(n: int, condition: np.ndarray | None) -> list[str]:
    problem = unread(condition, "what it is to draw")
    if problem is not None or condition is None:
        raise ConfigError(f"model 'latent-diffusion' {problem}.")
    return [str(caption) for caption in condition[:n]]
