"""How a Wasserstein GAN with gradient penalty is trained and drawn from, on images and on vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autophagy.core.errors import Diverged
from autophagy.core.parts import Begin
from autophagy.core.seeds import Seed
from autophagy.networks.wgan import ImageCritic, ImageGenerator, VectorCritic, VectorGenerator, depth
from autophagy.training import Average, Batches, Player, Task, autocast, moved
from autophagy.training.first_weights import first_weights
from autophagy.training.machine import Precision

from ._adversarial import Frame, laid_out, normal, still, unit_slope_penalty
from ._trained import NetworkSampler, bytes_of, finite


class View(ABC):
    """Samples as networks see them, and networks that see them so."""

    @abstractmethod
    def seen(self, samples: np.ndarray, device: torch.device) -> Tensor: ...

    @abstractmethod
    def given_back(self, found: Tensor) -> Tensor: ...

    @abstractmethod
    def generator(self, latent: int, width: int) -> nn.Module: ...

    @abstractmethod
    def critic(self, width: int) -> nn.Module: ...

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """As JSON."""


@dataclass(frozen=True)
class ImageView(View):
    """Images in a frame whose sides can be halved down to about 4 pixels."""

    colours: int
    size: tuple[int, int]

    @property
    def frame(self) -> Frame:
        multiple = 2 ** depth(*self.size)
        height, width = (-(-side // multiple) * multiple for side in self.size)
        return Frame(self.size, (height, width))

    def seen(self, samples: np.ndarray, device: torch.device) -> Tensor:
        return self.frame.around(samples, device)

    def given_back(self, found: Tensor) -> Tensor:
        return bytes_of(self.frame.within(found))

    def generator(self, latent: int, width: int) -> nn.Module:
        return ImageGenerator(latent, self.colours, *self.frame.outer, width)

    def critic(self, width: int) -> nn.Module:
        return ImageCritic(self.colours, *self.frame.outer, width)

    def facts(self) -> dict[str, Any]:
        return {"colours": self.colours, "size": list(self.size)}


@dataclass(frozen=True)
class VectorView(View):
    """Vectors, standardised axis by axis."""

    middle: np.ndarray  # (d,) float64
    spread: np.ndarray  # (d,) float64, above 0

    def seen(self, samples: np.ndarray, device: torch.device) -> Tensor:
        return moved(((samples - self.middle) / self.spread).astype(np.float32), device)

    def given_back(self, found: Tensor) -> Tensor:
        return finite(found, "numbers").cpu().double() * torch.from_numpy(self.spread) + torch.from_numpy(self.middle)

    def generator(self, latent: int, width: int) -> nn.Module:
        return VectorGenerator(latent, len(self.middle), width)

    def critic(self, width: int) -> nn.Module:
        return VectorCritic(len(self.middle), width)

    def facts(self) -> dict[str, Any]:
        return {"middle": self.middle.tolist(), "spread": self.spread.tolist()}


def view_of(samples: np.ndarray) -> View:
    """The view of a whole training set, `(n, c, h, w)` uint8 or `(n, d)` float64."""
    if samples.ndim == 4:
        _, colours, height, width = samples.shape
        return ImageView(colours, (height, width))
    with np.errstate(over="ignore", invalid="ignore"):
        spread = samples.std(0)
    if not np.isfinite(spread).all():
        raise Diverged("model 'wgan-gp' found a spread that is not finite; the samples are too far apart.")
    return VectorView(samples.mean(0), np.where(spread > 0, spread, 1.0))


def view_from(facts: Mapping[str, Any]) -> View:
    if "size" in facts:
        height, width = facts["size"]
        return ImageView(int(facts["colours"]), (int(height), int(width)))
    return VectorView(np.array(facts["middle"], np.float64), np.array(facts["spread"], np.float64))


@dataclass(frozen=True)
class Plan:
    """How the two are trained; see the fields of the model."""

    latent: int
    width: int
    batch: int
    turns: int  # of the critic for one of the generator
    penalty: float
    learning_rate: float
    precision: Precision
    half_life: int


class Duel(Task):
    """Some turns of the critic, one of the generator."""

    def __init__(self, view: View, samples: np.ndarray, plan: Plan, seed: Seed, device: torch.device) -> None:
        self.view, self._samples, self._plan, self._device = view, samples, plan, device
        self.batches = Batches(len(samples), plan.batch, seed.child("order"))
        with first_weights(seed.child("weights")):
            generator, critic = view.generator(plan.latent, plan.width), view.critic(plan.width)
        laid_out(generator.to(device))
        self._average = Average(generator, 0.5 ** (plan.batch / plan.half_life)) if plan.half_life else None
        self.generator = self._player(generator, self._average)
        self.critic = self._player(laid_out(critic.to(device)), None)

    @property
    def drawing(self) -> nn.Module:
        """What is drawn with: averaged weights where there are any."""
        return self.generator.network if self._average is None else self._average.network

    def state(self) -> Mapping[str, Player]:
        return {"generator": self.generator, "critic": self.critic}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        turns = self._plan.turns
        judged = [self._judge(number * turns + turn, seed.child("critic", turn)) for turn in range(turns)]
        return {"critic": torch.stack(judged).mean(), "generator": self._paint(seed.child("generator"))}

    def _judge(self, turn: int, seed: Seed) -> Tensor:
        real = self.view.seen(self._samples[self.batches.rows(turn)], self._device)
        z = self._noise(seed.child("z"))
        share = moved(seed.child("share").numpy().random(len(real), np.float32), self._device)
        share = share.view(-1, *(1 for _ in real.shape[1:]))  # (n, 1, …)
        critic, generator = self.critic.network, self.generator.network

        def loss_of(rows: slice) -> Tensor:
            with autocast(self._plan.precision, self._device):
                with torch.no_grad():
                    fake = generator(z[rows])
                between = real[rows].lerp(fake, share[rows])
                on_real, on_fake = critic(torch.cat([real[rows], fake])).chunk(2)
                penalty = unit_slope_penalty(critic, between)
            loss: Tensor = (on_fake - on_real).mean() + self._plan.penalty * penalty
            return loss

        return self.critic.descend(len(real), loss_of)

    def _paint(self, seed: Seed) -> Tensor:
        z = self._noise(seed.child("z"))
        critic, generator = self.critic.network, self.generator.network

        def loss_of(rows: slice) -> Tensor:
            with autocast(self._plan.precision, self._device):
                loss: Tensor = -critic(generator(z[rows])).mean()
            return loss

        with still(critic):
            return self.generator.descend(len(z), loss_of)

    def _noise(self, seed: Seed) -> Tensor:
        return normal(seed, self._device, self._plan.batch, self._plan.latent)

    def _player(self, network: nn.Module, average: Average | None) -> Player:
        rate = self._plan.learning_rate
        optimiser = torch.optim.Adam(network.parameters(), rate, betas=(0.0, 0.9), fused=True)
        return Player(network, optimiser, average=average)


class WassersteinSampler(NetworkSampler):
    """Draws with the generator. Facts: `latent`, `width`, `precision` and those of the view."""

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        view, width = view_from(self.facts), bias**0.5  # latents from N(0, λI)

        def draw(rows: slice, seed: Seed) -> Tensor:
            z = normal(seed, self.device, self.together, int(self.facts["latent"])) * width
            with autocast(self.facts["precision"], self.device):
                found = self.network(z)
            return view.given_back(found[: rows.stop - rows.start])

        return self._drawn(n, seed, draw)
