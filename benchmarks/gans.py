"""Both GANs at 32 x 32 on one thread: images a second trained and drawn, and what share of a large product's rate.

Shares are of a product of 2048 x 2048 matrices of the same type, measured in the same run; products are counted, the
operations of a step between them (modulation, filters, rectifiers, Adam) are not, though their time is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from autophagy.core.catalog import build
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.networks.stylegan2_layers import blurred
from autophagy.testing import toys
from autophagy.training import Task

from .products import drawn, peak, products
from .timing import paired

DRAWN, SIDE = 512, 28
SETTINGS: dict[str, dict[str, Any]] = {
    "wgan-gp": {"width": 16, "latent": 64, "turns": 2},
    "stylegan2": {"channel_base": 256, "channel_max": 64, "latent": 64, "mapping_layers": 2, "r1": 10, "r1_every": 4},
}
ROUND = 4  # steps after which every kind of step has come as often as it does in a long fit


def lines() -> Iterator[str]:
    torch.set_num_threads(1)
    yield _layouts()
    images = np.random.default_rng(0).integers(0, 256, (2048, 1, SIDE, SIDE)).astype(np.uint8)
    for name, settings in SETTINGS.items():
        rates = {precision: peak(precision) for precision in ("float32", "bfloat16")}
        tasks = {precision: _task(name, {**settings, "precision": precision}, images) for precision in rates}
        rounds = {precision: _round(task) for precision, task in tasks.items()}
        short, long, ratio = paired(rounds["bfloat16"], rounds["float32"], runs=5)
        model = build("model", {"use": name, **settings})
        seen = model.batch * ROUND * settings.get("turns", 1)
        for precision, spent in (("bfloat16", short), ("float32", long)):
            share = products(rounds[precision]) / spent / rates[precision]
            speed = _drawing({"use": name, **settings, "precision": precision, "epochs": 0.01}, images)
            yield (
                f"{name}, {precision}: {seen / spent:.0f} images/s trained, {speed:.0f} images/s drawn; its products "
                f"at {share:.0%} of a large one's {rates[precision] / 1e9:.0f} GFLOP/s (n = 5)"
            )
        yield f"{name}: bfloat16 trains {ratio:.1f}x as fast as float32"


def _layouts() -> str:
    """A convolution and the resampling filter with their gradients, channels last and first."""
    weight = torch.randn(32, 32, 3, 3)

    def work(memory: torch.memory_format) -> Callable[[], object]:
        x = torch.randn(64, 32, 32, 32).contiguous(memory_format=memory).requires_grad_()
        own = weight.contiguous(memory_format=memory).requires_grad_()
        return lambda: blurred(F.conv2d(x, own, padding=1), 1).sum().backward()

    last, first, ratio = paired(work(torch.channels_last), work(torch.contiguous_format), runs=5)
    return (
        f"convolution and filter: {last * 1e3:.0f} ms channels last, {first * 1e3:.0f} ms first: {ratio:.1f}x (n = 5)"
    )


def _task(name: str, settings: dict[str, Any], images: np.ndarray) -> Task:
    """The task that a fit would run."""
    model = build("model", {"use": name, **settings})
    task: Task = model._task(images, Seed(("benchmark",)), "cpu")
    return task


def _round(task: Task) -> Callable[[], object]:
    return lambda: [task.step(number, Seed((number,))) for number in range(ROUND)]


def _drawing(recipe: dict[str, Any], images: np.ndarray) -> float:
    """Images drawn in a second."""
    model: Model = build("model", recipe)
    pool = Pool.born(images, Origin("real", REAL_DATA))
    sampler: Sampler = model.fit(pool, start=None, seed=Seed(("fit",)), workspace=toys.workspace())

    return drawn(sampler, DRAWN)
