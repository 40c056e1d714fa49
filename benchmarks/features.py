"""Kernels on features beside the packages that work them out: KID, Vendi, sliced and exact Wasserstein, moments."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import ot
from vendi_score import vendi as vendi_score

from autophagy.core.seeds import Seed
from autophagy.kernels.kid import kid, over_subsets
from autophagy.kernels.moments import Stream, moments
from autophagy.kernels.vendi import vendi
from autophagy.kernels.wasserstein import directions, exact_w2, projected, sliced_w2

from .frechet import features
from .timing import paired, seconds, told


def lines() -> Iterator[str]:
    yield from _vendi()
    yield from _sliced()
    yield from _exact()
    yield from _kid()
    yield from _moments()


def _vendi() -> Iterator[str]:
    x = features(10_000, 1).astype(np.float64)
    ours, whole, dual = (
        seconds(work) for work in (lambda: vendi(x), lambda: vendi_score.score_X(x), lambda: vendi_score.score_dual(x))
    )
    yield told("Vendi, n = 10,000, d = 2048", ours, whole, whole / ours, "vendi-score's score_X", 1)
    yield told("  beside the form that has the smaller side, too", ours, dual, dual / ours, "its score_dual", 1)


def _sliced() -> Iterator[str]:
    for n, d in ((10_000, 64), (5000, 784)):
        a, b, onto = features(n, 1, d), features(n, 2, d), directions(d, 1000, Seed(("bench",)))
        wide = [x.astype(np.float64) for x in (a, b)]
        result = paired(
            lambda a=a, b=b, onto=onto: sliced_w2(projected(a, onto), projected(b, onto)),
            lambda wide=wide, onto=onto: ot.sliced_wasserstein_distance(*wide, projections=onto.T),
            runs=1,
        )
        yield told(f"sliced W2, 1,000 directions, n = {n:,}, d = {d}", *result, "POT", 1)


def _exact() -> Iterator[str]:
    a, b = (features(1000, seed, 64).astype(np.float64) for seed in (1, 2))
    result = paired(lambda: exact_w2(a, b), lambda: ot.emd2([], [], ot.dist(a, b)), runs=3)
    yield told("exact W2, n = 1,000, d = 64", *result, "POT", 3)


def _kid() -> Iterator[str]:
    a, b = features(5000, 1, 512), features(5000, 2, 512)
    rng = np.random.default_rng(0)
    subsets = [tuple(rng.choice(5000, 1000, replace=False) for _ in range(2)) for _ in range(100)]
    result = paired(lambda: kid(a, b), lambda: over_subsets(a, b, subsets), runs=1)
    yield told("KID of all pairs with its error, n = 5,000, d = 512", *result, "100 subsets of 1,000", 1)


def _moments() -> Iterator[str]:
    batch, n = features(10_000, 1), 1_000_000

    def streamed() -> None:
        stream = Stream()
        for _ in range(n // len(batch)):
            stream.add(batch)
        stream.moments()

    took, peak = _with_peak(streamed)
    yield f"moments of {n:,} x 2,048 float32 rows streamed: {took:.0f} s, at most {peak:.0f} MiB (n = 1)"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.lib.format.open_memmap(path, "w+", np.float32, (100_000, 2048)).flush()  # zeros take no room on the disk
        took, peak = _with_peak(lambda: moments(np.load(path, mmap_mode="r")))
    yield f"  of 100,000 x 2,048 in a mapped file: {took:.0f} s, at most {peak:.0f} MiB (n = 1)"
    result = paired(lambda: moments(batch), lambda: np.cov(batch, rowvar=False), runs=3)
    yield told("  of 10,000 x 2,048", *result, "np.cov", 3)


def _with_peak(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and MiB that were allocated at once."""
    tracemalloc.start()
    took = seconds(work)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return took, peak
