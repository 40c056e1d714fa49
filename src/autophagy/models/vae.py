"""Variational autoencoders, by default the one of "The Curse of Recursion"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Sampler, Source
from autophagy.core.pool import REAL_DATA, Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Range
from autophagy.core.workspace import Workspace

from ._trained import Trained, facts_of, filled, images

if TYPE_CHECKING:
    from ._vae import Redraw


@register("vae")
@dataclass(frozen=True)
class Vae(Trained):
    """A VAE with a Gaussian code and independent pixels in 0..1 (Kingma and Welling 2014); Adam on the summed bound.

    The defaults are those of Shumailov et al. 2023: convolutions of 64 and 128 channels, a code of 20 numbers, weight
    decay 1e-5, batches of 256, 30 epochs. It draws z ~ N(0, λI) and gives the decoder's mean image, so a sample is
    blurred and has no noise of its own.

    With `redraw` a fit never sees the synthetic samples of the pool: each time a batch has rows of the newest
    generation, mean images of fresh codes (floats, at λ = 1, past every curator) from the sampler it is handed as
    `start` stand in for them. Its weights begin at random all the same.

    Attributes:
        network: "convolutional", or "mlp" with one hidden layer on either side of the code.
        latent: numbers in a code.
        channels: of the first convolution; the second has twice as many.
        hidden: units of the mlp's hidden layers.
        weight_decay: of Adam, added to the gradient of the bound's sum over a batch.
        redraw: draw the newest generation's samples anew for every batch; needs start = "previous".
    """

    takes = ("images",)
    encodes = True
    trial: ClassVar[Mapping[str, Any]] = {"epochs": 4.0, "batch": 32, "channels": 4, "latent": 4}
    batch: Count = 256
    network: Literal["convolutional", "mlp"] = "convolutional"
    latent: Count = 20
    channels: Count = 64
    hidden: Count = 400
    weight_decay: Annotated[float, Range(0)] = 1e-5
    redraw: bool = False

    @property
    def redraws(self) -> bool:
        return self.redraw

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        if self.redraw and (start != "previous" or bias < 1):
            return (
                "model 'vae' with redraw = true draws its training samples anew from the generation before, without "
                'bias; say start = "previous" and leave bias out'
            )
        return None

    def _learned(self, train: Pool, start: Sampler | None, seed: Seed, workspace: Workspace) -> Sampler:
        from torch.optim import Adam

        from autophagy.training import Batches, device_of, run

        from ._vae import FittedVae, VaeTask, network_of

        samples = images(train, self.name)
        facts = self._facts(samples.shape[1:])
        network = network_of(facts, seed.child("weights"))
        if start is not None and not self.redraw:
            network.load_state_dict(_alike(start, facts).network.state_dict())
        network.to(device_of(workspace.machine.device))
        optimiser = Adam(network.parameters(), self.learning_rate, weight_decay=self.weight_decay, fused=True)
        batches = Batches(len(samples), self.batch, seed.child("order"))
        task = VaeTask(network, optimiser, samples, batches, self.precision, self._redraw(train, start))
        course = run(task, steps=self._length(batches), seed=seed, workspace=workspace)
        return FittedVae(network, {**facts, "losses": course.losses}, self.threads)

    def _loaded(self, folder: Path) -> Sampler:
        from ._vae import BUILT, FittedVae, network_of

        facts = facts_of(folder, *BUILT)
        return FittedVae(filled(lambda: network_of(facts, Seed(("load",))), folder), facts, self.threads)

    def _facts(self, shape: tuple[int, ...]) -> dict[str, Any]:
        return {
            "network": self.network,
            "shape": list(shape),
            "latent": self.latent,
            "channels": self.channels,
            "hidden": self.hidden,
        }

    def _redraw(self, train: Pool, start: Sampler | None) -> Redraw | None:
        """Which rows of the training set are redrawn and from what; None where nothing is."""
        from ._vae import Redraw

        newest = int(train.generation.max())
        if not self.redraw or newest == REAL_DATA:
            return None
        if start is None:
            raise DataError(
                "model 'vae' with redraw = true draws its training images from the previous generation's model, "
                'but was given none; say start = "previous".'
            )
        return Redraw(_alike(start, self._facts(train.samples.shape[1:])).network, train.generation == newest)


def _alike(start: Sampler, facts: Mapping[str, Any]) -> Any:
    """The sampler to start from, if it is a VAE with the same network."""
    from ._vae import BUILT, FittedVae

    if not isinstance(start, FittedVae) or any(start.facts[name] != facts[name] for name in BUILT):
        raise DataError(
            "model 'vae' can only start from a VAE with the same network, latent, channels and hidden on images of "
            'the same shape; use the same settings in every generation, or start = "scratch".'
        )
    return start
