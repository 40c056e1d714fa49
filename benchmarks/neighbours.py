"""Precision, recall, density and coverage beside the `prdc` package."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import numpy as np
from prdc import compute_prdc

from autophagy.core.catalog import build
from autophagy.core.generation import Generation
from autophagy.core.pool import Origin, Pool
from autophagy.testing.toys import Toy

from .timing import paired, told


def lines() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for n, d, runs in ((1000, 84, 5), (5000, 84, 3), (5000, 512, 3)):
        real, fake = rng.standard_normal((n, d)), 0.9 * rng.standard_normal((n, d))
        result = paired(lambda r=real, f=fake: _ours(r, f), lambda r=real, f=fake: _theirs(r, f), runs=runs)
        yield told(f"all four, n = {n:,}, d = {d}", *result, "prdc", runs)


def _ours(real: np.ndarray, fake: np.ndarray) -> None:
    pools = [Pool.born(x, Origin(name, -1)) for name, x in (("real", real), ("fake", fake))]
    generation = Generation(1, pools[1], pools[0], pools[0], pools[0], Toy("vectors"))
    for name in ("precision-recall", "density-coverage"):
        build("metric", {"use": name, "encoder": "pixels"}).measure(generation)


def _theirs(real: np.ndarray, fake: np.ndarray) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        compute_prdc(real_features=real, fake_features=fake, nearest_k=5)
