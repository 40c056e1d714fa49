"""One number a lineage for each of several arms, put side by side by their seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .lineages import Lineages

Column = Mapping[int, float]  # seed → value; NaN for a lineage that has ended without one, absent if not yet there


@dataclass(frozen=True)
class Paired:
    """Values that exist for every seed and column: `(n, k)`."""

    seeds: tuple[int, ...]
    values: np.ndarray


def column(lineages: Lineages, score: str, generation: int, *, last: int = 1) -> dict[int, float]:
    """A score by seed: the mean over the `last` generations up to `generation`, the founder only if that is 0."""
    first = max(generation - last + 1, min(generation, 1))
    wanted = np.flatnonzero((lineages.generations <= generation) & (lineages.generations >= first))
    values = lineages.scores.get(score, np.full(lineages.reached.shape, np.nan))[:, wanted]
    means = values.sum(1) / max(len(wanted), 1)  # (s,)
    has_ended = lineages.diverged_at <= generation
    is_whole: np.ndarray = np.asarray(lineages.reached[:, wanted].all(1)) & (len(wanted) > 0)
    return {
        seed: math.nan if has_ended[i] else float(means[i])
        for i, seed in enumerate(lineages.seeds)
        if has_ended[i] or is_whole[i]
    }


def without_value(found: Column) -> int:
    """How many lineages ended without a finite value."""
    return sum(not math.isfinite(value) for value in found.values())


def paired(columns: Sequence[Column]) -> Paired:
    """The seeds that every column has a finite value of, ascending, with those values."""
    common = set.intersection(*({s for s, v in c.items() if math.isfinite(v)} for c in columns))
    seeds = tuple(sorted(common))
    values = np.array([[c[seed] for c in columns] for seed in seeds]).reshape(len(seeds), len(columns))
    return Paired(seeds, values)
