"""Mixtures: what a generation trains on, said before any of it exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import PlanError
from .pool import Pool, concat
from .seeds import Seed


@dataclass(frozen=True, slots=True)
class PoolName:
    """An earlier pool, by name: the fixed real set, unseen real data, or what a generation left."""

    kind: Literal["real", "fresh", "drawn"]
    generation: int = 0
    arm: str | None = None  # None is the arm's own lineage

    def whole(self) -> Draw:
        return Draw(self)

    def some(self, size: int, *, stratified: bool = False) -> Draw:
        return Draw(self, size=size, stratified=stratified)

    def share(self, share: float, *, stratified: bool = False) -> Draw:
        return Draw(self, share=share, stratified=stratified)

    def rest(self, share: float, *, stratified: bool = False) -> Draw:
        """All but what `share` would take: of equal pools, the two are as many samples as either has."""
        return Draw(self, share=share, is_rest=True, stratified=stratified)

    def per_group(self, count: int) -> Draw:
        return Draw(self, per_group=count)

    def __str__(self) -> str:
        if self.kind != "drawn":
            return self.kind
        return f"generation {self.generation}" + (f" of arm '{self.arm}'" if self.arm else "")


REAL = PoolName("real")  # the lineage's fixed real set, the same rows every time
FRESH = PoolName("fresh")  # real rows this lineage has never seen; take `some(n)` or `per_group(k)`


def drawn(generation: int, arm: str | None = None) -> PoolName:
    """What generation `generation` left after curation, of this arm or another."""
    return PoolName("drawn", generation, arm)


@dataclass(frozen=True, slots=True)
class Draw:
    """A part of one pool, without replacement; the whole of it if nothing is said.

    Attributes:
        size: how many samples, at random.
        share: the same as a fraction of the pool, 0–1, rounded to whole samples; within each condition if stratified.
        is_rest: what such a share leaves is taken instead.
        per_group: how many samples of every condition.
        stratified: with `size` or `share`, keep the pool's proportions of conditions.
    """

    pool: PoolName
    size: int | None = None
    share: float | None = None
    per_group: int | None = None
    stratified: bool = False
    is_rest: bool = False

    def count(self, available: int, groups: Sequence[int] = ()) -> int:
        """How many samples this draw gives from a pool of `available`, of which each condition has so many."""
        if self.per_group is not None:
            return self.per_group * max(1, len(groups))
        if self.share is not None:
            sizes = groups if self.stratified and groups else (available,)
            return sum(self.of_share(size) for size in sizes)
        return available if self.size is None else self.size

    def of_share(self, size: int) -> int:
        """How many of a pool, or of a group, the share gives."""
        given = round((self.share or 0.0) * size)
        return size - given if self.is_rest else given

    def recipe(self) -> tuple[int | float | bool | str | None, ...]:
        """What it is known by in a key."""
        plain = (self.size, self.share, self.per_group, self.stratified)
        return (*plain, "rest") if self.is_rest else plain


@dataclass(frozen=True, slots=True)
class Mixture:
    """Draws stacked in order, then thinned at random to `budget` samples if set."""

    draws: tuple[Draw, ...]
    budget: int | None = None


def assemble(mixture: Mixture, pools: Sequence[Pool], seed: Seed) -> Pool:
    """Makes the training pool. `pools[i]` is what `mixture.draws[i]` draws from."""
    rng = seed.numpy()
    stacked = concat([_draw(draw, pool, rng) for draw, pool in zip(mixture.draws, pools, strict=True)])
    if mixture.budget is None or mixture.budget >= len(stacked):
        return stacked
    return stacked.take(np.sort(rng.choice(len(stacked), mixture.budget, replace=False)))


def _draw(draw: Draw, pool: Pool, rng: np.random.Generator) -> Pool:
    if draw.size is None and draw.share is None and draw.per_group is None:
        return pool
    if draw.per_group is None and not draw.stratified:
        return pool.take(_subset(np.arange(len(pool)), draw.count(len(pool)), rng, str(draw.pool)))
    if pool.condition is None:
        raise PlanError(f"{draw.pool} has no classes or captions to draw by group; draw a plain number instead.")
    groups, member = np.unique(pool.condition, return_inverse=True)  # (g,), (n,)
    wanted = _per_group(draw, np.bincount(member, minlength=len(groups)))
    rows = [
        _subset(np.flatnonzero(member == g), int(k), rng, f"group '{groups[g]}' of {draw.pool}")
        for g, k in enumerate(wanted)
    ]
    return pool.take(np.sort(np.concatenate(rows)))


def _per_group(draw: Draw, counts: np.ndarray) -> np.ndarray:
    """`(g,)` samples to take of each group; proportional sizes by largest remainder."""
    if draw.per_group is not None:
        return np.full(len(counts), draw.per_group)
    if draw.share is not None:
        return np.array([draw.of_share(size) for size in counts.tolist()], int)
    exact = (draw.size or 0) * counts / counts.sum()  # (g,)
    floor = np.asarray(np.floor(exact), int)
    short = (draw.size or 0) - int(floor.sum())
    floor[np.argsort(floor - exact, kind="stable")[:short]] += 1
    return floor


def _subset(rows: np.ndarray, size: int, rng: np.random.Generator, what: str) -> np.ndarray:
    if size > len(rows):
        raise PlanError(f"{what} has {len(rows)} samples, but {size} were asked for; ask for fewer or draw more.")
    return np.sort(rng.choice(rows, size, replace=False))
