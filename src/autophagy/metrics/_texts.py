"""What metrics of texts share: the units of pools, numbered alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.text.units import Rows, Unit, numbered, types_of


def rows_of(pools: Sequence[Pool], unit: Unit) -> list[Rows]:
    """The texts of pools as rows of numbers, one number for each unit in all of them; tokens are units as they are."""
    known = [types for types in (types_of(pool.samples, unit) for pool in pools) if len(types)]
    types = np.unique(np.concatenate(known)) if known else np.zeros(0, np.int64)
    return [numbered(pool.samples, types, unit) for pool in pools]


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """The mean of the numbers among `(n,)`, and its standard error over fresh samples; NaN where there are too few."""
    found = values[~np.isnan(values)]
    mean = float(found.mean()) if len(found) else float("nan")
    return mean, float(found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else float("nan")


def some_texts(texts: np.ndarray, limit: int, seed: Seed) -> list[str]:
    """At most so many of `(n,)` texts, the same ones in whatever order they come."""
    found = sorted(texts.tolist())
    if len(found) <= limit:
        return found
    return [found[row] for row in np.sort(seed.numpy().choice(len(found), limit, replace=False)).tolist()]
