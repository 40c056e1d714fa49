"""Drawing samples block by block, so that any number of workers would draw the same ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from autophagy.core.errors import ConfigError, Diverged
from autophagy.core.known import Tokenised
from autophagy.core.parts import Begin, Sampler
from autophagy.core.pool import Origin, Pool
from autophagy.core.seeds import Seed

from . import reals
from .turns import Turn

KINDS = "fiubU"  # of arrays that samples may be: floats, whole numbers, texts
BLOCK = 1024  # samples with one seed; changing it changes every draw


def draw_samples(turn: Turn, sampler: Sampler, *, batch: int = 0) -> Pool:
    """Draws a generation's samples; batch 1, 2, … goes on where the one before ended."""
    n = turn.samples
    condition = _followed(turn, n, first=batch * n)
    begin, begun = _begin(turn, n, first=batch * n)
    samples = _blocks(turn, sampler, n, condition, turn.seeds.child("draw", batch), begin)
    pool = Pool.born(samples, Origin(turn.draw, turn.number), condition=condition, rows=np.arange(n) + batch * n)
    return pool if begun is None else Pool(pool.samples, pool.origin, pool.row, pool.origins, condition, begun)


def draw_probe(turn: Turn, name: str, key: str, sampler: Sampler) -> Pool:
    probe = turn.arm.probes[name]
    condition = np.repeat(np.array(probe.conditions), probe.each) if probe.conditions else None
    return _fixed_draw(turn, key, probe.size, condition, sampler)


def draw_gallery(turn: Turn, key: str, sampler: Sampler) -> Pool:
    """Samples for people to look at: every condition in turn."""
    n, condition = turn.arm.gallery, None
    if turn.keys.conditions is not None:
        groups = np.unique(np.asarray(reals.load(turn.keys.fixed).condition))
        condition = groups[np.arange(n) % len(groups)]
    drawn, source = _fixed_draw(turn, key, n, condition, sampler), turn.arm.source
    if isinstance(source, Tokenised) and drawn.samples.ndim > 1:
        return drawn.edited(source.texts(drawn.samples))  # a report has no source to ask
    return drawn


def _fixed_draw(turn: Turn, key: str, n: int, condition: np.ndarray | None, sampler: Sampler) -> Pool:
    """Draws from a seed that is the same in every generation and arm, so that only the model differs.

    And in every probe and the gallery: what asks for the same conditions is drawn the same samples.
    """
    seed = Seed(("lineage", turn.seed, "probe"))
    samples = _blocks(turn, sampler, n, condition, seed, None)
    return Pool.born(samples, Origin(key, turn.number), condition=condition)


def _followed(turn: Turn, n: int, first: int) -> np.ndarray | None:
    """`(n,)` conditions: those of the fixed real set, as often or evenly; None for models without."""
    if turn.keys.conditions is None:
        return None
    of_real = reals.load(turn.keys.fixed).condition
    if of_real is None:
        return None
    return reals.following(of_real, np.arange(first, first + n), evenly=turn.keys.evenly)


def _begin(turn: Turn, n: int, first: int) -> tuple[Begin, np.ndarray] | tuple[None, None]:
    """Real samples to begin generation 0's from, and their rows."""
    strength = turn.arm.seeding
    if turn.number > 0 or strength is None:
        return None, None
    real = reals.load(turn.keys.fixed)
    rows = np.arange(first, first + n) % len(real)
    return Begin(real.samples[rows], strength), real.row[rows]


def _check_like(turn: Turn, drawn: np.dtype[Any]) -> None:
    """Images are going to be mixed with real ones: floats from 0 to 1 among bytes would be black, and no error."""
    if turn.arm.source.space != "images":
        return
    real, model = reals.load(turn.keys.fixed).samples.dtype, turn.arm.model
    if not np.can_cast(drawn, real, "same_kind"):
        raise ConfigError(
            f"model '{model.name}' drew samples of type {drawn}, but the real ones are {real}; its sample() must "
            "return what fit() was given."
        )


def _blocks(
    turn: Turn, sampler: Sampler, n: int, condition: np.ndarray | None, seed: Seed, begin: Begin | None
) -> np.ndarray:
    parts = []
    for block, first in enumerate(range(0, n, BLOCK)):
        rows = slice(first, min(first + BLOCK, n))
        drawn = sampler.sample(
            rows.stop - first,
            condition=None if condition is None else condition[rows],
            bias=turn.arm.bias,
            seed=seed.child(block),
            begin=None if begin is None else Begin(begin.samples[rows], begin.strength),
        )
        if not isinstance(drawn, np.ndarray) or drawn.dtype.kind not in KINDS:
            what = f"an array of {drawn.dtype}" if isinstance(drawn, np.ndarray) else f"a {type(drawn).__name__}"
            raise ConfigError(
                f"{type(sampler).__name__}.sample() returned {what}; it must be a NumPy array of numbers or texts."
            )
        parts.append(drawn)
    samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if len(samples) != n:
        raise ConfigError(f"{type(sampler).__name__}.sample() was asked for {n} samples and returned {len(samples)}.")
    _check_like(turn, samples.dtype)
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise Diverged("the samples are not all finite.")
    return samples
