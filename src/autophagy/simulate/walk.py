"""The walk: a course, generation by generation, for some replicates side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .blocks import Block, Counts, Moments, added, moments, pooled, some, some_symbols, stacked
from .course import Bite, Course, Kept, Step
from .families import Fit, real_law
from .laws import Law


@dataclass(frozen=True)
class Finished:
    """One generation of all replicates: the fit, and what it was fitted on, draw by draw."""

    step: Step
    fit: Fit
    eaten: tuple[Block, ...]


@dataclass(frozen=True)
class _Split:
    """A block of which one reader takes a part: that part, and the rest."""

    part: Moments
    rest: Moments | None  # None if the whole is never read


def walk(course: Course, replicates: int, number: int = 0) -> Iterator[Finished]:
    """Simulates one batch of replicates; batch `number` has random numbers of its own."""
    held: dict[str, Block | _Split] = {}
    for step in course.steps:
        rng = step.seed.child(number).numpy()
        for bite in step.bites:
            if bite.block not in held:
                held[bite.block] = _real(course, bite, replicates, number)
        eaten = tuple(_taken(held[bite.block], bite, rng) for bite in step.bites)
        fit = step.family.fit(_thinned(eaten, step.budget, rng))
        yield Finished(step, fit, eaten)
        for block in step.last_read:
            del held[block]
        if step.block in course.kept:
            held[step.block] = _drawn(fit.law(step.bias), step.size, course.kept[step.block], rng)


def _real(course: Course, bite: Bite, replicates: int, number: int) -> Block | _Split:
    real = course.reals[bite.block]
    seed = real.seed.child(number)
    law = real_law(real.family, real.source, replicates, seed.child("rows"))
    return _drawn(law, real.size, course.kept[bite.block], seed.numpy())


def _drawn(law: Law, size: int, kept: Kept, rng: np.random.Generator) -> Block | _Split:
    if not kept.part:
        return law.draw(size, kept.form, rng)
    part = moments(law.draw(kept.part, "moments", rng))
    return _Split(part, moments(law.draw(size - kept.part, "moments", rng)) if kept.is_whole else None)


def _taken(block: Block | _Split, bite: Bite, rng: np.random.Generator) -> Block:
    if isinstance(block, _Split):
        if bite.is_part or block.rest is None:
            return block.part
        return pooled((block.part, block.rest))
    if not bite.is_part or isinstance(block, Moments):
        return block
    return some_symbols(block, bite.count, rng) if isinstance(block, Counts) else some(block, bite.count, rng)


def _thinned(blocks: tuple[Block, ...], budget: int | None, rng: np.random.Generator) -> tuple[Block, ...]:
    if budget is None or budget >= sum(block.n for block in blocks):
        return blocks
    if isinstance(blocks[0], Counts):
        return (some_symbols(added([b for b in blocks if isinstance(b, Counts)]), budget, rng),)
    return (some(stacked(blocks), budget, rng),)
