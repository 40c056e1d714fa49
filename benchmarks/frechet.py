"""Fréchet distance beside the two usual routes: the square root of S₁S₂ (pytorch-fid) and its eigenvalues (others)."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import numpy as np
from scipy import linalg
from threadpoolctl import threadpool_limits

from autophagy.kernels.frechet import between, fitted, frechet
from autophagy.kernels.frechet_influence import influence_error

from .timing import seconds

RUNS = 3
D = 2048


def lines() -> Iterator[str]:
    for threads in (1, 2):
        with threadpool_limits(threads):
            yield from _many(10_000, threads)
            yield from _few(1000, threads)


def features(n: int, seed: int, d: int = D) -> np.ndarray:
    """Like a network's: not negative, correlated, axes that fall as a power; float32."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))[0]
    drawn = np.random.default_rng(seed).standard_normal((n, d)) * (1 + np.arange(d)) ** -0.5
    return np.maximum(drawn @ turn + 0.01, 0).astype(np.float32)


def _many(n: int, threads: int) -> Iterator[str]:
    a, b = features(n, 1), features(n, 2)
    cov, product, root, values = _theirs(a, b)
    known, moments = fitted(b), [(x.mean(0, dtype=np.float64), np.cov(x, rowvar=False)) for x in (a, b)]
    for what, ours, covariances in (
        ("from rows", _median(lambda: frechet(a, b)), 2),
        ("reference known", _median(lambda: frechet(a, b, known)), 1),
        ("from moments", _median(lambda: between(*moments[0], *moments[1])), 0),
    ):
        slow, other = (covariances * cov + product + step for step in (root, values))
        yield (
            f"n = {n:,}, d = {D}, {_threads(threads)}, {what}: {ours:.2f} s; sqrtm {slow:.1f} s, {slow / ours:.1f}x; "
            f"eigvals {other:.1f} s, {other / ours:.1f}x (n = {RUNS} of ours, 1 of theirs)"
        )
    if threads == 1:
        took = seconds(lambda: influence_error(a, b, known))
        yield f"  its standard error by influence: {took:.1f} s more (n = 1)"


def _few(n: int, threads: int) -> Iterator[str]:
    a, b = features(n, 1), features(n, 2)
    cov, product, root, values = _theirs(a, b)
    ours = _median(lambda: frechet(a, b))
    slow, other = (2 * cov + product + step for step in (root, values))
    yield (
        f"n = {n:,}, d = {D}, {_threads(threads)}, from rows: {ours:.2f} s; sqrtm {slow:.1f} s, {slow / ours:.0f}x; "
        f"eigvals {other:.1f} s, {other / ours:.1f}x (n = {RUNS} of ours, 1 of theirs)"
    )


def _theirs(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float, float]:
    """Seconds of a covariance, their product, its square root and its eigenvalues."""
    kept: list[np.ndarray] = []
    cov = seconds(lambda: kept.append(np.cov(a, rowvar=False)))
    s, t = kept[0], np.cov(b, rowvar=False)
    product = seconds(lambda: kept.append(s @ t))
    return cov, product, seconds(lambda: linalg.sqrtm(kept[1])), seconds(lambda: linalg.eigvals(kept[1]))


def _median(work: Callable[[], object]) -> float:
    return statistics.median(seconds(work) for _ in range(RUNS))


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"
