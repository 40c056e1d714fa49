"""Effective sample size: how many real samples would give a founder that does as well as a loop.

A learning curve is a score of real-only founders by the number n of real
samples they saw. Each lineage of a loop is held against the founders of its own
seed, so the luck of a real sample, which both share, drops out; n_e is where the
difference passes zero on the scale of log n (`monotone` says how the curve is
drawn and where its interval comes from). Nothing is said beyond the smallest and
the largest founder but "fewer" and "more".

Casco-Rodriguez, Alemohammad et al. 2023 define n_e so for Gaussians and the
Wasserstein distance; here it is read from any score that says which way is good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .monotone import FEWEST, crossing
from .paired import Column, paired, without_value
from .trajectories import interval


@dataclass(frozen=True)
class LearningCurve:
    """A score of real-only founders by what they were trained on.

    Attributes:
        better: "higher" or "lower".
        sizes: the k numbers of real samples, ascending, two or more.
        columns: for each size, the score by seed.
    """

    score: str
    better: str
    sizes: tuple[int, ...]
    columns: tuple[Column, ...]

    @cached_property
    def improves(self) -> bool:
        """Whether founders are seen to get better with more real data; if not, the curve says nothing of data's worth.

        The slope over log n, one for each lineage, has an interval above zero; below three lineages it is not seen.
        """
        place = np.log(self.sizes) - np.log(self.sizes).mean()  # (k,)
        slope = interval(self.sign * paired(self.columns).values @ place)
        return slope.n >= FEWEST and slope.low > 0

    @property
    def sign(self) -> int:
        """What values are multiplied by to make higher better."""
        return 1 if self.better == "higher" else -1


@dataclass(frozen=True)
class EffectiveSize:
    """n_e with its 95 % interval over n lineages.

    Attributes:
        size, low, high: in real samples; 0 stands for fewer than the `smallest` founder's, infinity for more than
            the `largest` one's; bounds are NaN with fewer than three lineages.
    """

    size: float
    low: float
    high: float
    n: int
    smallest: int
    largest: int


def learning_curve(founders: Mapping[int, Column], score: str, better: str) -> LearningCurve | None:
    """The curve through founders that differ in nothing but how many real samples they saw; None below two sizes.

    A size at which a founder diverged or has no finite value is left out, and so are smaller ones.
    """
    bad = max((size for size, column in founders.items() if without_value(column)), default=0)
    sizes = tuple(sorted(size for size, column in founders.items() if size > bad and column))
    return LearningCurve(score, better, sizes, tuple(founders[size] for size in sizes)) if len(sizes) > 1 else None


def effective_size(curve: LearningCurve, loop: Column) -> EffectiveSize:
    """The n_e of what a loop came to by some generation, given by seed; NaN without a seed that all have."""
    ends = curve.sizes[0], curve.sizes[-1]
    found = paired([*curve.columns, loop])
    if not found.seeds:
        return EffectiveSize(math.nan, math.nan, math.nan, 0, *ends)
    ahead = curve.sign * (found.values[:, :-1] - found.values[:, -1:])  # (s, k) how far founders are ahead of the loop
    passed = crossing(ahead, np.log(curve.sizes))
    at, low, high = (math.exp(x) if x < math.inf else x for x in (passed.at, passed.low, passed.high))
    return EffectiveSize(at, low, high, passed.n, *ends)
