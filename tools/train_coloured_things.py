"""Trains the network behind encoder `coloured-things`; its model card is `docs/coloured-things.md`.

    python tools/train_coloured_things.py src/autophagy/data/coloured-things/coloured-things.safetensors

It sees the train splits of the sources `coloured-digits` and `coloured-garments` in all six colours. One thread, fixed
seeds. The held-out images are looked at once, when training is over.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from autophagy.core.parts import Split
from autophagy.sources._captions import DIGITS
from autophagy.sources._coloured import HUES, Coloured
from autophagy.sources.coloured_digits import ColouredDigits
from autophagy.sources.coloured_garments import GARMENTS, ColouredGarments

SEED = 0
BATCH = 128
WEIGHT_DECAY = 1e-2
SLOPE = 0.1  # of the dense layer below zero, so that no feature is dead
COLOURS, THINGS = tuple(HUES), (*DIGITS, *GARMENTS.values())


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Attributes:
        epochs: of all images.
        rate: of AdamW at its peak, reached after a tenth of the steps; then a cosine down to nothing.
        shift: pixels to every side that an image may move.
        blur: largest share of the mean over 3 × 3 pixels in an image.
        noise: largest standard deviation of the noise on an image of 0..1.
    """

    epochs: int
    rate: float
    shift: int
    blur: float
    noise: float


PHASES = (Phase(6, 3e-3, 2, 1.0, 12 / 255), Phase(2, 1e-3, 1, 0.3, 4 / 255))  # the second makes clean images surer
Rows = tuple[Tensor, Tensor, Tensor]  # images (n, 3, 32, 32) uint8, colours (n,), things (n,)


class ColouredThings(nn.Module):
    """Three convolutions with ReLU and max pooling, one dense layer, and an output for each question."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 48, 3, padding=1)
        self.dense = nn.Linear(48 * 16, 96)
        self.colour = nn.Linear(96, len(COLOURS))
        self.thing = nn.Linear(96, len(THINGS))

    def features(self, images: Tensor) -> Tensor:
        """`(n, 3, 32, 32)` in 0..1 → `(n, 96)`, the layer before the outputs, after its leaky ReLU."""
        x = images
        for convolution in (self.conv1, self.conv2, self.conv3):
            x = functional.max_pool2d(functional.relu(convolution(x)), 2)  # (n, 48, 4, 4) in the end
        return functional.leaky_relu(self.dense(x.flatten(1)), SLOPE)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """`(n, 3, 32, 32)` in 0..1 → logits `(n, 6)` of colours and `(n, 18)` of things."""
        found = self.features(images)
        return self.colour(found), self.thing(found)


def rows(source: Coloured, split: Split) -> Rows:
    words = [str(caption).split()[-2:] for caption in source.conditions(split)]  # "a photo of a red seven"
    colours = torch.tensor([COLOURS.index(colour) for colour, _ in words])
    return torch.from_numpy(np.array(source.load(split))), colours, torch.tensor([THINGS.index(t) for _, t in words])


def joined(*parts: Rows) -> Rows:
    images, colours, things = (torch.cat(column) for column in zip(*parts, strict=True))
    return images, colours, things


def varied(images: Tensor, phase: Phase, generator: torch.Generator) -> Tensor:
    """Every image shifted, blurred and made noisy a little, as what a model draws is; `(n, 3, 32, 32)` in 0..1."""
    n, side, shift = len(images), images.shape[-1], phase.shift
    x = functional.pad(images.float() / 255, (shift,) * 4, mode="replicate")
    down, across = torch.randint(0, 2 * shift + 1, (2, n, 1), generator=generator) + torch.arange(side)  # (n, 32) each
    x = x[torch.arange(n)[:, None, None], :, down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)
    near = functional.avg_pool2d(functional.pad(x, (1,) * 4, mode="replicate"), 3, 1)
    blur, noise = torch.rand(2, n, 1, 1, 1, generator=generator)
    x += phase.blur * blur * (near - x) + noise * phase.noise * torch.randn(x.shape, generator=generator)
    return torch.clamp(x, 0, 1)


def rate(step: int, steps: int) -> float:
    """The learning rate's share of its peak: a straight line up, then a cosine down."""
    warm = steps // 10
    return (step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2


def train(net: ColouredThings, data: Rows, phase: Phase, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)  # the order and the variations
    images, colours, things = data
    optimiser = torch.optim.AdamW(net.parameters(), phase.rate, weight_decay=WEIGHT_DECAY)
    each = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, phase.epochs * each))
    for epoch in range(phase.epochs):
        total, began = 0.0, time.process_time()
        for chosen in torch.randperm(len(images), generator=generator)[: each * BATCH].reshape(-1, BATCH):
            colour, thing = net(varied(images[chosen], phase, generator))
            loss = functional.cross_entropy(thing, things[chosen]) + functional.cross_entropy(colour, colours[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.item()
        seconds = time.process_time() - began
        print(f"epoch {epoch + 1} of {phase.epochs}: loss {total / each:.4f}, {seconds:.0f} s", flush=True)


@torch.no_grad()
def right(net: ColouredThings, data: Rows) -> np.ndarray:
    """`(3, n)` whether colour, thing and both are read as they are."""
    images, colours, things = data
    found = []
    for i in range(0, len(images), 500):
        colour, thing = (logits.argmax(1) for logits in net(images[i : i + 500].float() / 255))
        is_colour, is_thing = colour == colours[i : i + 500], thing == things[i : i + 500]
        found.append(torch.stack([is_colour, is_thing, is_colour & is_thing]))
    return torch.cat(found, 1).numpy()


def told(name: str, net: ColouredThings, data: Rows) -> None:
    colour, thing, both = right(net, data)
    print(
        f"{name}, {len(both):,} held out: colour {colour.mean():.2%}, thing {thing.mean():.2%}, both {both.mean():.2%}"
    )
    for number in np.unique(data[2].numpy()):
        print(f"  {THINGS[number]}: {thing[data[2].numpy() == number].mean():.2%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    parser.add_argument("--garments", help="folder of Fashion-MNIST's four IDX files")
    parser.add_argument("--after", type=Path, help="weights after the first phase, to begin with the second")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    sources = ColouredDigits(colours=COLOURS), ColouredGarments(colours=COLOURS, folder=asked.garments)
    data = joined(*(rows(source, "train") for source in sources))
    torch.manual_seed(SEED)  # the initial weights
    net = ColouredThings()
    if asked.after:
        net.load_state_dict(load_file(asked.after))
    for number, phase in enumerate(PHASES):
        if number or not asked.after:
            train(net, data, phase, SEED + number)
            save(net, asked.out)
    heldout = [rows(source, "heldout") for source in sources]
    for name, found in zip(("digits", "garments", "together"), (*heldout, joined(*heldout)), strict=True):
        told(name, net, found)


def save(net: ColouredThings, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    save_file(weights, out, {"colour": json.dumps(COLOURS), "thing": json.dumps(THINGS)})


if __name__ == "__main__":
    main()
