"""StyleGAN2, with adaptive augmentation for small training sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Fraction, Positive, Range
from autophagy.core.workspace import Workspace

from ._trained import Epochs, Trained, facts_of, filled, images

if TYPE_CHECKING:
    from ._stylegan2 import Duel

Weight = Annotated[float, Range(0)]
SHAPE = ("channel_base", "channel_max", "latent", "mapping_layers", "precision")


@register("stylegan2")
@dataclass(frozen=True)
class StyleGan2(Trained):
    """Karras et al. 2020, on images without classes; augmentation as in Karras et al. 2020b.

    λ is the truncation ψ: latents are drawn towards their mean, w ← w̄ + ψ (w − w̄), in every layer. Images are
    framed by their own edges to a square of a power of two, at least 16.

    Attributes:
        epochs: how often every training image is seen; the paper's 25 million images are 357 epochs of 70,000.
        batch: images of a step, best a power of two: the discriminator compares groups of 4.
        learning_rate: of both networks.
        channel_base: channels of features at side r are channel_base / r …
        channel_max: … but no more than this.
        latent: numbers in z and in w.
        mapping_layers: from z to w.
        r1: γ of the discriminator's R1; left out, 0.0002 · side² / batch (Karras et al. 2020b).
        r1_every: steps from one to the next.
        path_length: weight of the generator's path length regularisation; 0 for none.
        path_every: steps from one to the next.
        style_mixing: share of images drawn from two latents, one for the coarse layers and one for the fine.
        half_life: images after which a step counts half in the average of weights that is drawn from.
        adaptive: whether the discriminator sees augmented images, as often as it takes to keep it from learning the
            training set by heart; for a few thousand images or fewer.
        flips: whether augmentations mirror images.
        adaptation: images in which the share of augmented ones can go from none to all.
    """

    takes = ("images",)
    continues = False  # a generator without its discriminator is no beginning
    trial: ClassVar[Mapping[str, Any]] = {
        "epochs": 0.25,
        "batch": 16,
        "channel_base": 128,
        "channel_max": 8,
        "latent": 8,
        "mapping_layers": 2,
    }
    epochs: Epochs = 357.0
    batch: Count = 32
    learning_rate: Positive = 2e-3
    channel_base: Count = 32768
    channel_max: Count = 512
    latent: Count = 512
    mapping_layers: Count = 8
    r1: Weight | None = None
    r1_every: Count = 16
    path_length: Weight = 2.0
    path_every: Count = 4
    style_mixing: Fraction = 0.9
    half_life: Count = 10_000
    adaptive: bool = False
    flips: bool = True
    adaptation: Count = 500_000

    def narrowed(self, bias: float) -> float:
        return bias**2  # styles are shortened by ψ itself

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        from autophagy.training import run

        from ._stylegan2 import StyleSampler

        task = self._task(images(train, self.name), seed, workspace.machine.device)
        course = run(task, steps=self._length(task.batches), seed=seed, workspace=workspace)
        facts = {**self._facts(train.samples.shape), "losses": course.losses}
        return StyleSampler(task.drawing, facts, self.threads)

    def _task(self, samples: np.ndarray, seed: Seed, device: str) -> Duel:
        from autophagy.training import device_of

        from ._stylegan2 import Duel, Plan, frame_of, shape_of

        shape, frame = shape_of(self._facts(samples.shape)), frame_of(samples.shape[2:])
        r1 = 0.0002 * shape.side**2 / self.batch if self.r1 is None else self.r1
        plan = Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)} | {"r1": r1})
        return Duel(shape, frame, samples, plan, seed, device_of(device))

    def _facts(self, shape: tuple[int, ...]) -> dict[str, Any]:
        _, colours, height, width = shape
        return {"colours": colours, "size": [height, width], **{name: getattr(self, name) for name in SHAPE}}

    def _loaded(self, folder: Path) -> Sampler:
        from autophagy.networks.stylegan2 import Generator

        from ._adversarial import laid_out
        from ._stylegan2 import StyleSampler, shape_of

        facts = facts_of(folder, "colours", "size", *SHAPE)
        return StyleSampler(laid_out(filled(lambda: Generator(shape_of(facts)), folder)), facts, self.threads)
