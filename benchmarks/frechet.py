"""Fréchet distance beside the two usual routes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import linalg

from autophagy.kernels.frechet import frechet

from .timing import paired, told

Moments = tuple[np.ndarray, np.ndarray]


def lines() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for n, d, runs in ((2000, 84, 5), (10_000, 512, 3), (1000, 2048, 1)):
        a, b = (rng.standard_normal((n, d)) @ np.diag(np.linspace(0.1, 1, d)) for _ in range(2))
        what = f"n = {n:,}, d = {d}"
        yield told(
            what, *paired(lambda a=a, b=b: frechet(a, b), lambda a=a, b=b: _sqrtm(a, b), runs=runs), "sqrtm", runs
        )
        yield told(
            what, *paired(lambda a=a, b=b: frechet(a, b), lambda a=a, b=b: _eigvals(a, b), runs=runs), "eigvals", runs
        )


def _moments(x: np.ndarray) -> Moments:
    return x.mean(0), np.cov(x, rowvar=False)


def _sqrtm(a: np.ndarray, b: np.ndarray) -> float:
    (m, s), (n, t) = _moments(a), _moments(b)
    return float(((m - n) ** 2).sum() + np.trace(s + t - 2 * linalg.sqrtm(s @ t).real))


def _eigvals(a: np.ndarray, b: np.ndarray) -> float:
    (m, s), (n, t) = _moments(a), _moments(b)
    return float(((m - n) ** 2).sum() + np.trace(s + t) - 2 * np.sqrt(linalg.eigvals(s @ t).real.clip(0)).sum())
