"""Mixtures: what a generation trains on, said before any of it exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np

from .errors import ConfigError, PlanError
from .pool import Pool, concat
from .seeds import Seed
from .settings import fitted, shown


@dataclass(frozen=True, slots=True)
class PoolName:
    """An earlier pool, by name: the fixed real set, unseen real data, or what a generation left."""

    kind: Literal["real", "fresh", "drawn"]
    generation: int = 0
    arm: str | None = None  # None is the arm's own lineage

    def whole(self) -> Draw:
        return _whole(self) if type(self.generation) is int else Draw(self)  # 0.0 and True are equal to others

    def some(self, size: int, *, stratified: bool = False) -> Draw:
        return Draw(self, size=size, stratified=stratified)

    def as_real(self) -> Draw:
        """As many as the fixed real set has; of every condition, if that was taken so."""
        return Draw(self, as_real=True)

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
FRESH = PoolName("fresh")  # real rows this lineage has never seen; take `some(n)`, `per_group(k)` or `as_real()`


def drawn(generation: int, arm: str | None = None) -> PoolName:
    """What generation `generation` left after curation, of this arm or another."""
    return PoolName("drawn", generation, arm)


@dataclass(frozen=True, slots=True)
class Draw:
    """A part of one pool, without replacement; the whole of it if nothing is said.

    Attributes:
        size: how many samples, at random.
        share: the same as a fraction of the pool, 0–1, rounded to whole samples.
        is_rest: what such a share leaves is taken instead.
        per_group: how many samples of every condition.
        stratified: with `size` or `share`, keep the pool's proportions of conditions.
        as_real: as many as the fixed real set has, which a plan puts in the place of this.
    """

    pool: PoolName
    size: int | None = None
    share: float | None = None
    per_group: int | None = None
    stratified: bool = False
    is_rest: bool = False
    as_real: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.pool, PoolName):
            raise ConfigError(f"a draw must be of a pool, such as REAL or drawn(0), but is of {shown(self.pool)}.")
        _keep_numbers(self, "of a draw", size=int, per_group=int, share=float)
        if sum(each is not None for each in (self.size, self.share, self.per_group, self.as_real or None)) > 1:
            raise ConfigError(f"a draw of {self.pool} takes a size, a share or so many per_group; say one of them.")
        if self.is_rest and self.share is None:
            raise ConfigError(f"a draw of {self.pool} takes the rest of a share; say of which.")

    def sized(self, real: int, per_group: int | None = None) -> Draw:
        """The same with its number, where that is the fixed real set's."""
        if not self.as_real:
            return self
        return replace(self, as_real=False, size=real if per_group is None else None, per_group=per_group)

    def count(self, available: int, groups: Sequence[int] = ()) -> int:
        """How many samples this draw gives from a pool of `available`, of which each condition has so many."""
        if self.per_group is not None:
            return self.per_group * max(1, len(groups))
        if self.share is not None:
            given = round(self.share * available)
            return available - given if self.is_rest else given
        return available if self.size is None else self.size

    def of_groups(self, counts: np.ndarray) -> np.ndarray:
        """`(g,)` how many of each condition it takes, of `counts`; proportions are kept by largest remainder."""
        if self.per_group is not None:
            return np.full(len(counts), self.per_group)
        if self.is_rest:  # exactly what the share leaves, group by group
            left: np.ndarray = counts - replace(self, is_rest=False).of_groups(counts)
            return left
        return apportioned(self.count(int(counts.sum())), counts)

    def recipe(self) -> tuple[int | float | bool | str | None, ...]:
        """What it is known by in a key."""
        plain = (self.size, self.share, self.per_group, self.stratified)
        by_group = ("of all",) if self.share is not None and self.stratified else ()  # and not rounded in each group
        return (*plain, *by_group, *(("rest",) if self.is_rest else ()))


