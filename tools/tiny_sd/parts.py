"""What every stage shares: where it works, how it trains, how it leaves a curve."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.training import Average, Course, Player, Task, run

SEED = Seed(("tools", "tiny-sd"))
WARM = 100  # steps over which the learning rate rises


@dataclass(frozen=True)
class Place:
    """Folders of one making, and the processor threads of every stage."""

    out: Path
    garments: str | None
    threads: int

    @property
    def sd(self) -> Path:
        return self.out / "tiny-sd"

    @property
    def clip(self) -> Path:
        return self.out / "tiny-clip"

    def train(self, name: str, task: Task, steps: int) -> Course:
        """Runs a stage, going on from its last checkpoint; leaves its loss curve beside the checkpoints."""
        torch.set_num_threads(self.threads)
        folder = self.out / "under-way" / name
        folder.mkdir(parents=True, exist_ok=True)
        said = _Said(name)
        course = run(
            task, steps=steps, seed=SEED.child(name), workspace=Workspace(lambda: folder, Machine("cpu"), said)
        )
        curve = {"steps": steps, "losses": course.losses}
        (self.out / f"{name}.json").write_text(json.dumps(curve), encoding="utf-8")
        return course


class _Said:
    """Prints how far a stage is, every hundredth of it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, done: int, total: int, note: str) -> None:
        if done % max(1, total // 100) == 0:
            print(f"{self.name}: {done} of {total}, {note}", flush=True)


def player(network: nn.Module, steps: int, rate: float, *, average: float | None = None) -> Player:
    """AdamW with a warm-up and a cosine down to nothing."""
    optimiser = torch.optim.AdamW(network.parameters(), rate, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
    mean = None if average is None else Average(network, average)
    return Player(network, optimiser, average=mean, clip=1.0, rate=_rate(steps))


def _rate(steps: int) -> Callable[[int], float]:
    def factor(step: int) -> float:
        return min(1.0, (step + 1) / WARM) * (1 + float(np.cos(np.pi * step / steps))) / 2

    return factor


def tensor(images: np.ndarray) -> torch.Tensor:
    """uint8 images as float32 in −1 … 1."""
    return torch.from_numpy(np.array(images)).float() / 127.5 - 1
