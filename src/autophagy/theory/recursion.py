"""The block recursion: what any fixed loop does to mean and variance, before anything runs.

A block is a set of points that was drawn once: the fixed real set, fresh real
rows, what one generation drew. Points of a block are alike, so two numbers for
each pair of blocks say all that a fit's first two moments depend on: the
covariance of two distinct points, and half their mean squared difference (from
which variances come without subtracting, so that a share of 1e-90 is right to
its last digits). `docs/theory.md` derives the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autophagy.core.errors import PlanError
from autophagy.core.parts import LinearFamily

from .closed_forms import effective_sample_size

MOST_BLOCKS = 4096  # in use at once; two matrices of this width are 268 MB


@dataclass(frozen=True, slots=True)
class Step:
    """One generation, as the recursion sees it.

    Attributes:
        block: a name for what it draws. Generations that are the same draw must
            have one name and one step; draws that share points, one block.
        size: how many samples it draws.
        taken: what it trains on, as (block, count): `count` points of the block
            without replacement, chosen anew in every step and every entry.
        budget: the stack is thinned at random to this many points.
        bias: λ of what it draws, where that is not everyone's.
    """

    block: Hashable
    size: int
    taken: tuple[tuple[Hashable, int], ...]
    budget: int | None = None
    bias: float | None = None


@dataclass(frozen=True)
class Forecast:
    """Expectations over seeds, one for each step in the order given; for one lineage the index is the generation.

    Attributes:
        mean_variance: Var(mean of the fit)/Σ0 = V.
        kept_variance: E[Σ of the fit]/Σ0 (of a KDE: of its training set, without the kernel).
        drawn_variance: the same of what it draws: λ times that, and the kernel's h².
        effective_sample_size: real points that give as good a fit; 1/V for maximum likelihood and λ = 1.
    """

    mean_variance: tuple[float, ...]
    kept_variance: tuple[float, ...]
    drawn_variance: tuple[float, ...]
    effective_sample_size: tuple[float, ...]

    @property
    def last(self) -> Forecast:
        """The last step's alone."""
        return Forecast(*((column[-1],) for column in _columns(self)))


def forecast(
    steps: Sequence[Step],
    *,
    real: Mapping[Hashable, int],
    family: LinearFamily | None = None,
    bias: float = 1.0,
    real_variance: float = 1.0,
) -> Forecast:
    """Runs the recursion over steps that each read real blocks and blocks of steps before them.

    `real` gives the sizes of the real blocks, which are independent of one
    another. `family` is maximum likelihood if absent, `bias` is λ of steps without one of their own, and
    `real_variance` is Σ0 on the axis in question (only needed where the family
    adds a kernel). Raises ValueError for steps out of order or more points than a
    block has; PlanError where no variance can be fitted or too many blocks stay in use.
    """
    family = family or LinearFamily()
    if family.added and not real_variance > 0:
        raise PlanError("the real data have no variance of which shares could be kept")
    points, rows = _Points(real, steps), []
    for step in steps:
        fit = points.fit(step)
        kept = fit.within * _divisor(step, fit.size, family)
        strength = bias if step.bias is None else step.bias
        spread = kept * (strength if family.takes_bias else 1.0)
        spread += strength * family.added / real_variance if family.added else 0.0
        points.forget_unread()
        points.draw(step, fit, spread)
        n_e = effective_sample_size(fit.mean_variance, kept, unbiased=family.is_unbiased)
        rows.append((fit.mean_variance, kept, spread, n_e))
    return Forecast(*(tuple(row[i] for row in rows) for i in range(4)))


def lineage(steps: Sequence[Step], block: Hashable) -> list[Step]:
    """The steps that `block` descends from, its own included, in the order given; all others only cost time."""
    needed, found = {block}, []
    for step in reversed(steps):
        if step.block in needed:
            found.append(step)
            needed.update(name for name, _ in step.taken)
    return found[::-1]


def limit(
    history: Callable[[int], tuple[Sequence[Step], Mapping[Hashable, int]]],
    *,
    family: LinearFamily | None = None,
    bias: float = 1.0,
    tolerance: float = 1e-12,
    longest: int = 65_536,
) -> Forecast | None:
    """Where a loop ends: a forecast of one step, or None if it has not settled by `longest` generations.

    `history(generations)` gives a loop's first steps, that many, and their real
    blocks. It is settled when the second half of them moved V and the kept
    variance by less than `tolerance`.
    """
    generations = 64
    while generations <= longest:
        steps, real = history(generations)
        found = forecast(steps, real=real, family=family, bias=bias)
        half = generations // 2
        if all(abs(c[-1] - c[half]) < tolerance for c in (found.mean_variance, found.kept_variance)):
            return found.last
        generations *= 2
    return None


def _columns(found: Forecast) -> tuple[tuple[float, ...], ...]:
    return found.mean_variance, found.kept_variance, found.drawn_variance, found.effective_sample_size


def _divisor(step: Step, size: int, family: LinearFamily) -> float:
    if not family.is_unbiased:
        return 1.0
    if size < 2:
        raise PlanError("a fit has 1 sample, but an unbiased covariance needs at least 2.")
    return size / (size - 1)


class _Fit(NamedTuple):
    mean_variance: float  # V
    within: float  # E[covariance with divisor N]/Σ0
    size: int  # N
    across: np.ndarray  # (2, slots) how the fit's mean goes with a point of every block


