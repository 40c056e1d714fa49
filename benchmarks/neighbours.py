"""Precision, recall, density and coverage beside the `prdc` package, and all pairwise distances beside SciPy's."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
from prdc import compute_prdc
from scipy.spatial.distance import pdist
from threadpoolctl import threadpool_limits

from autophagy.kernels.balls import balls
from autophagy.kernels.instructions import HALVES, multiplies
from autophagy.kernels.neighbours import radii
from autophagy.kernels.pairwise import spread

from .frechet import features
from .memory import extra_megabytes
from .timing import both_times, paired

K = 5
RUNS = 3
MANY = 50_000


def lines() -> Iterator[str]:
    yield f"products in sixteen bits: {'yes' if multiplies(HALVES, 1e12) else 'no, this processor or torch has none'}"
    for n, d, threads in ((1000, 84, 1), (5000, 84, 1), (10_000, 2048, 1), (10_000, 2048, 2)):
        rng = np.random.default_rng(0)
        normal = [rng.standard_normal((n, d), dtype=np.float32) * np.float32(s) for s in (1, 0.98)]
        alike = features(n, 1, d), 0.95 * features(n, 2, d)
        for kind, (real, fake) in (("normal", normal), ("like a network's", alike)):
            with _threads(threads):
                yield from _all_four(f"n = {n:,}, d = {d}, {kind}, ours on {threads}", real, fake)
    yield _at_scale()
    yield from _pairs()


def _all_four(what: str, real: np.ndarray, fake: np.ndarray) -> Iterator[str]:
    known = radii(real, K)
    mine, theirs = _counts(real, fake, known), _prdc(real.astype(np.float64), fake.astype(np.float64))
    if mine != theirs:
        raise AssertionError(f"{what}: ours counted {mine}, prdc {theirs}.")
    works = (lambda: radii(real, K), lambda: _counts(real, fake, known), lambda: _prdc(real, fake))
    rows = np.array([[both_times(work) for work in works] for _ in range(RUNS)])  # (run, work, wall or CPU)
    rows[:, 0] += rows[:, 1]  # cold: the reference's radii too
    (cold, _), (cached, _), (other, _) = np.median(rows, 0)
    wall, cpu = np.median(rows[:, 2:] / rows[:, :2], 0).T
    yield (
        f"all four, {what}: {cold:.3g} s, {cached:.3g} s with cached reference radii, {other:.3g} s with prdc: "
        f"{wall[0]:.1f}x, {wall[1]:.1f}x; of processor time, for prdc has every core: {cpu[0]:.1f}x, {cpu[1]:.1f}x "
        f"(n = {RUNS}); counts equal prdc's in float64"
    )
    ours = extra_megabytes(lambda: (radii(real, K), _counts(real, fake, known)))
    more = extra_megabytes(lambda: _prdc(real, fake))
    yield f"  extra memory: {ours:,.0f} MB against {more:,.0f} MB (n = 1)"


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Ours; prdc asks for eight threads whatever it is told, and so gets every core there is."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def _counts(real: np.ndarray, fake: np.ndarray, real_radii: np.ndarray) -> list[int]:
    found = balls(fake, real, radii(fake, K), real_radii)
    return [int(column.sum()) for column in (found.precise, found.recalled, found.density, found.covered)]


def _prdc(real: np.ndarray, fake: np.ndarray) -> list[int]:
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real_features=real, fake_features=fake, nearest_k=K)
    wholes = zip(("precision", "recall", "density", "coverage"), (1, 1, K, 1), strict=True)
    return [round(float(found[name]) * times * len(real)) for name, times in wholes]


AT_SCALE = f"""
import time
import numpy as np
from autophagy.kernels.balls import balls
from autophagy.kernels.neighbours import radii
from benchmarks.memory import peak_megabytes
rng = np.random.default_rng(0)
real, fake = (rng.standard_normal(({MANY}, 2048), dtype=np.float32) for _ in range(2))
began = time.perf_counter()
balls(fake, real, radii(fake, {K}), radii(real, {K}))
print(f"{{time.perf_counter() - began:.0f}} s, {{peak_megabytes():,.0f}} MB for the whole process")
"""


def _at_scale() -> str:
    told = subprocess.run([sys.executable, "-c", AT_SCALE], capture_output=True, text=True, check=True).stdout
    inputs = f"of which inputs {2 * MANY * 2048 * 4 / 1e6:,.0f} MB (n = 1)"
    return f"all four, n = {MANY:,} on both sides, d = 2048, cold: {told.strip()}, {inputs}"


def _pairs() -> Iterator[str]:
    for d in (784, 3072):
        images = np.random.default_rng(0).integers(0, 256, (5000, d)).astype(np.uint8)
        for what, rows in (("bytes", images), ("float64", images / 255)):
            plain = rows.astype(np.float64)
            ours, theirs, ratio = paired(lambda x=rows: spread(x), lambda x=plain: pdist(x).mean(), runs=RUNS)
            yield (
                f"all distances within 5,000 rows of {d} {what}: {ours:.2f} s against {theirs:.1f} s "
                f"with scipy's pdist: {ratio:.1f}x (n = {RUNS})"
            )