@dataclass(frozen=True, slots=True)
class Mixture:
    """Draws stacked in order, then thinned at random to `budget` samples if set.

    With `as_real` a plan sets it to as many as the fixed real set has.
    """

    draws: tuple[Draw, ...]
    budget: int | None = None
    as_real: bool = False

    def __post_init__(self) -> None:
        draws = tuple(self.draws) if isinstance(self.draws, (tuple, list)) else self.draws
        if not isinstance(draws, tuple) or not all(isinstance(draw, Draw) for draw in draws):
            raise ConfigError(f"a mixture must be a row of draws, such as (REAL.whole(),), but is {shown(self.draws)}.")
        object.__setattr__(self, "draws", draws)
        _keep_numbers(self, "of a mixture", budget=int)
        if self.as_real and self.budget is not None:
            raise ConfigError("a mixture has a budget or one as_real; say one of them.")

    def sized(self, real: int, per_group: int | None = None) -> Mixture:
        """The same with all its numbers, for a fixed real set of so many samples, perhaps so many of every group."""
        if not self.as_real and not any(draw.as_real for draw in self.draws):
            return self
        return Mixture(tuple(draw.sized(real, per_group) for draw in self.draws), real if self.as_real else self.budget)


_whole = lru_cache(maxsize=8192)(Draw)  # a loop that eats everything asks for the same ones every generation


def apportioned(size: int, counts: np.ndarray) -> np.ndarray:
    """`(g,)` whole numbers in the proportions of `counts` that add up to `size`, by largest remainder."""
    exact = size * counts / max(1, counts.sum())  # (g,)
    whole = np.asarray(np.floor(exact), int)
    whole[np.argsort(whole - exact, kind="stable")[: size - int(whole.sum())]] += 1
    return whole


def _keep_numbers(owner: Draw | Mixture, where: str, **kinds: Any) -> None:
    """Makes numbers of numpy's plain ones; raises ConfigError for what is none, half a sample among it."""
    for name, kind in kinds.items():
        value = getattr(owner, name)
        if value is not None:
            object.__setattr__(owner, name, fitted(value, kind, f"{name} {where}"))


def assemble(mixture: Mixture, pools: Sequence[Pool], seed: Seed) -> Pool:
    """Makes the training pool. `pools[i]` is what `mixture.draws[i]` draws from."""
    rng = cache(seed.numpy)  # one, made where something is left to chance
    stacked = concat([_draw(draw, pool, rng) for draw, pool in zip(mixture.draws, pools, strict=True)])
    if mixture.budget is None or mixture.budget >= len(stacked):
        return stacked
    return stacked.take(np.sort(rng().choice(len(stacked), mixture.budget, replace=False)))


def _draw(draw: Draw, pool: Pool, rng: Callable[[], np.random.Generator]) -> Pool:
    if draw.size is None and draw.share is None and draw.per_group is None:
        return pool
    if draw.per_group is None and not draw.stratified:
        return pool.take(_subset(np.arange(len(pool)), draw.count(len(pool)), rng, str(draw.pool), draw.pool))
    if pool.condition is None:
        raise PlanError(f"{draw.pool} has no classes or captions to draw by group; draw a plain number instead.")
    groups, member = np.unique(pool.condition, return_inverse=True)  # (g,), (n,)
    wanted = draw.of_groups(np.bincount(member, minlength=len(groups)))
    rows = [
        _subset(np.flatnonzero(member == g), int(k), rng, f"group '{groups[g]}' of {draw.pool}", draw.pool)
        for g, k in enumerate(wanted)
    ]
    return pool.take(np.sort(np.concatenate(rows)))


def _subset(
    rows: np.ndarray, size: int, rng: Callable[[], np.random.Generator], what: str, pool: PoolName
) -> np.ndarray:
    if size > len(rows):
        more = 'say refill = "redraw" if curators took some away, or ask for fewer' if pool.kind == "drawn" else ""
        raise PlanError(
            f"{what} has {len(rows)} samples, but {size} were asked for; {more or 'ask for fewer or draw more'}."
        )
    return np.sort(rng().choice(rows, size, replace=False))
