"""How StyleGAN2 is trained and drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autophagy.core.parts import Begin
from autophagy.core.seeds import Seed
from autophagy.networks import augment
from autophagy.networks.stylegan2 import GROUP, Discriminator, Generator, Shape
from autophagy.training import Average, Batches, Player, Task, moved, widened
from autophagy.training.first_weights import first_weights

from ._adversarial import Frame, flat_slope_penalty, laid_out, normal, still
from ._trained import NetworkSampler, bytes_of

LEAST = 16  # pixels of a side
MIDDLE = 0.995  # of the running mean of w, from step to step
PATH_DECAY = 0.01  # how fast the wished path length follows what is seen
PATH_SHARE = 2  # path lengths are worked out for one image in so many of a batch
TARGET = 0.6  # r_t, the mean sign of the logits of real images, that augmentation aims at
EVERY = 4  # steps between two changes of the probability of augmentations


def frame_of(size: tuple[int, int]) -> Frame:
    """The square of a power of two that holds images of this size."""
    side = LEAST
    while side < max(size):
        side *= 2
    return Frame(size, (side, side))


def shape_of(facts: Mapping[str, Any]) -> Shape:
    """The networks that facts on disk speak of."""
    return Shape(
        colours=int(facts["colours"]),
        side=frame_of(_size(facts)).outer[0],
        base=int(facts["channel_base"]),
        most=int(facts["channel_max"]),
        latent=int(facts["latent"]),
        layers=int(facts["mapping_layers"]),
        dtype=torch.bfloat16 if facts["precision"] == "bfloat16" else torch.float32,
    )


def _size(facts: Mapping[str, Any]) -> tuple[int, int]:
    height, width = facts["size"]
    return int(height), int(width)


@dataclass(frozen=True)
class Plan:
    """How the two are trained; see the fields of the model."""

    batch: int
    learning_rate: float
    r1: float
    r1_every: int
    path_length: float
    path_every: int
    style_mixing: float
    half_life: int
    adaptive: bool
    flips: bool
    adaptation: int


class Caution:
    """How likely each augmentation is: more where the discriminator has learned the training set by heart.

    Karras et al. 2020b, section 3.1: r_t, the mean sign of real images' logits, is held at 0.6.

    Attributes:
        p: the probability, 0 to begin with.
        images: that p needs to go from 0 to 1.
    """

    def __init__(self, images: int) -> None:
        self.images = images
        self.p = 0.0
        self._signs: list[float] = []

    def take(self, sign: float, batch: int) -> None:
        """Takes in the mean sign of one batch; p moves every few batches."""
        self._signs.append(sign)
        if len(self._signs) == EVERY:
            step = np.sign(np.mean(self._signs) - TARGET) * EVERY * batch / self.images
            self.p, self._signs = float(np.clip(self.p + step, 0, 1)), []

    def state_dict(self) -> dict[str, Any]:
        return {"p": self.p, "signs": self._signs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.p, self._signs = float(state["p"]), list(state["signs"])


class Stretch:
    """The wished length of paths: a running mean of those seen."""

    def __init__(self) -> None:
        self.wished = 0.0

    def take(self, length: float) -> None:
        self.wished += PATH_DECAY * (length - self.wished)

    def state_dict(self) -> dict[str, Any]:
        return {"wished": self.wished}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.wished = float(state["wished"])


class Duel(Task):
    """A step of the discriminator, one of the generator, and now and then one of either's regularisation."""

    def __init__(
        self, shape: Shape, frame: Frame, images: np.ndarray, plan: Plan, seed: Seed, device: torch.device
    ) -> None:
        self._shape, self._frame, self._images, self._plan, self._device = shape, frame, images, plan, device
        self.batches = Batches(len(images), plan.batch, seed.child("order"))
        self.caution, self.stretch = Caution(plan.adaptation), Stretch()
        with first_weights(seed.child("weights")):
            generator, discriminator = Generator(shape), Discriminator(shape)
        for network in (generator, discriminator):
            laid_out(network.to(device))
        share = _share(plan.path_every if plan.path_length else 0)
        self._average = Average(generator, 0.5 ** (share * plan.batch / plan.half_life))
        self.generator = self._player(generator, share, self._average)
        self.discriminator = self._player(discriminator, _share(plan.r1_every if plan.r1 else 0), None)
        self._g, self._d = generator, discriminator

    @property
    def drawing(self) -> nn.Module:
        """The generator with averaged weights."""
        return self._average.network

    def state(self) -> Mapping[str, Any]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "caution": self.caution,
            "stretch": self.stretch,
        }

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        with widened(self._device):
            return self._step(number, seed)

    def _step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        plan, nothing = self._plan, torch.zeros((), device=self._device)
        real = self._frame.around(self._images[self.batches.rows(number)], self._device)
        changed = self._changes(seed.child("changes"))
        judged = self._judge(real, changed, seed.child("judge"))
        is_rough, is_bent = plan.r1 and number % plan.r1_every == 0, plan.path_length and number % plan.path_every == 0
        rough = self._flatten(real, changed) if is_rough else nothing
        painted = self._paint(number, changed, seed.child("paint"))
        bent = self._straighten(seed.child("straighten")) if is_bent else nothing
        return {"discriminator": judged, "generator": painted, "r1": rough, "path length": bent}

    def _judge(self, real: Tensor, changed: augment.Draw | None, seed: Seed) -> Tensor:
        """Non-saturating logistic loss of the discriminator."""
        styles, noise = self._styles(seed, self._plan.batch), self._noise(seed, self._plan.batch)
        signs = torch.zeros(len(real), device=self._device)

        def loss_of(rows: slice) -> Tensor:
            with torch.no_grad():
                fake = self._g.draw(styles.of(self._g, rows), noise[rows])
            on_real = self._d(_changed(real[rows], changed, rows))
            on_fake = self._d(_changed(fake, changed, rows))
            signs[rows] = on_real.detach().sign()
            return (F.softplus(-on_real) + F.softplus(on_fake)).mean()

        total = self.discriminator.descend(len(real), loss_of, together=GROUP)
        if self._plan.adaptive:
            self.caution.take(float(signs.mean()), len(real))
        return total

    def _flatten(self, real: Tensor, changed: augment.Draw | None) -> Tensor:
        """R1, as much at once as it would be over all the steps between."""
        weight = self._plan.r1 * self._plan.r1_every

        def loss_of(rows: slice) -> Tensor:
            return weight * flat_slope_penalty(lambda x: self._d(_changed(x, changed, rows)), real[rows])

        return self.discriminator.descend(len(real), loss_of, together=GROUP)

    def _paint(self, number: int, changed: augment.Draw | None, seed: Seed) -> Tensor:
        styles, noise = self._styles(seed, self._plan.batch), self._noise(seed, self._plan.batch)
        with torch.no_grad():
            self._g.recentre(self._g.map(styles.z), max(1 - MIDDLE, 1 / (number + 1)))

        def loss_of(rows: slice) -> Tensor:
            images = self._g.draw(styles.of(self._g, rows), noise[rows])
            return F.softplus(-self._d(_changed(images, changed, rows))).mean()

        with still(self._d):
            return self.generator.descend(self._plan.batch, loss_of, together=GROUP)

    def _straighten(self, seed: Seed) -> Tensor:
        """Path lengths: steps in w should move images by one length everywhere (Karras 2020, equation 4)."""
        n = max(1, self._plan.batch // PATH_SHARE)
        styles, noise = self._styles(seed, n), self._noise(seed, n)
        direction = normal(seed.child("direction"), self._device, n, self._shape.colours, *self._frame.outer)
        weight = self._plan.path_length * self._plan.path_every
        lengths = torch.zeros(n, device=self._device)
        wished = self.stretch.wished

        def loss_of(rows: slice) -> Tensor:
            found = path_lengths(self._g, styles.of(self._g, rows), noise[rows], direction[rows])
            lengths[rows] = found.detach()
            return weight * (found - wished).square().mean()

        total = self.generator.descend(n, loss_of)
        self.stretch.take(float(lengths.mean()))
        return total

    def _changes(self, seed: Seed) -> augment.Draw | None:
        """One draw of augmentations a step, for real and drawn images alike; None where there are none."""
        if not self.caution.p:
            return None
        draw = augment.drawn(
            self._plan.batch, self._frame.outer, self.caution.p, flips=self._plan.flips, rng=seed.numpy()
        )
        return draw.on(self._device)

    def _noise(self, seed: Seed, n: int) -> Tensor:
        return normal(seed.child("noise"), self._device, n, self._shape.noises)

    def _styles(self, seed: Seed, n: int) -> Styles:
        z, other = (normal(seed.child(name), self._device, n, self._shape.latent) for name in ("z", "other"))
        rng, last = seed.child("cut").numpy(), self._shape.styles
        cut = np.where(rng.random(n) < self._plan.style_mixing, rng.integers(1, last, n), last)
        return Styles(z, other, moved(cut, self._device))

    def _player(self, network: nn.Module, share: float, average: Average | None) -> Player:
        betas = (0.0, 0.99**share)
        optimiser = torch.optim.Adam(
            network.parameters(), self._plan.learning_rate * share, betas=betas, eps=1e-8, fused=True
        )
        return Player(network, optimiser, average=average)


@dataclass(frozen=True)
class Styles:
    """Latents of a batch, two for each image: one for the layers before `cut` and one for those after."""

    z: Tensor  # (n, latent)
    other: Tensor  # (n, latent)
    cut: Tensor  # (n,) int64, 1 … the number of layers; the number itself mixes nothing

    def of(self, generator: Generator, rows: slice) -> Tensor:
        """`(n, styles, latent)`."""
        count = generator.shape.styles
        is_first = torch.arange(count, device=self.cut.device) < self.cut[rows, None]  # (n, styles)
        first, other = generator.map(self.z[rows])[:, None], generator.map(self.other[rows])[:, None]
        return torch.where(is_first[:, :, None], first, other)


def path_lengths(generator: Generator, styles: Tensor, noise: Tensor, direction: Tensor) -> Tensor:
    """How far an image moves for a step in w, for each image, along a direction N(0, I) of images; `(n,)`."""
    images = generator.draw(styles, noise)
    height, width = images.shape[2:]
    moved_by = (images * direction).sum() / (height * width) ** 0.5
    (gradient,) = torch.autograd.grad(moved_by, styles, create_graph=True)  # (n, styles, latent)
    return (gradient.square().sum(2).mean(1) + 1e-12).sqrt()


def _share(every: int) -> float:
    """What a step counts where another of the same optimiser comes every so many (Karras 2020, appendix B)."""
    return every / (every + 1) if every else 1.0


def _changed(images: Tensor, draw: augment.Draw | None, rows: slice) -> Tensor:
    return images if draw is None else augment.augmented(images, draw.part(rows))


class StyleSampler(NetworkSampler):
    """Draws with the averaged generator; λ is the truncation ψ."""

    together = 32  # feature maps of large images are large

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        shape, frame = shape_of(self.facts), frame_of(_size(self.facts))

        def draw(rows: slice, seed: Seed) -> Tensor:
            z = normal(seed.child("z"), self.device, self.together, shape.latent)
            noise = normal(seed.child("noise"), self.device, self.together, shape.noises)
            return bytes_of(frame.within(self.network(z, noise, bias))[: rows.stop - rows.start])

        with widened(self.device):
            return self._drawn(n, seed, draw)
