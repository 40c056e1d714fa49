"""Curation of fresh samples, and what makes up for those that were removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autophagy.core.errors import ConfigError, DataError
from autophagy.core.parts import Curator, Sampler
from autophagy.core.pool import Pool, concat

from . import reals
from .drawing import draw_samples
from .turns import Turn


@dataclass(frozen=True)
class Curation:
    """What is left, how many were drawn for it, and how many each curator removed."""

    pool: Pool
    drawn: int
    removed: Mapping[str, int]


def curate(turn: Turn, drawn: Pool, sampler: Callable[[], Sampler], founder: Callable[[], Pool]) -> Curation:
    """Applies the arm's curators and its refill rule. Raises DataError if nothing, or too little, passes."""
    if not turn.arm.curators:
        return Curation(drawn, len(drawn), {})
    found = _passed(turn, drawn, founder)
    if turn.arm.refill == "redraw":
        found = _redrawn(turn, drawn, found, sampler, founder)
    if not len(found.pool):
        names = ", ".join(c.name for c in turn.arm.curators)
        raise DataError(f"no sample passed {names}; loosen them or draw more samples.")
    if turn.arm.refill == "repeat":
        rows = np.arange(turn.samples) % len(found.pool)
        found = Curation(found.pool.take(rows), found.drawn, found.removed)
    return found


def _redrawn(
    turn: Turn, drawn: Pool, found: Curation, sampler: Callable[[], Sampler], founder: Callable[[], Pool]
) -> Curation:
    """Draws batch after batch until enough samples pass, judging all of them together."""
    wanted, batch = turn.samples, 0
    while len(found.pool) < wanted:
        batch += 1
        if batch >= turn.arm.redraw_limit:
            raise DataError(
                f"only {len(found.pool)} of the {wanted} samples wanted passed curation after {found.drawn} draws; "
                'loosen the curators, raise redraw_limit, or say refill = "shrink".'
            )
        drawn = concat([drawn, draw_samples(turn, sampler(), batch=batch)])
        found = _passed(turn, drawn, founder)
    return Curation(found.pool.take(np.arange(wanted)), found.drawn, found.removed)


def _passed(turn: Turn, drawn: Pool, founder: Callable[[], Pool]) -> Curation:
    pool, removed, real = drawn, Counter[str](), reals.load(turn.keys.fixed)
    for i, curator in enumerate(turn.arm.curators):
        seed = turn.seeds.child("curate", i)
        left = curator.curate(pool, real=real, founder=founder(), seed=seed)
        _check(curator, pool, left)
        removed[curator.name] += len(pool) - len(left)
        pool = left
    return Curation(pool, len(drawn), removed)


def _check(curator: Curator, before: Pool, after: Pool) -> None:
    """A curator may drop and edit, not invent or repeat: otherwise provenance would be a story."""
    place = {name: i for i, name in enumerate(zip(before.origin.tolist(), before.row.tolist(), strict=True))}
    left = list(zip(after.origin.tolist(), after.row.tolist(), strict=True))
    if after.origins != before.origins or len(set(left)) != len(left) or not place.keys() >= set(left):
        raise ConfigError(f"curator '{curator.name}' returned samples it was not given, or one of them twice.")
    if after.samples.shape[1:] != before.samples.shape[1:] or after.samples.dtype.kind != before.samples.dtype.kind:
        raise ConfigError(
            f"curator '{curator.name}' was given samples of shape {before.samples.shape[1:]} and type "
            f"{before.samples.dtype}, but returned {after.samples.shape[1:]} and {after.samples.dtype}."
        )
    rows = [place[name] for name in left]
    for what in ("condition", "begun"):
        own, found = getattr(before, what), getattr(after, what)
        if (own is None) != (found is None) or (own is not None and not np.array_equal(own[rows], found)):
            raise ConfigError(f"curator '{curator.name}' returned samples with another {what} than they came with.")
