"""VAE and flow fits beside the loops that a user would write: same network, same batches, one thread."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import zuko
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from autophagy.core.catalog import build
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.models.flow import Flow
from autophagy.models.vae import Vae

from .products import drawn, peak, products
from .timing import paired, seconds

IMAGES = 5120  # 20 batches of 256
POINTS = 10_000
RUNS = 3


def lines() -> Iterator[str]:
    torch.set_num_threads(1)
    images = build("source", "mnist").load("train")[:IMAGES]
    vae = Vae(epochs=1.0, precision="bfloat16")
    teacher = _fit(replace(vae, epochs=0.05), images)
    for what, generation, ours in (
        ("bf16, real images", REAL_DATA, vae),
        ("bf16, every batch redrawn", 0, replace(vae, redraw=True)),
        ("float32, every batch redrawn", 0, replace(vae, redraw=True, precision="float32")),
    ):
        start = teacher if generation == 0 else None
        yield _told(
            f"VAE of 647,081 weights, {what}",
            IMAGES,
            "images",
            partial(_fit, ours, images, start, generation),
            partial(_notebook, images, is_redrawn=generation == 0),
            "a notebook's torch loop in float32",
        )
    for precision in ("bfloat16", "float32"):
        yield _use(f"VAE, {precision}", replace(vae, precision=precision), images, "images", precision)
    points = build("source", "rosenbrock").draw(POINTS, Seed(("points",)))
    yield _told(
        "flow of 8 affine couplings in the plane",
        POINTS,
        "points",
        partial(_fit, Flow(epochs=1.0), points),
        partial(_zukos, points),
        "zuko's RealNVP of 8 in a torch loop (no rotations, no scales)",
    )
    yield _use("flow in the plane", Flow(epochs=1.0), points, "points", "float32")
    yield _use("flow of images in 64 directions", Flow(epochs=1.0), images, "images", "float32")


def _use(what: str, model: Model, samples: np.ndarray, unit: str, precision: str) -> str:
    """What of a large product's rate a fit uses, and how fast its sampler draws."""
    fit = partial(_fit, model, samples)
    sampler, done = fit(), products(fit)
    spent = statistics.median(seconds(fit) for _ in range(RUNS))
    share = done / spent / peak(precision)
    return (
        f"{what}: {len(samples) / spent:,.0f} {unit}/s trained, its products at {share:.1%} of a large one's rate; "
        f"{drawn(sampler, 2048):,.0f} {unit}/s drawn (n = {RUNS})"
    )


def _told(what: str, n: int, unit: str, ours: Callable[[], object], theirs: Callable[[], object], other: str) -> str:
    mine, its, ratio = paired(ours, theirs, runs=RUNS)
    return f"{what}: {n / mine:,.0f} {unit}/s against {n / its:,.0f} with {other}: {ratio:.1f}x (n = {RUNS})"


def _fit(model: Model, samples: np.ndarray, start: Sampler | None = None, generation: int = REAL_DATA) -> Sampler:
    pool = Pool.born(samples, Origin("pool", generation))
    workspace = Workspace(lambda: Path(tempfile.gettempdir()), Machine("cpu", 1e9))
    return model.fit(pool, start=start, seed=Seed(("benchmark",)), workspace=workspace)


class _Digits(Dataset[torch.Tensor]):
    """Images one at a time, as a transform to tensors gives them."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.from_numpy(self.images[row].copy()).float().div(255)


class _Notebook(nn.Module):
    """The same network out of torch's layers, channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(1, 64, 4, 2, 1), nn.Conv2d(64, 128, 4, 2, 1)
        self.mean, self.log_variance = nn.Linear(6272, 20), nn.Linear(6272, 20)
        self.begin = nn.Linear(20, 6272)
        self.up2, self.up1 = nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ConvTranspose2d(64, 1, 4, 2, 1)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.up1(F.relu(self.up2(self.begin(z).view(-1, 128, 7, 7)))))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = F.relu(self.down2(F.relu(self.down1(x)))).flatten(1)
        mean, log_variance = self.mean(x), self.log_variance(x)
        return self.decode(mean + torch.exp(log_variance / 2) * torch.randn_like(mean)), mean, log_variance


def _notebook(images: np.ndarray, *, is_redrawn: bool) -> None:
    torch.manual_seed(0)
    network, teacher = _Notebook(), _Notebook()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=1e-5)
    for real in DataLoader(_Digits(images), batch_size=256, shuffle=True):
        batch = real
        if is_redrawn:
            with torch.no_grad():
                batch = teacher.decode(torch.randn(len(real), 20))
        found, mean, log_variance = network(batch)
        loss = F.binary_cross_entropy(found, batch, reduction="sum")
        loss = loss - 0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()


def _zukos(points: np.ndarray) -> None:
    torch.manual_seed(0)
    flow = zuko.flows.RealNVP(2, transforms=8, hidden_features=(64, 64))
    optimiser = torch.optim.Adam(flow.parameters(), lr=1e-3)
    standard = torch.from_numpy(((points - points.mean(0)) / points.std(0)).astype(np.float32))
    for (batch,) in DataLoader(TensorDataset(standard), batch_size=256, shuffle=True):
        loss = -flow().log_prob(batch).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimiser.step()
        loss.item()
