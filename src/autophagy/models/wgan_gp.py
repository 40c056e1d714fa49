"""Wasserstein GANs with gradient penalty, of images and of vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.parts import Sampler
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive, Whole
from autophagy.core.workspace import Workspace

from ._inputs import vectors
from ._trained import Epochs, Trained, facts_of, filled, images

if TYPE_CHECKING:
    from ._wgan_gp import Duel


@register("wgan-gp")
@dataclass(frozen=True)
class WganGp(Trained):
    """A generator against a critic whose slope is held near 1. Gulrajani et al. 2017, algorithm 1.

    λ narrows the latents, z ~ N(0, λI), as it does those of a normalising flow; in the Model Autophagy Disorder
    paper this family is drawn without bias. Neither network normalises over a batch. Images of any size are framed
    by their own edges where a side cannot be halved often enough, vectors are standardised.

    Attributes:
        epochs: how often the critic sees every training sample.
        turns: steps of the critic for one of the generator.
        penalty: weight of the critic's squared distance from slope 1.
        latent: numbers in z.
        width: channels of the layer next to the image, doubled with every halving; for vectors, of hidden layers.
        half_life: images drawn in training after which a step counts half in the average of weights that is drawn
            from; 0, as published, draws with the last weights, which still swing.
    """

    takes = ("images", "vectors")
    continues = False  # a generator without its critic is no beginning
    trial: ClassVar[Mapping[str, Any]] = {"epochs": 2, "batch": 16, "width": 4, "latent": 8}
    epochs: Epochs = 500.0
    batch: Count = 64
    learning_rate: Positive = 1e-4
    turns: Count = 5
    penalty: Positive = 10.0
    latent: Count = 128
    width: Count = 64
    half_life: Whole = 0

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        from autophagy.training import run

        from ._wgan_gp import WassersteinSampler

        samples = vectors(train, self.name) if train.samples.ndim == 2 else images(train, self.name)
        task = self._task(samples, seed, workspace.machine.device)
        steps = self.steps or -(-task.batches.steps(self.epochs) // self.turns)
        course = run(task, steps=steps, seed=seed, workspace=workspace)
        facts = {"latent": self.latent, "width": self.width, "precision": self.precision, **task.view.facts()}
        return WassersteinSampler(task.drawing, {**facts, "losses": course.losses}, self.threads)

    def _task(self, samples: np.ndarray, seed: Seed, device: str) -> Duel:
        from autophagy.training import device_of

        from ._wgan_gp import Duel, Plan, view_of

        plan = Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})
        return Duel(view_of(samples), samples, plan, seed, device_of(device))

    def _loaded(self, folder: Path) -> Sampler:
        from ._adversarial import laid_out
        from ._wgan_gp import WassersteinSampler, view_from

        facts = facts_of(folder, "latent", "width", "precision")
        network = filled(lambda: view_from(facts).generator(int(facts["latent"]), int(facts["width"])), folder)
        return WassersteinSampler(laid_out(network), facts, self.threads)
