"""Denoisers of about a million numbers beside those of denoising-diffusion-pytorch and diffusers, in the same loop.

Every network is trained by the same task (noise, loss, clipping, Adam, moving average), so that only it differs.
Needs both packages, without what they themselves ask for: torchvision, which one of them imports for its data loader,
is stood in for here. Seconds are processor time of one thread, since another process may be at work beside it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from autophagy.core.catalog import build
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.encoders.lenet import LeNet
from autophagy.kernels.frechet import Fitted, fitted, frechet
from autophagy.models._diffusion_network import network_of
from autophagy.models._diffusion_noise import Noising
from autophagy.models._diffusion_sampler import FittedDiffusion
from autophagy.models._diffusion_task import Denoising, rate
from autophagy.models.diffusion import SIZES, Diffusion
from autophagy.training import Average, Batches, Player, run

BATCH, RUNS, STEPS = 64, 3, 2
SHAPES = ((1, 28, 28), (3, 32, 32))
CLASSES = 10
DRAWN = 1000  # images that a Fréchet distance is measured on
FEW = (("ancestral", 500), ("ancestral", 20), ("multistep", 20), ("sde-multistep", 20), ("ddim", 20), ("heun", 10))
BUDGET = 60.0  # seconds that ours learns for where quality is compared; theirs has four times as many
RATES = {"adam": 2e-3, "muon": 5e-3}  # of learning: ours learns best by them; none was looked for theirs
Shape = tuple[int, int, int]


def lines() -> Iterator[str]:
    torch.set_num_threads(1)
    for shape in SHAPES:
        yield from _speed(shape)
    yield from _few_steps()
    yield from _quality()


# ── speed ────────────────────────────────────────────────────────────────────


def _speed(shape: Shape) -> Iterator[str]:
    peaks = {"float32": _peak(torch.float32), "bfloat16": _peak(torch.bfloat16)}
    told = ", ".join(f"{peak:.0f} in {precision}" for precision, peak in peaks.items())
    yield f"products of 2048 × 512 × 512, GFLOP/s: {told}"
    made = {name: make(shape) for name, make in NETWORKS.items()}
    tasks = {(name, p): _task(network, shape, p) for name, network in made.items() for p in peaks}
    trained: dict[tuple[str, str], list[float]] = {key: [] for key in tasks}
    looked: dict[tuple[str, str], list[float]] = {key: [] for key in tasks}
    for turn in range(RUNS + 1):  # the first is a warm-up
        for key, task in tasks.items():
            learn, look = _spent(lambda t=task: _steps(t)), _spent(lambda t=task, s=shape: _look(t, s))
            if turn:
                trained[key].append(STEPS * BATCH / learn)
                looked[key].append(BATCH / look)
    for (name, precision), found in trained.items():
        speed, share = statistics.median(found), _flops(tasks[name, precision]) / (peaks[precision] * 1e9)
        yield (
            f"{'×'.join(map(str, shape))}, {name}, {_size(made[name]):,} numbers, {precision}: "
            f"trains {speed:.0f} images/s ({100 * speed * share:.0f} % of the products' peak), "
            f"draws {statistics.median(looked[name, precision]) / 20:.1f} images/s with 20 looks (n = {RUNS})"
        )
    for ours in OURS:
        for theirs in THEIRS:
            yield "  " + _ratios(ours, theirs, trained)


def _ratios(ours: str, theirs: str, trained: dict[tuple[str, str], list[float]]) -> str:
    """Medians of the ratios within a turn."""
    told = []
    for mine, its in (("bfloat16", "float32"), ("bfloat16", "bfloat16"), ("float32", "float32")):
        pairs = zip(trained[ours, mine], trained[theirs, its], strict=True)
        told.append(f"{statistics.median(a / b for a, b in pairs):.1f}x ({mine} against {its})")
    return f"{ours} trains faster than {theirs}: {', '.join(told)}"


def _task(network: nn.Module, shape: Shape, precision: str) -> Denoising:
    images = np.random.default_rng(0).integers(0, 256, (256, *shape)).astype(np.uint8)
    return _learner(network, images, np.arange(256) % CLASSES, 1e-5, 10**6, precision, Noising.of("edm", "linear", 20))


def _learner(
    network: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    learning_rate: float,
    steps: int,
    precision: str,
    noising: Noising,
    batch: int = BATCH,
    optimiser: Literal["adam", "muon"] = "adam",
) -> Denoising:
    stepping = Diffusion(optimiser=optimiser, learning_rate=learning_rate)._optimiser(network)
    player = Player(network, stepping, average=Average(network, 0.995), clip=1.0, rate=rate(steps))
    batches = Batches(len(images), batch, Seed(("order",)))
    return Denoising(player, images, labels, CLASSES, 0.1, batches, noising, precision)  # type: ignore[arg-type]


def _steps(task: Denoising) -> None:
    for number in range(STEPS):
        task.step(number, Seed(("step", number)))


@torch.inference_mode()
def _look(task: Denoising, shape: Shape) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=task.precision == "bfloat16"):
        task.player.network(torch.randn(BATCH, *shape), torch.zeros(BATCH), torch.zeros(BATCH, dtype=torch.long))


def _flops(task: Denoising) -> float:
    """Of products and convolutions, forwards and backwards, for one image of a training step."""
    with FlopCounterMode(display=False) as counter:
        task.step(0, Seed(("flops",)))
    return counter.get_total_flops() / BATCH


def _peak(dtype: torch.dtype) -> float:
    """GFLOP/s of the best of some products."""
    a, b = torch.randn(2048, 512).to(dtype), torch.randn(512, 512).to(dtype)
    return 2 * 2048 * 512**2 / min(_spent(lambda: nn.functional.linear(a, b)) for _ in range(30)) / 1e9


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _size(network: nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters())


# ── networks ─────────────────────────────────────────────────────────────────


def _own(backbone: str, shape: Shape) -> nn.Module:
    width, depth, patch = SIZES[backbone]
    return network_of(
        backbone,  # type: ignore[arg-type]
        shape,
        classes=CLASSES,
        width=width,
        depth=depth,
        patch=patch,
        seed=Seed(("weights",)),
    )


class Lucidrains(nn.Module):
    """The Unet of denoising-diffusion-pytorch behind our networks' call; it knows no classes."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        with _torchvision_stood_in_for():
            from denoising_diffusion_pytorch import Unet

        self.network = Unet(20, dim_mults=(1, 2, 4), channels=shape[0])

    def forward(self, images: Tensor, level: Tensor, label: Tensor) -> Tensor:
        found: Tensor = self.network(images, (level + 2) * 250)
        return found


