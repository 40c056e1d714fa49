"""What so many lineages can see: the smallest change that a test would find, and how many seeds a change needs.

The test is the two-sided one-sample t-test over lineages at `LEVEL`, the same
that the 95 % interval of a paired change is; its power at a true change δ of
mean, with a standard deviation σ over n lineages, is that of the noncentral t
with n − 1 degrees of freedom and noncentrality δ√n/σ (Cohen 1988). Correction
for many arms and scores needs more than this: pass its level.

σ is the one observed, which few lineages know badly: with three, its 95 %
interval reaches from half to six times the value. The smallest effect is given
with that interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .trajectories import CONFIDENCE
from .trend import LEVEL

POWER = 0.8
MOST = 100_000  # seeds


@dataclass(frozen=True)
class Detectable:
    """The smallest change of mean that n lineages would show with a chance of `POWER`, in the score's units.

    Attributes:
        effect: NaN below two lineages; low and high are for the ends of the 95 % interval of the spread.
        relative: effect over the size of what it is a change of; NaN where that is 0.
        spread: of the changes over lineages.
    """

    effect: float
    low: float
    high: float
    relative: float
    spread: float
    n: int

    def seeds_for(self, share: float) -> float:
        """How many lineages would show a change of that share of what it is a change of."""
        return seeds_needed(share * self.effect / self.relative, self.spread) if self.relative else math.nan


def detectable(changes: np.ndarray, of: float, *, level: float = LEVEL) -> Detectable:
    """From `(n,)` changes, one a lineage, of a score whose mean was `of`; those that are not finite are left out."""
    from scipy.special import chdtri

    found = changes[np.isfinite(changes)]
    n = len(found)
    if n < 2:
        return Detectable(math.nan, math.nan, math.nan, math.nan, math.nan, n)
    spread, unit = float(found.std(ddof=1)), smallest(1.0, n, level=level)
    low, high = (math.sqrt((n - 1) / chdtri(n - 1, (1 + side * CONFIDENCE) / 2)) for side in (-1, 1))
    relative = spread * unit / abs(of) if of else math.nan
    return Detectable(spread * unit, spread * unit * low, spread * unit * high, relative, spread, n)


def smallest(spread: float, n: int, *, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest change of mean that n ≥ 2 lineages with this standard deviation show with that chance."""
    from scipy.special import nctdtrinc, stdtrit

    far = stdtrit(n - 1, 1 - level / 2)
    return float(nctdtrinc(n - 1, 1 - power, far)) * spread / math.sqrt(n)


def chance(effect: float, spread: float, n: int, *, level: float = LEVEL) -> float:
    """The chance that n ≥ 2 lineages show a change of mean, and on its own side: the test's power."""
    from scipy.special import nctdtr, stdtrit

    centre = abs(effect) * math.sqrt(n) / spread if spread else math.inf
    return 1 - float(nctdtr(n - 1, centre, stdtrit(n - 1, 1 - level / 2))) if math.isfinite(centre) else 1.0


def seeds_needed(effect: float, spread: float, *, power: float = POWER, level: float = LEVEL) -> float:
    """The fewest lineages whose smallest visible change is at most `effect`; infinite above `MOST`, NaN without one."""
    if not (math.isfinite(effect) and math.isfinite(spread)):
        return math.nan
    few, many = 1, 2
    while smallest(spread, many, power=power, level=level) > abs(effect):
        few, many = many, 2 * many
        if few > MOST:
            return math.inf
    while many - few > 1:
        middle = (few + many) // 2
        is_enough = smallest(spread, middle, power=power, level=level) <= abs(effect)
        few, many = (few, middle) if is_enough else (middle, many)
    return float(many)
