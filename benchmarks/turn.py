"""What the engine itself costs, beside the plain loop a paper's script would have."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from autophagy import Experiment

from .timing import seconds

TURNS = 300


def lines() -> Iterator[str]:
    experiment = Experiment.of(
        {
            "generations": TURNS - 1,
            "base": {"source": "normal", "model": "gaussian", "real": 100, "metrics": ["moments"], "gallery": 0},
            "arms": {"synthetic": {"loop": "fully-synthetic"}},
        }
    )
    plain = min(seconds(_plain) for _ in range(3)) / TURNS
    memory = min(seconds(experiment.run) for _ in range(3)) / TURNS
    with tempfile.TemporaryDirectory() as folder:
        disk = min(seconds(lambda i=i: experiment.run(Path(folder) / str(i))) for i in range(3)) / TURNS
        again = seconds(lambda: experiment.run(Path(folder) / "0")) / TURNS
    yield f"a small Gaussian's turn: {plain * 1e3:.2f} ms as a plain NumPy loop (n = 3 runs of {TURNS} turns)"
    yield f"  through the engine in memory: {memory * 1e3:.2f} ms"
    yield f"  durable on disk: {disk * 1e3:.2f} ms, so the engine's own cost is {(disk - plain) * 1e3:.2f} ms"
    yield f"  found finished by a second run: {again * 1e3:.2f} ms"


def _plain() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 2))
    reference = rng.standard_normal((5000, 2))
    for _ in range(TURNS):
        mean, root = x.mean(0), np.linalg.cholesky(np.cov(x.T, ddof=0))
        x = mean + rng.standard_normal((100, 2)) @ root.T
        np.linalg.norm(x.mean(0) - reference.mean(0)), x.var(0).sum() / reference.var(0).sum()
