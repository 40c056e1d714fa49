"""The best class-conditional digits of an hour of one core, and what few steps of a draw cost them.

`FOUNDER=DIR python -m benchmarks founder` keeps checkpoints, weights and draws in DIR, and goes on there after a kill;
without it all is lost with the process. `FOUNDER_BY=muon` fits for fewer epochs, by that optimiser; `FOUNDER_BY=ddpm`
likewise, with DDPM's objective and T = 500 (each in a DIR of its own). Quality is LeNet's: its Fréchet distance to the
10,000 held-out digits, with a standard error by the jackknife, and the share that it reads as the class asked for.
Whether few looks are as good as many is a question of differences smaller than the error of one draw: those two are
drawn several times.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from autophagy.core.catalog import build
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Workspace
from autophagy.encoders.lenet import LeNet
from autophagy.kernels.frechet import fitted, frechet
from autophagy.kernels.frechet_error import jackknife
from autophagy.models._diffusion_sampler import FittedDiffusion
from autophagy.models.diffusion import Diffusion

ADAM = Diffusion(width=64, batch=64, epochs=20.0, learning_rate=2e-3, average=0.999)
MUON = replace(ADAM, epochs=12.0, optimiser="muon", learning_rate=5e-3)
MODELS = {"adam": ADAM, "muon": MUON, "ddpm": replace(MUON, objective="ddpm")}
MODEL = MODELS[os.environ.get("FOUNDER_BY", "adam")]
DRAWS = (("multistep", 20), ("sde-multistep", 20), ("ddim", 20), ("ancestral", 20), ("ancestral", 500))
BIASES = (1.0, 0.8)  # and for 500 steps the first alone
REPEATED = (("sde-multistep", 20, 8), ("ancestral", 500, 3))  # and how often, at λ = 1
N, CLASSES, BLOCKS = 2000, 10, 20


def lines() -> Iterator[str]:
    folder = Path(os.environ.get("FOUNDER") or tempfile.mkdtemp(prefix="founder-"))
    folder.mkdir(parents=True, exist_ok=True)
    yield _fitted(folder)
    sampler = MODEL.load(folder / "sampler")
    assert isinstance(sampler, FittedDiffusion)
    source = build("source", "mnist")
    features = LeNet().encode(source.load("heldout"))
    for method, steps in DRAWS:
        for bias in BIASES if steps < 100 else BIASES[:1]:
            drawn, told = _drawn(folder, sampler, method, steps, bias)
            yield f"{method} in {steps} steps, λ = {bias:g}: {_judged(drawn, features)}, {told} (n = {N})"
    for method, steps, times in REPEATED:
        draws = [_drawn(folder, sampler, method, steps, 1.0, number)[0] for number in range(times)]
        yield f"{method} in {steps} steps, λ = 1, {times} draws: {_repeated(draws, features)} (n = {N} each)"
    classes = source.conditions("train")
    assert classes is not None
    yield f"real, of the training set: {_judged(source.load('train')[:N], features, classes[:N])} (n = {N})"


def _fitted(folder: Path) -> str:
    """Trains, unless that is done."""
    source = build("source", "mnist")
    pool = Pool.born(source.load("train"), Origin("real", -1), condition=source.conditions("train"))
    if (folder / "sampler").is_dir():
        return f"{MODEL.epochs:g} epochs of {len(pool):,} digits, trained before"
    (folder / "fit").mkdir(exist_ok=True)
    began = time.process_time()
    sampler = MODEL.fit(pool, start=None, seed=Seed(("founder",)), workspace=Workspace(lambda: folder / "fit"))
    (folder / "unfinished").mkdir(exist_ok=True)
    sampler.save(folder / "unfinished")
    (folder / "unfinished").rename(folder / "sampler")
    assert isinstance(sampler, FittedDiffusion)
    numbers = sum(weights.numel() for weights in sampler.network.parameters())
    spent = f"{time.process_time() - began:.0f} s of one core since it was last begun"
    return f"{MODEL.epochs:g} epochs of {len(pool):,} digits, {numbers:,} numbers: {spent}"


def _drawn(
    folder: Path, sampler: FittedDiffusion, method: str, steps: int, bias: float, number: int = 0
) -> tuple[np.ndarray, str]:
    again = (number,) if number else ()
    path = folder / f"{'-'.join(map(str, (method, steps, f'{bias:g}', *again)))}.npz"
    if not path.exists():
        drawer = replace(MODEL, sampler=method, sampling_steps=steps)._sampler(sampler.network, sampler.facts)  # type: ignore[arg-type]
        began = time.process_time()
        found = drawer.sample(N, condition=np.arange(N) % CLASSES, bias=bias, seed=Seed(("draw", *again)))
        np.savez(path, found=found, seconds=time.process_time() - began)
    kept = np.load(path)
    return kept["found"], f"{N / float(kept['seconds']):.1f} images/s"


def _repeated(draws: list[np.ndarray], real: np.ndarray) -> str:
    """Means over draws with their standard errors."""
    judge, wanted = LeNet(), np.arange(N) % CLASSES
    features = [judge.encode(drawn) for drawn in draws]
    reference = fitted(real)
    distances = np.array([frechet(one, real, reference) for one in features])
    right = np.array([100 * (judge.decide(one) == wanted).mean() for one in features])
    told = [(found.mean(), found.std(ddof=1) / len(found) ** 0.5) for found in (distances, right)]
    return f"LeNet-FID {told[0][0]:.2f} ± {told[0][1]:.2f}, {told[1][0]:.1f} ± {told[1][1]:.1f} % read as asked"


def _judged(drawn: np.ndarray, real: np.ndarray, wanted: np.ndarray | None = None) -> str:
    judge, wanted = LeNet(), np.arange(len(drawn)) % CLASSES if wanted is None else wanted
    features = judge.encode(drawn)
    plain = frechet(features, real)
    _, error = jackknife(features, real, plain, (_parts(len(features)), _parts(len(real))))
    right = float((judge.decide(features) == wanted).mean())
    return f"LeNet-FID {plain:.1f} ± {error:.1f}, {100 * right:.1f} % read as asked"


def _parts(n: int) -> np.ndarray:
    """Blocks that know nothing of classes, which come in turn."""
    return np.random.default_rng(n).permutation(n) % BLOCKS
