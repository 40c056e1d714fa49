"""Latent diffusion: Stable Diffusion checkpoints, retrained on captioned images and drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from autophagy.checkpoints.files import numbers_in
from autophagy.checkpoints.place import check_revision, folder_of
from autophagy.core.abilities import DrawsByCondition, KnownSize
from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError, Damaged, DataError, MissingPackage
from autophagy.core.identity import PLACE
from autophagy.core.parts import Model, Pretrained, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Fraction, Positive, Range, Whole
from autophagy.core.workspace import Workspace

from . import _latent_checkpoint as checkpoints
from ._latent_checkpoint import Checkpoint
from ._latent_inputs import checked, shape_of, unread, unseen
from ._latent_schedulers import Name, Spacing, spaced, steps_from, unfit
from ._trained import Epochs, Trained, facts_of, is_installed

if TYPE_CHECKING:
    import numpy as np

    from autophagy.training import Average, Batches, Player, Team

    from ._latent_sampler import LatentSampler


UNDISTILLED = 5  # steps; nobody draws in fewer but from a network that was made for it
# what a sampler has to remember
DRAWN_WITH = ("scheduler", "spacing", "sampling_steps", "together", "precision", "threads")


@register("latent-diffusion", version=3)  # 2: linear layers by oneDNN; 3: in draws, 16 bits are the U-Net's alone
@dataclass(frozen=True)
class LatentDiffusion(Trained, Pretrained, DrawsByCondition, KnownSize):
    """A Stable Diffusion checkpoint (Rombach et al. 2022) whose U-Net is trained on; uint8 RGB images with captions.

    The defaults are those of Bohacek and Farid's nepotistic training, and of diffusers' `train_text_to_image.py` where
    the paper says nothing. Autoencoder and text encoder are frozen and run once a fit. Every fit begins at the
    checkpoint's U-Net, or at an earlier sampler's (`start`). λ is a guidance scale of 1/λ; at λ = 1 a step takes one
    look at the network. Needs the extra "latent". Nothing is downloaded.

    Attributes:
        checkpoint: a local folder in diffusers' layout, the name of one that comes with this package, or an id on
            Hugging Face's hub, which must be in its cache. It is known by its bytes, which are in every key.
        revision: the commit, 40 hex digits, of an id on the hub.
        side: of the images, in pixels; the checkpoint's own if absent.
        schedule: of the learning rate.
        warmup: steps over which the rate rises, for every schedule but "constant".
        optimiser: "adamw", or "sgd" without momentum.
        weight_decay: of the optimiser.
        clip: the largest norm of a step's gradient; false for no bound.
        flip: whether each image is mirrored, half of the times it is seen.
        average: decay of a moving average of the weights to draw from; absent for the weights themselves.
        snr_gamma: of Min-SNR weighting (Hang et al. 2023), absent for none.
        lora: rank of adapters to be trained instead of the U-Net (Hu et al. 2022). Needs the extra "lora".
        micro: samples of one pass through the network; a batch's gradient is summed from them.
        scheduler: of draws; "checkpoint" for its own.
        spacing: of the noise levels of "euler", "dpm-solver++" and "unipc": "checkpoint" for its own, "karras" or
            "exponential" for levels closer where they are small, by which the last two draw as widely as they should
            in 20 steps.
        sampling_steps: of a draw.
        together: samples drawn at a time, which changes their last bits.
    """

    takes = ("images",)
    conditional = True
    captioned = True
    begins = True
    spreads = True
    checkpoint: str = field(kw_only=True, metadata={PLACE: True})
    revision: str | None = field(default=None, metadata={PLACE: True})
    side: Count | None = None
    epochs: Epochs = 50.0
    batch: Count = 16
    learning_rate: Positive = 2e-6
    schedule: Literal["constant", "constant-with-warmup", "cosine", "linear"] = "constant"
    warmup: Whole = 500
    optimiser: Literal["adamw", "sgd"] = "adamw"
    weight_decay: Fraction = 1e-2
    clip: Positive | None = 1.0
    flip: bool = True
    average: Fraction | None = None
    snr_gamma: Positive | None = None
    lora: Count | None = None
    micro: Count | None = None
    scheduler: Name = "checkpoint"
    spacing: Spacing = "checkpoint"
    sampling_steps: Count = 50
    together: Annotated[int, Range(1, 1024)] = 8
    trial: ClassVar[Mapping[str, Any]] = {"epochs": 1.0, "learning_rate": 1e-4, "sampling_steps": 4, "together": 32}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_revision(self.revision)

    @property
    def trial_shape(self) -> tuple[int, int, int]:
        side = self._side(self._described())
        return 3, side, side

    @property
    def who(self) -> str:
        return f"model '{self.name}'"

    def content(self) -> str:
        return checkpoints.digest(self.who, self._folder())

    def objection(self, source: Source, model: Model) -> str | None:
        try:
            found = self._described()
            self._side(found)
        except (MissingPackage, DataError) as trouble:
            return str(trouble)
        problem = unfit(self.scheduler, found.tables["scheduler"], self.sampling_steps, self.spacing)
        return f"{self.who}: {problem}." if problem else None

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        problem = unread(source.conditions("train"), f"source '{source.name}'")
        if problem is None and (shape := shape_of(source)) is not None:
            problem = unseen(shape, self._side(self._described()), f"source '{source.name}'")
        return f"{self.who} {problem}" if problem else None

    def memory(self) -> int:
        """Of weights, gradients and what the optimiser and the average keep; of frozen networks their weights alone."""
        weights = {part: numbers_in(paths) for part, paths in self._described().weights.items()}
        kept = 8 if self.lora is not None else 20 if self.average is None else 24
        return kept * weights["unet"] + 4 * (sum(weights.values()) - weights["unet"])

    def stored_bytes(self) -> int | None:
        """Of a U-Net in float32; None for adapters, and of weights that cannot be read, which a fit tells."""
        with suppress(ValueError):
            return None if self.lora is not None else 4 * numbers_in(self._described().weights["unet"])
        return None

    def unbegun(self, strength: float) -> str | None:
        steps = steps_from(self.sampling_steps, strength)
        if unfit(self.scheduler, self._described().tables["scheduler"], steps) is None:
            return None
        return f"{self.who} would have to divide the way into {steps:,} steps to go one of them; use a larger share"

    def drawn_share(self) -> float:
        """Of latents whose deviation is 1, which is what they are scaled to; 1 where the checkpoint seems distilled."""
        if not (is_installed("torch") and is_installed("diffusers")):
            return 1.0
        from ._latent_schedulers import kept_variance

        found = self._described()
        try:
            self._check_scheduler(found)
        except ConfigError:  # which a fit tells
            return 1.0
        if self.scheduler == "lcm" or self.sampling_steps < UNDISTILLED:
            return 1.0
        share = kept_variance(self.scheduler, spaced(found.tables["scheduler"], self.spacing), self.sampling_steps)
        return share if math.isfinite(share) else 1.0

    def founder(self) -> Sampler:
        """The checkpoint itself."""
        self._require()
        from ._latent_parts import unet_of

        found = self._described()
        side = self._side(found)
        return self._sampler(unet_of(found), {"trained": "nothing", "shape": [3, side, side]})

    def _require(self) -> None:
        super()._require()
        for package in ("diffusers", "transformers"):
            if not is_installed(package):
                raise MissingPackage(self.who, package, "latent")
        if self.lora is not None and not is_installed("peft"):
            raise MissingPackage(f"{self.who} with lora", "peft", "lora")

    def _folder(self) -> Path:
        return folder_of(self.who, self.checkpoint, self.revision, checkpoints.WANTED)

    def _described(self) -> Checkpoint:
        return checkpoints.described(self.who, self._folder())

    def _side(self, found: Checkpoint) -> int:
        """Of the images; raises DataError if there is none, or one that the checkpoint cannot have."""
        side = self.side or found.side
        if side is None:
            raise DataError(f"{self.who}: the checkpoint does not say which side its images have; say side = 512.")
        if side % found.multiple or side > checkpoints.LARGEST_SIDE:
            raise DataError(
                f"{self.who}: images of side {side} cannot be had; "
                f"use a multiple of {found.multiple}, at most {checkpoints.LARGEST_SIDE}."
            )
        return side

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        from autophagy.training import Alone

        from ._latent_ranks import retrained

        samples, captions = checked(train, self._side(self._described()), self.name)
        begun = self.own(start)
        if workspace.machine.devices > 1:
            return retrained(self, samples, captions, begun, seed, workspace)
        return self.retrained(samples, captions, begun, seed, workspace, Alone())

    def retrained(
        self,
        samples: np.ndarray,
        captions: np.ndarray,
        start: LatentSampler | None,
        seed: Seed,
        workspace: Workspace,
        team: Team,
    ) -> Sampler:
        """Learns uint8 images `(n, 3, side, side)` of `(n,)` captions, as one of the processes of a team."""
        from autophagy.training import Batches, device_of, run

        from ._latent_cache import posteriors, states
        from ._latent_parts import frozen
        from ._latent_schedulers import trainer
        from ._latent_task import Retraining

        found = self._described()
        self._check_scheduler(found)  # now, and not when the fit has ended and is to be drawn from
        device, shared = device_of(workspace.machine.device), team.size > 1
        beside = frozen(found, self.content()).to(device)
        with team.first():
            texts, member = states(beside, captions, workspace, shared=shared)
            latents = posteriors(beside, samples, mirrored=self.flip, workspace=workspace, shared=shared)
        unet = self._begun(found, start, seed).to(device)
        batches = Batches(len(samples), self.batch, seed.child("order"))
        player = self._player(unet, batches, team)
        task = Retraining(
            player, unet, latents, texts, member, batches, trainer(found.tables["scheduler"]), beside.scaling,
            self.snr_gamma, self.precision,
        )  # fmt: skip
        course = run(task, steps=self._length(batches), seed=seed, workspace=workspace)
        facts = {"trained": "adapters" if self.lora else "unet", "shape": list(samples.shape[1:])}
        return self._sampler(_averaged(unet, player.average), {**facts, "losses": course.losses})

    def own(self, start: Sampler | None) -> LatentSampler | None:
        """The sampler that a fit starts from; raises DataError for another family's."""
        from ._latent_sampler import LatentSampler

        if start is not None and not isinstance(start, LatentSampler):
            raise DataError(f'{self.who} can only start from one of its own samplers; or say start = "scratch".')
        return start

    def _begun(self, found: Checkpoint, start: LatentSampler | None, seed: Seed) -> Any:
        """The U-Net that a fit begins with: new, and with adapters if they are to be trained."""
        from ._latent_parts import unet_of

        unet = unet_of(found) if start is None else deepcopy(start.network)
        if self.lora is None:
            return unet.requires_grad_(True)
        from ._latent_adapters import with_adapters

        if start is None or start.facts["trained"] != "adapters":
            return with_adapters(unet, self.lora, seed.child("adapters"))
        for name, weights in unet.named_parameters():
            weights.requires_grad_("lora_" in name)
        return unet

    def _player(self, unet: Any, batches: Batches, team: Team) -> Player:
        import torch

        from autophagy.training import Average, Player, rate

        trained = unet
        if self.lora is not None:
            from ._latent_adapters import Adapters

            trained = Adapters(unet)
        kind: Any = torch.optim.AdamW if self.optimiser == "adamw" else torch.optim.SGD
        optimiser = kind(trained.parameters(), self.learning_rate, weight_decay=self.weight_decay, fused=True)
        average = None if self.average is None else Average(trained, self.average)
        course = rate(self.schedule, self.warmup, self._length(batches))
        return Player(trained, optimiser, average=average, clip=self.clip, rate=course, micro=self.micro, team=team)

    def _loaded(self, folder: Path) -> Sampler:
        facts = facts_of(folder, "trained", "shape", "checkpoint", "drawn_with")
        try:
            as_fitted = replace(self, **{name: facts["drawn_with"][name] for name in DRAWN_WITH})
        except (TypeError, LookupError, ConfigError) as problem:
            raise Damaged(f"facts.json does not describe a latent diffusion model: {problem}") from None
        return as_fitted._restored(folder, facts)

    def _restored(self, folder: Path, facts: Mapping[str, Any]) -> Sampler:
        from ._latent_parts import UNET, unet_of, unet_saved

        found = self._described()
        side = self._side(found)
        if facts["checkpoint"] != self.content():
            raise Damaged(
                "this sampler goes with other bytes than lie at the checkpoint; get those it was fitted from."
            )
        if facts["trained"] not in ("nothing", "unet", "adapters") or facts["shape"] != [3, side, side]:
            raise Damaged("facts.json does not describe a latent diffusion model of this side.")
        if facts["trained"] == "unet":
            return self._sampler(unet_saved(found, folder / UNET), facts)
        unet = unet_of(found)
        if facts["trained"] == "adapters":
            if self.lora is None:
                raise Damaged("facts.json says that adapters were trained, but the model has none (lora).")
            from ._latent_adapters import load_adapters

            unet = load_adapters(unet, self.lora, folder)
        return self._sampler(unet, facts)

    def _sampler(self, unet: Any, facts: Mapping[str, Any]) -> LatentSampler:
        from ._latent_parts import frozen
        from ._latent_sampler import Drawing, LatentSampler

        found, content = self._described(), self.content()
        self._check_scheduler(found)
        drawn_with = {name: getattr(self, name) for name in DRAWN_WITH}
        known = {**facts, "checkpoint": content, "drawn_with": drawn_with}
        return LatentSampler(unet, known, frozen(found, content), Drawing(**drawn_with))

    def _check_scheduler(self, found: Checkpoint) -> None:
        from ._latent_schedulers import check

        told = found.tables["scheduler"]
        if problem := unfit(self.scheduler, told, self.sampling_steps, self.spacing):
            raise ConfigError(f"{self.who}: {problem}.")
        check(self.scheduler, spaced(told, self.spacing), self.sampling_steps)


def _averaged(unet: Any, average: Average | None) -> Any:
    """The U-Net with the averaged weights, of all or of the adapters, where an average was kept."""
    if average is None:
        return unet
    if isinstance(average.network, type(unet)):
        return average.network
    from ._latent_adapters import Adapters

    Adapters(unet).load_state_dict(average.network.state_dict())
    return unet