@contextmanager
def _torchvision_stood_in_for() -> Iterator[None]:
    stub, transforms, utils = (ModuleType(f"torchvision{part}") for part in ("", ".transforms", ".utils"))
    stub.transforms, stub.utils = transforms, utils  # type: ignore[attr-defined]
    mine = {module.__name__: module for module in (stub, transforms, utils)}
    before = {name: sys.modules[name] for name in mine if name in sys.modules}
    sys.modules |= mine
    yield
    for name in mine:
        del sys.modules[name]
    sys.modules |= before


OURS = {f"our {name}": lambda shape, name=name: _own(name, shape) for name in ("dit", "unet")}
THEIRS = {
    "denoising-diffusion-pytorch's Unet": Lucidrains,
    "diffusers' UNet2DModel": lambda shape: _own("diffusers", shape),
}
NETWORKS: dict[str, Callable[[Shape], nn.Module]] = {**OURS, **THEIRS}


# ── quality, on MNIST ────────────────────────────────────────────────────────


def _few_steps() -> Iterator[str]:
    """A fit for either objective; draws of DDPM's 500 steps and of few, from the same weights."""
    for objective in ("edm", "ddpm"):
        model = Diffusion(objective=objective, width=32, batch=32, epochs=10.0, average=0.995)  # type: ignore[arg-type]
        sampler = model.fit(_digits(), start=None, seed=Seed(("fit",)), workspace=_workspace())
        assert isinstance(sampler, FittedDiffusion)
        for method, steps in FEW:
            again = replace(model, sampler=method, sampling_steps=steps)  # type: ignore[arg-type]
            drawer = again._sampler(sampler.network, sampler.facts)
            yield f"{objective}, 10 epochs of 10,000 digits, {method} in {steps} steps: {_judged(drawer)}"


def _quality() -> Iterator[str]:
    """Each network learns for as long as it is given, ours a quarter of the others' time, and by either optimiser."""
    cases = [(name, "adam") for name in NETWORKS] + [(name, "muon") for name in OURS]
    for name, optimiser in cases:
        seconds = BUDGET if name in OURS else 4 * BUDGET
        network = NETWORKS[name]((1, 28, 28))
        model = Diffusion()
        pool, noising = _digits(), model._noising()
        steps = max(1, int(seconds / _seconds_of_a_step(NETWORKS[name]((1, 28, 28)), optimiser)))
        labels, speed = np.asarray(pool.condition), RATES[optimiser]
        task = _learner(network, pool.samples, labels, speed, steps, "bfloat16", noising, 32, optimiser)
        spent = _spent(lambda t=task, k=steps: run(t, steps=k, seed=Seed(("fit",)), workspace=_workspace()))
        average = task.player.average
        assert average is not None
        facts = {"shape": [1, 28, 28], "classes": list(range(CLASSES)), "counts": [1] * CLASSES}
        judged = _judged(model._sampler(average.network, facts))
        yield f"{name}, {optimiser}, {steps} steps of 32 in {spent:.0f} s: {judged}"


def _seconds_of_a_step(network: nn.Module, optimiser: Literal["adam", "muon"]) -> float:
    pool = _digits()
    noising = Noising.of("edm", "linear", 20)
    task = _learner(network, pool.samples, np.asarray(pool.condition), 1e-9, 10**6, "bfloat16", noising, 32, optimiser)
    _steps(task)
    return min(_spent(lambda: _steps(task)) for _ in range(3)) / STEPS


def _digits() -> Pool:
    source = build("source", "mnist")
    return Pool.born(source.load("train")[:10_000], Origin("real", -1), condition=source.conditions("train")[:10_000])


def _judged(sampler: object) -> str:
    """Fréchet distance of LeNet's features to held-out digits, and how many LeNet reads as the class asked for."""
    assert isinstance(sampler, FittedDiffusion)
    wanted, drawn = np.arange(DRAWN) % CLASSES, []

    def draw() -> None:
        drawn.append(sampler.sample(DRAWN, condition=wanted, bias=1.0, seed=Seed(("draw",))))

    spent, judge = _spent(draw), LeNet()
    features = judge.encode(drawn[0])
    right = float((judge.decide(features) == wanted).mean())
    distance = frechet(features, *_held_out())
    return f"LeNet-FID {distance:.1f}, {100 * right:.1f} % read as asked, {DRAWN / spent:.1f} images/s (n = {DRAWN})"


def _held_out() -> tuple[np.ndarray, Fitted]:
    features = LeNet().encode(build("source", "mnist").load("heldout"))
    return features, fitted(features)


def _workspace() -> Workspace:
    return Workspace(lambda: Path(tempfile.mkdtemp(prefix="benchmark-")))
