"""Diffusion models of images: noise is taken away step by step, by a network that has learned to see through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError, Damaged, MissingPackage
from autophagy.core.parts import Model, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Fraction, Positive
from autophagy.core.workspace import Workspace

from ._latent_inputs import shape_of
from ._trained import Trained, facts_of, filled, images, is_installed

if TYPE_CHECKING:
    from torch import nn

    from autophagy.training.player import Optimiser

    from ._diffusion_noise import Noising

BETAS = 0.9, 0.99  # of Adam
MUON = 2, 9  # torch's version that has it first
# width, depth and patch where a recipe leaves them open: about a million numbers each
SIZES = {"dit": (128, 4, 4), "unet": (64, 2, 2), "diffusers": (32, 2, 1)}
# the settings that a sampler on disk has to remember
DRAWN_WITH = (
    "backbone", "width", "depth", "patch", "objective", "schedule", "noise_levels", "sampler", "sampling_steps",
    "spacing", "precision", "threads",
)  # fmt: skip


@register("diffusion", version=2)  # 2: blocks of "dit" look at neighbouring tokens
@dataclass(frozen=True)
class Diffusion(Trained):
    """A denoising diffusion model, of each class or caption if the data have them; uint8 images of any size.

    λ becomes the guidance w of classifier-free guidance by λ = 1 / (1 + w) (Ho and Salimans 2022): a draw goes where
    (1 + w) · the class's answer − w · the answer without a class leads. λ = 1 takes one look at the network for each
    step, less takes two. Without classes there is nothing to be guided to, and λ < 1 is refused.

    Attributes:
        backbone: "unet", which learns soonest; "dit", a transformer of patches whose blocks also have a convolution;
            "diffusers", its UNet2DModel.
        width: channels of a token, or of a U-Net's finest resolution (coarser ones have twice as many).
        depth: blocks of a transformer, or resolutions of a U-Net.
        patch: pixels of a patch's side, but for "diffusers"; sides that are no multiple are padded inside the network.
        objective: "edm" learns the preconditioned image at levels drawn from a log-normal (Karras et al. 2022); "ddpm"
            the noise, at fixed levels (Ho et al. 2020).
        schedule: of DDPM's noise.
        noise_levels: T, DDPM's noise levels.
        optimiser: "adam"; or "muon" for the matrices within the network (Jordan et al. 2024), which learns more in a
            short fit and takes two to three times Adam's learning rate.
        unconditional: share of training samples whose class is not told.
        sampler: "multistep" is DPM-Solver++(2M) and "sde-multistep" its form with noise in every step (Lu et al. 2022),
            "heun" Karras et al.'s, "ddim" Song et al.'s (2021), "ancestral" DDPM's own; few of its steps narrow what
            is drawn.
        sampling_steps: of a draw. One evaluation of the network each; of Heun's two, but one in the last.
        spacing: of the noise levels that a draw visits: Karras et al.'s, dense where they are small, or even in their
            logarithm; DDPM's own draws (all levels of "ancestral", and "ddim") have their own.
        average: decay of the moving average of weights that is drawn from.
    """

    takes = ("images",)
    conditional = True
    only_seen = True
    trial: ClassVar[Mapping[str, Any]] = {
        "width": 24, "depth": 2, "epochs": 20.0, "batch": 32, "sampling_steps": 5, "noise_levels": 50,
    }  # fmt: skip
    batch: Count = 64
    learning_rate: Positive = 2e-3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    backbone: Literal["unet", "dit", "diffusers"] = "unet"
    width: Count | None = None
    depth: Count | None = None
    patch: Count | None = None
    objective: Literal["edm", "ddpm"] = "edm"
    schedule: Literal["linear", "cosine"] = "linear"
    noise_levels: Count = 500
    optimiser: Literal["adam", "muon"] = "adam"
    unconditional: Fraction = 0.1
    sampler: Literal["multistep", "sde-multistep", "heun", "ddim", "ancestral"] = "multistep"
    sampling_steps: Count = 20
    spacing: Literal["karras", "exponential"] = "karras"
    average: Fraction = 0.999

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.backbone == "diffusers" and self.patch is not None:
            raise ConfigError('backbone = "diffusers" reads pixel by pixel; leave patch out.')
        if self.objective == "ddpm" and self.sampling_steps > self.noise_levels:
            raise ConfigError(
                f"sampling_steps must be at most noise_levels = {self.noise_levels}, but is {self.sampling_steps}."
            )

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        conditions = source.conditions("train")
        if conditions is not None:
            if bias < 1 and len(np.unique(conditions)) == 1:
                alone = f"all images of source '{source.name}' are of one"
                return f"model 'diffusion' is guided to a class and away from the others, but {alone}; leave bias out"
            if self.unconditional == 1 or (bias < 1 and self.unconditional == 0):
                missing = (
                    "with their class" if self.unconditional else "without one, which guidance (bias < 1) asks for"
                )
                return (
                    f"model 'diffusion' with unconditional = {self.unconditional:g} never learns images {missing}; "
                    "use a share between, such as 0.1"
                )
            return None
        if bias < 1:
            has_none = f"source '{source.name}' has none"
            return f"model 'diffusion' is guided by classes or captions, but {has_none}; leave bias out"
        return None

    def objection(self, source: Source, model: Model) -> str | None:
        if self.depth is None and self.patch is None:  # which suit all but the smallest images
            return None
        shape = shape_of(source)
        return None if shape is None else self._smothers(shape)

    def _smothers(self, shape: tuple[int, ...]) -> str | None:
        """What a U-Net does to images that it halves until nothing is left of them."""
        _, depth, patch = self._sizes()
        smallest = 2 ** (depth - 1) * (patch if self.backbone == "unet" else 1)
        if self.backbone == "dit" or smallest < 2 * max(shape[1:]):
            return None
        return (
            f"model 'diffusion' with backbone = \"{self.backbone}\" and depth = {depth} would pad images of "
            f"{shape[1]} × {shape[2]} to {smallest} pixels a side; each resolution halves them, so lower depth."
        )

    def _sizes(self) -> tuple[int, int, int]:
        """Width, depth and patch."""
        width, depth, patch = SIZES[self.backbone]
        return self.width or width, self.depth or depth, self.patch or patch

    def drawn_share(self) -> float:
        if not is_installed("torch"):
            return 1.0
        from ._diffusion_noise import kept_variance

        return kept_variance(self.sampler, self._sigmas())

    def lacking(self) -> str | None:
        if (lacking := super().lacking()) or self.optimiser != "muon":
            return lacking
        installed = version("torch")
        if tuple(int(part) for part in installed.split(".")[:2]) >= MUON:
            return None
        return f'optimiser = "muon" needs torch {".".join(map(str, MUON))} or newer, but {installed} is installed.'

    def _require(self) -> None:
        super()._require()
        if self.backbone == "diffusers" and not is_installed("diffusers"):
            raise MissingPackage("backbone 'diffusers'", "diffusers", "diffusers")

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        from autophagy.training import Average, Batches, Player, device_of, run

        from ._diffusion_sampler import handed_on
        from ._diffusion_task import Denoising, rate

        samples = images(train, self.name)
        classes, labels, counts = _table(train.condition, len(samples))
        drawn_with = {name: getattr(self, name) for name in DRAWN_WITH}
        facts = {"shape": list(samples.shape[1:]), "classes": classes, "counts": counts, "drawn_with": drawn_with}
        network = self._network(facts, seed.child("weights"))
        if start is not None:
            handed_on(start, network, classes)
        network.to(device_of(workspace.machine.device))
        batches = Batches(len(samples), self.batch, seed.child("order"))
        steps = self._length(batches)
        average = Average(network, self.average)
        player = Player(network, self._optimiser(network), average=average, clip=1.0, rate=rate(steps))
        task = Denoising(
            player, samples, labels, len(classes), self.unconditional, batches, self._noising(), self.precision
        )
        course = run(task, steps=steps, seed=seed, workspace=workspace)
        return self._sampler(average.network, {**facts, "losses": course.losses})

    def _optimiser(self, network: nn.Module) -> Optimiser:
        import torch

        if self.optimiser == "adam":
            return torch.optim.Adam(network.parameters(), self.learning_rate, betas=BETAS, fused=True)
        from autophagy.training import Muon

        from ._diffusion_network import hidden

        matrices = list(hidden(network))
        known = {id(weights) for weights in matrices}
        others = [weights for weights in network.parameters() if id(weights) not in known]
        return Muon(matrices, others, self.learning_rate, BETAS)

    def _loaded(self, folder: Path) -> Sampler:
        facts = facts_of(folder, "shape", "classes", "counts", "drawn_with")
        try:
            as_fitted = replace(self, **facts["drawn_with"])
        except (TypeError, ConfigError) as problem:
            raise Damaged(f"facts.json does not describe a diffusion model: {problem}") from None
        return as_fitted._sampler(filled(lambda: as_fitted._network(facts, Seed(("weights",))), folder), facts)

    def _network(self, facts: Mapping[str, Any], seed: Seed) -> nn.Module:
        from ._diffusion_network import network_of

        shape = tuple(facts["shape"])
        if fault := self._smothers(shape):
            raise ConfigError(fault)
        width, depth, patch = self._sizes()
        return network_of(
            self.backbone,
            shape,
            classes=len(facts["classes"]),
            width=width,
            depth=depth,
            patch=patch,
            seed=seed,
        )

    def _noising(self) -> Noising:
        from ._diffusion_noise import Noising

        return Noising.of(self.objective, self.schedule, self.noise_levels)

    def _sigmas(self) -> list[float]:
        return self._noising().sigmas_of(self.sampler, self.sampling_steps, self.spacing)

    def _sampler(self, network: nn.Module, facts: Mapping[str, Any]) -> Sampler:
        from ._diffusion_sampler import FittedDiffusion

        return FittedDiffusion(
            network,
            facts,
            noising=self._noising(),
            method=self.sampler,
            sigmas=self._sigmas(),
            precision=self.precision,
            threads=self.threads,
        )


def _table(condition: np.ndarray | None, n: int) -> tuple[list[int | str], np.ndarray, list[int]]:
    """The classes or captions there are, the number of each sample's `(n,)`, and how many samples each has."""
    if condition is None:
        return [], np.zeros(n, np.int64), []
    classes, member, counts = np.unique(condition, return_inverse=True, return_counts=True)
    return classes.tolist(), member.astype(np.int64), counts.tolist()
