"""Trains the LeNet behind encoder `lenet` on MNIST's 60,000 training images; its model card is `docs/lenet.md`.

    python tools/train_lenet.py src/autophagy/data/lenet/lenet.safetensors

One thread, fixed seeds: the same machine writes the same bytes. The 10,000
held-out images are looked at once, when training is over.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from autophagy.core.parts import Split
from autophagy.sources.mnist import Mnist

SEED = 0
EPOCHS = 16
BATCH = 128
PEAK_RATE = 3e-3  # of AdamW, reached after a tenth of the steps, then a cosine down to nothing
WEIGHT_DECAY = 1e-2
SLOPE = 0.1  # of the dense layers below zero; with a plain ReLU 14 of the 84 features were never other than zero
TURN, SCALE, SHIFT = math.radians(10), 0.1, 2 / 14  # largest distortions: 10°, 10 %, 2 pixels


class LeNet(nn.Module):
    """LeNet-5's shape (LeCun et al. 1998) with ReLU, max pooling, leaky dense layers and a plain linear output."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def features(self, images: Tensor) -> Tensor:
        """`(n, 1, 28, 28)` in 0..1 → `(n, 84)`, the layer before the output, after its leaky ReLU."""
        x = functional.max_pool2d(functional.relu(self.conv1(images)), 2)  # (n, 6, 14, 14)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)  # (n, 16, 5, 5)
        x = functional.leaky_relu(self.fc1(x.flatten(1)), SLOPE)  # (n, 120)
        return functional.leaky_relu(self.fc2(x), SLOPE)  # (n, 84)

    def forward(self, images: Tensor) -> Tensor:
        """`(n, 1, 28, 28)` in 0..1 → `(n, 10)` logits."""
        logits: Tensor = self.fc3(self.features(images))
        return logits


def mnist(split: Split) -> tuple[Tensor, Tensor]:
    """Images `(n, 1, 28, 28)` float32 in 0..1 and labels `(n,)`."""
    images = torch.from_numpy(np.array(Mnist().load(split), np.float32) / 255)
    return images, torch.from_numpy(np.array(Mnist().conditions(split), np.int64))


def distorted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Every image turned, scaled and shifted a little, so that 60,000 images go further."""
    turn, scale, across, down = torch.rand(4, len(images), generator=generator) * 2 - 1  # (n,) each, in −1..1
    cos = torch.cos(turn * TURN) * (1 + scale * SCALE)
    sin = torch.sin(turn * TURN) * (1 + scale * SCALE)
    rows = [torch.stack([cos, -sin, across * SHIFT], 1), torch.stack([sin, cos, down * SHIFT], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def rate(step: int, steps: int) -> float:
    """The learning rate's share of its peak: a straight line up, then a cosine down."""
    warm = steps // 10
    return (step + 1) / warm if step < warm else (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2


def train(images: Tensor, labels: Tensor) -> LeNet:
    torch.manual_seed(SEED)  # the initial weights
    generator = torch.Generator().manual_seed(SEED)  # the order and the distortions
    net = LeNet()
    optimiser = torch.optim.AdamW(net.parameters(), PEAK_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, steps))
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in torch.randperm(len(images), generator=generator)[: steps // EPOCHS * BATCH].reshape(-1, BATCH):
            loss = functional.cross_entropy(net(distorted(images[rows], generator)), labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d} of {EPOCHS}: loss {total / (steps // EPOCHS):.4f}", flush=True)
    return net


@torch.no_grad()
def accuracy(net: LeNet, images: Tensor, labels: Tensor) -> float:
    right = sum(
        int((net(images[i : i + 500]).argmax(1) == labels[i : i + 500]).sum()) for i in range(0, len(images), 500)
    )
    return right / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    out: Path = parser.parse_args().out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    net = train(*mnist("train"))
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, out)
    print(f"accuracy: {accuracy(net, *mnist('train')):.4%} of train, {accuracy(net, *mnist('heldout')):.4%} of heldout")


if __name__ == "__main__":
    main()
