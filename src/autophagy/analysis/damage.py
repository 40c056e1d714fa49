"""Damage that a line does not see, and where it begins: the worst generation, and the change point.

Everything here is about the paired loss: how much worse a generation is than the
same lineage's founder.

**Dip.** The largest mean loss, in standard errors, at up to `CHECKPOINTS` generations that
are fixed by the run's length (evenly spaced, the last among them): a one-sided
t-test over lineages with Bonferroni's correction over these generations, which
holds whatever ties generations together. A loop that falls and heals has a dip
and perhaps no slope. It *heals* if the climb from the dip to the last generation
passes the same test.

**Change point.** Where damage has been found (by whatever corrected test), the
generation where the evidence lies is known to be worse. From there one walks
back as long as the 95 % interval of the loss stays above 0, and the last step is
the change point: *damage has begun by then*. The walk needs no correction, for it
is wrong only if it crosses one fixed generation, the last before the true onset:
2.5 % on top of the level at which damage was found.

**Intact.** How long one can say that nothing much had happened: the last
generation up to which the interval of the loss ends below a spared amount. The
onset of a loss of that size is later, with an error of at most 2.5 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .trajectories import Interval, interval, intervals
from .trend import LEVEL, above_zero

CHECKPOINTS = 8
NOWHERE = float("nan")
NOTHING = Interval(NOWHERE, NOWHERE, NOWHERE, 0)


@dataclass(frozen=True)
class Dip:
    """The worst of the checkpoints.

    Attributes:
        generation: NaN where there is no test.
        loss: mean over lineages with its interval, which is not corrected for having been picked.
        p: that the loss is above 0, corrected over checkpoints.
        p_climb: that the last generation is better than this one, corrected likewise.
    """

    generation: float = NOWHERE
    loss: Interval = NOTHING
    p: float = NOWHERE
    p_climb: float = NOWHERE

    @property
    def has_healed(self) -> bool:
        return self.p_climb <= LEVEL


@dataclass(frozen=True)
class Onset:
    """When damage began.

    Attributes:
        generation: the change point, the first one worse than the founder beyond noise; NaN where there is none.
        intact: the last one up to which a loss of `spared` or more is ruled out; NaN where there is no interval.
    """

    generation: float = NOWHERE
    intact: float = NOWHERE
    spared: float = NOWHERE


def checkpoints(count: int) -> np.ndarray:
    """Places among `count` generations, of which 0 is the founder: at most `CHECKPOINTS`, evenly, with the last."""
    return np.unique(np.linspace(1, count - 1, min(CHECKPOINTS, count - 1)).round().astype(int))


def dip(losses: np.ndarray, generations: np.ndarray, grain: float) -> Dip:
    """The worst checkpoint of `(n, g)` losses, the founder's 0 first; `grain` is the score's smallest step."""
    if losses.shape[1] < 2:
        return Dip()
    places, rounding = checkpoints(losses.shape[1]), grain**2 / 6  # the variance that two roundings give a difference
    p = above_zero(losses[:, places], rounding)
    if not np.isfinite(p).any():
        return Dip()
    worst = int(places[np.nanargmin(p)])
    climb = above_zero((losses[:, worst] - losses[:, -1])[:, None], rounding)[0]
    return Dip(
        generation=float(generations[worst]),
        loss=interval(losses[:, worst]),
        p=min(1.0, len(places) * float(np.nanmin(p))),
        p_climb=min(1.0, len(places) * float(climb)),
    )


def onset(losses: np.ndarray, generations: np.ndarray, evidence: Iterable[float], spared: float) -> Onset:
    """When damage began, from `(n, g)` losses and the generations where it was found; none if there are none."""
    _, low, high, _ = intervals(losses)
    walks = [_back(low > 0, int(np.searchsorted(generations, g))) for g in evidence]
    kept = int(np.argmin(np.append(high < spared, False)))  # how many there are before the first that may have lost it
    return Onset(
        generation=float(generations[min(walks)]) if walks else NOWHERE,
        intact=float(generations[kept - 1]) if kept else NOWHERE,
        spared=spared,
    )


def _back(is_worse: np.ndarray, place: int) -> int:
    """The beginning of the unbroken run of worse generations that ends at `place`."""
    while place > 0 and is_worse[place - 1]:
        place -= 1
    return place
