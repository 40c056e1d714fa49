"""Records as arrays: one arm's scores by lineage and generation."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from autophagy.core.generation import Record

MOST = 1e150  # of a score: its square must be a number, too


class Placed(Protocol):
    """A metric with its axis; `archive.run_folder.Measure` is one."""

    @property
    def axis(self) -> str: ...
    @property
    def axes(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Lineages:
    """All lineages of one arm.

    Attributes:
        seeds: the s lineages, by their seeds.
        generations: `(g,)` the numbers that any lineage has a record of, ascending.
        scores: name → `(s, g)`; NaN where there is no record, or no value that is finite and at most `MOST`.
        diverged_at: `(s,)` the generation at which a lineage diverged, infinity if it did not.
        reached: `(s, g)` whether a finished record exists.
    """

    arm: str
    seeds: tuple[int, ...]
    generations: np.ndarray
    scores: Mapping[str, np.ndarray]
    diverged_at: np.ndarray
    reached: np.ndarray

    @property
    def diverged(self) -> np.ndarray:
        """`(g,)` how many lineages have diverged by each generation."""
        counts: np.ndarray = (self.diverged_at[:, None] <= self.generations).sum(0)
        return counts

    @property
    def is_founder(self) -> bool:
        """Whether there is nothing after generation 0, as in the points of a learning curve."""
        return bool(self.generations[-1] == 0 and not np.isfinite(self.diverged_at).any())


def by_arm(records: Iterable[Record]) -> dict[str, Lineages]:
    """Groups records by arm, in the order in which the arms first appear."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.arm, []).append(record)
    return {arm: _lineages(arm, of_arm) for arm, of_arm in found.items()}


def of_scores(lineages: Lineages, names: Container[str]) -> Lineages:
    """The same with these scores alone."""
    return replace(lineages, scores={name: x for name, x in lineages.scores.items() if name in names})


def split(score: str) -> tuple[str, str]:
    """The metric and the value of a score's name: "frechet[lenet].distance" → "frechet[lenet]", "distance"."""
    label, _, value = score.rpartition(".")
    return label, value


def axis_of(measure: Placed, score: str) -> str:
    """The axis a score is about: its metric's, but for values that speak of another."""
    return measure.axes.get(split(score)[1], measure.axis)


def bare(label: str) -> str:
    """A metric's name without its settings and its probe: "frechet[lenet]@other" → "frechet"."""
    return label.partition("[")[0].partition("@")[0]


def unlabelled(score: str) -> str:
    """A score as its metric declares it: "frechet[lenet]@other.distance" → "frechet.distance"."""
    label, value = split(score)
    return f"{bare(label)}.{value}"


def _lineages(arm: str, records: list[Record]) -> Lineages:
    seeds = tuple(sorted({r.seed for r in records}))
    generations = sorted({r.generation for r in records})  # not a range: a record may claim any number
    row, column = ({x: i for i, x in enumerate(axis)} for axis in (seeds, generations))
    shape = len(seeds), len(generations)
    scores = {name: np.full(shape, np.nan) for name in dict.fromkeys(n for r in records for n in r.scores)}
    diverged_at, reached = np.full(len(seeds), np.inf), np.zeros(shape, bool)
    for record in records:
        i = row[record.seed]
        if record.status == "diverged":
            diverged_at[i] = min(diverged_at[i], record.generation)
            continue
        j = column[record.generation]
        reached[i, j] = True
        for name, value in record.scores.items():
            if abs(value) <= MOST:  # not NaN either
                scores[name][i, j] = value
    return Lineages(arm, seeds, np.array(generations), scores, diverged_at, reached)
