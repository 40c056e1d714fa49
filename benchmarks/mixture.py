"""Expectation-maximisation beside scikit-learn's, from the same kind of start."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.mixture import GaussianMixture

from autophagy.core.catalog import build
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.testing.toys import workspace

from .timing import paired, told


def lines() -> Iterator[str]:
    rng = np.random.default_rng(0)
    for k, n, d, runs in ((2, 1000, 2, 9), (25, 10_000, 2, 3)):
        x = rng.standard_normal((n, d)) + 4 * rng.integers(0, 5, (n, d))
        train = Pool.born(x, Origin("bench", -1))
        model = build("model", {"use": "gaussian-mixture", "components": k})

        def ours(model=model, train=train) -> None:  # type: ignore[no-untyped-def]
            model.fit(train, start=None, seed=Seed(("bench",)), workspace=workspace())

        def theirs(k=k, x=x) -> None:  # type: ignore[no-untyped-def]
            GaussianMixture(k, tol=1e-3, max_iter=200, random_state=0).fit(x)

        yield told(f"{k} components, n = {n:,}", *paired(ours, theirs, runs=runs), "scikit-learn", runs)