class _Points:
    """What is known of the points of every block that a step to come will read.

    `_table[0]` has the covariance of two distinct points, `_table[1]` half their
    mean squared difference, both `(slots, slots)`. `_sum` is `_table` times
    `_count`, kept from the step before: a loop that only adds blocks pays for the new ones.
    """

    def __init__(self, real: Mapping[Hashable, int], steps: Sequence[Step]) -> None:
        self._real = real
        self._last = {block: i for i, step in enumerate(steps) for block, _ in step.taken}
        self._ending: dict[int, list[Hashable]] = {}
        for block, i in self._last.items():
            self._ending.setdefault(i, []).append(block)
        self._drawn: set[Hashable] = set()
        self._now = 0
        self._slot: dict[Hashable, int] = {}
        self._free: list[int] = []
        self._size = np.ones(0)
        self._table = np.zeros((2, 0, 0))
        self._count = np.zeros(0)
        self._sum = np.zeros((2, 0))

    def fit(self, step: Step) -> _Fit:
        """Moments of the fit on what `step` takes. Repeats are pairs of training points that are one and the same."""
        count, repeats = self._counts(step)
        total = float(count.sum())
        if total < 1:
            raise PlanError(f"{step.block} trains on no samples; let it take at least one.")
        sums = self._summed(count)
        gap = np.diagonal(self._table[1])  # (slots,) a point's variance, less its covariance with others of its block
        same = float(repeats @ gap)
        covariance, apart = (sums @ count).tolist()
        mean_variance, within = (covariance + same) / total**2, max(apart - same, 0.0) / total**2
        itself = count * gap / (self._size * total)
        across = sums / total
        across[0] += itself
        across[1] -= itself
        if step.budget is None or step.budget >= total:
            return _Fit(mean_variance, within, int(total), across)
        distinct = within / (1 - 1 / total)  # variance around the mean of infinitely many points like these
        thinned = distinct * (1 - 1 / step.budget)
        return _Fit(mean_variance + (within - thinned), thinned, step.budget, across)

    def draw(self, step: Step, fit: _Fit, spread: float) -> None:
        """Adds the block that a fit draws: its mean, and around it `spread` of each point's own."""
        if step.block in self._drawn or step.block in self._real:
            raise ValueError(f"block {step.block!r} is drawn twice; give every draw its own name.")
        self._drawn.add(step.block)
        if self._last.get(step.block, -1) >= self._now:
            fit.across[1] += (spread - fit.within) / 2
            self._enter(step.block, step.size, fit.across, (fit.mean_variance, spread))

    def forget_unread(self) -> None:
        """Ends a step: what no later one reads makes room."""
        for block in self._ending.get(self._now, ()):
            slot = self._slot.pop(block)
            self._free.append(slot)
            if self._count[slot]:
                self._start_over()
        self._now += 1

    def _counts(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        """`(slots,)` points taken of each block, and the expected number of pairs that are one point twice."""
        for block, _ in step.taken:
            if block not in self._slot:
                self._enter_real(block, step)
        slots = np.array([self._slot[block] for block, _ in step.taken], np.intp)
        counts = np.array([count for _, count in step.taken], float)
        if (counts > self._size[slots]).any():
            block, asked = step.taken[int(np.argmax(counts > self._size[slots]))]
            size = int(self._size[self._slot[block]])
            raise ValueError(f"{step.block!r} takes {asked} of {block!r}, which has {size}.")
        width = len(self._size)
        count = np.bincount(slots, counts, width)
        return count, count + (count**2 - np.bincount(slots, counts**2, width)) / self._size

    def _summed(self, count: np.ndarray) -> np.ndarray:
        """`_table` times `count`, `(2, slots)`."""
        if (count < self._count).any():
            self._start_over()
        more = count - self._count
        new = np.flatnonzero(more)
        rows = slice(None) if 2 * len(new) > len(more) else new  # no copy of nearly everything
        self._sum += more[rows] @ self._table[:, rows]
        self._count = count
        return self._sum

    def _start_over(self) -> None:
        # a sum shrunk by subtraction would keep the rounding errors of its largest days
        self._sum.fill(0)
        self._count.fill(0)

    def _enter_real(self, block: Hashable, step: Step) -> None:
        if block not in self._real:
            raise ValueError(f"{step.block!r} reads {block!r}, which is neither real nor drawn by a step before it.")
        variance = self._table[0].diagonal() + self._table[1].diagonal()
        self._enter(block, self._real[block], np.stack((np.zeros_like(variance), (1 + variance) / 2)), (0.0, 1.0))

    def _enter(self, block: Hashable, size: int, across: np.ndarray, own: tuple[float, float]) -> None:
        if not self._free:
            across = np.pad(across, ((0, 0), (0, self._widen())))
        slot = self._slot[block] = self._free.pop()
        self._table[:, slot] = across
        self._table[:, :, slot] = across
        self._table[:, slot, slot] = own
        self._size[slot] = max(size, 1)
        self._sum[:, slot] = self._table[:, slot] @ self._count

    def _widen(self) -> int:
        width = len(self._size)
        more = min(max(width, 4), MOST_BLOCKS - width)
        if more <= 0:
            raise PlanError(
                f"the forecast keeps at most {MOST_BLOCKS} blocks in use at once, but this loop needs more."
            )
        self._table = np.pad(self._table, ((0, 0), (0, more), (0, more)))
        self._size = np.pad(self._size, (0, more), constant_values=1.0)
        self._count = np.pad(self._count, (0, more))
        self._sum = np.pad(self._sum, ((0, 0), (0, more)))
        self._free = list(range(width + more - 1, width - 1, -1))
        return more
