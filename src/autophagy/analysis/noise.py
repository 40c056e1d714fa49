"""Two kinds of noise, told apart: of measuring a generation on finitely many samples, and of the loop itself.

Lineages of one arm differ because each loop took another course, and because
each was measured on finitely many samples. Where a metric reports a standard
error, the second is known:

    between² = loop² + evaluation²,      evaluation² = mean over lineages of SE²

so loop = √max(0, between² − evaluation²): what would be left if every generation
were measured on samples without end. More samples make evaluation noise smaller,
more lineages neither of the two; what they make smaller is the error of the mean.

The interval of the loop's noise is that of a variance of normal scores, less the
evaluation noise, which is taken as known. Where a standard error includes the
luck of the reference (the block jackknife of the Fréchet distance does), the
evaluation noise is too large for this purpose, since lineages share their
reference, and the loop's noise comes out too small.

**Which standard error.** A metric that returns "x_se" tells that of its value
"x"; one that returns "se" tells that of its values with a direction, but not
of FID∞ ("infinite"), whose extrapolation errs more than the distances it is of.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from .lineages import Lineages, split
from .trajectories import CONFIDENCE

EXTRAPOLATED = "infinite"


@dataclass(frozen=True)
class Noise:
    """Standard deviations of one score over lineages by generation; every array is `(g,)`.

    Attributes:
        between: of the score as measured; NaN below two lineages.
        evaluation: of measuring, from the metric's own standard errors.
        loop: of the loops; low and high its 95 % interval, 0 where evaluation explains everything.
        n: lineages with a value and a standard error.
    """

    arm: str
    score: str
    generations: np.ndarray
    between: np.ndarray
    evaluation: np.ndarray
    loop: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def errors(lineages: Lineages, score: str, directed: Container[str]) -> np.ndarray | None:
    """`(s, g)` standard errors that a metric reports of a score; `directed` are its values with a direction."""
    label, value = split(score)
    found = lineages.scores.get(f"{label}.{value}_se")
    if found is None and value in directed and value != EXTRAPOLATED:
        return lineages.scores.get(f"{label}.se")
    return found


def noise(lineages: Lineages, score: str, errors: np.ndarray) -> Noise:
    """Splits the variance over lineages; `errors` are `(s, g)` standard errors of the scores."""
    from scipy.special import chdtri

    is_there = np.isfinite(lineages.scores[score]) & np.isfinite(errors)
    n = is_there.sum(0)  # (g,)
    freedom = np.where(n > 1, n - 1, np.nan)
    values = np.where(is_there, lineages.scores[score], 0)
    gaps = np.where(is_there, values - values.sum(0) / np.maximum(n, 1), 0)
    between = (gaps**2).sum(0) / freedom  # variances, until they are returned
    evaluation = np.where(is_there, errors**2, 0).sum(0) / np.where(n > 0, n, np.nan)
    low, high = (between * freedom / chdtri(freedom, (1 + side * CONFIDENCE) / 2) for side in (-1, 1))
    loop, low, high = (np.sqrt(np.maximum(x - evaluation, 0)) for x in (between, low, high))
    return Noise(lineages.arm, score, lineages.generations, np.sqrt(between), np.sqrt(evaluation), loop, low, high, n)
