"""How sure a number is, from a standard error: the metric's own, or a jackknife over blocks of both sets.

Never by resampling: a bootstrap puts copies into a set, and distances between
distributions and between neighbours take those for a collapse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .comparison import BLOCKS, Measured

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A two-sided interval of 95 %.

    Attributes:
        se: the standard error it was made from.
        kind: how.
    """

    low: float
    high: float
    se: float
    kind: str


def is_error(name: str) -> bool:
    """Whether a value is a standard error of another."""
    return name == "se" or name.endswith("_se")


def own(found: Measured) -> dict[str, Interval]:
    """Intervals of the values whose standard errors the metric gives: `x_se` is that of x, `se` of the main value."""
    names = [name for name in found.values if not is_error(name)]
    main = "debiased" if "debiased" in names else next(iter(names), "")
    blocks = found.identity.get("blocks") if found.identity.get("se_by", "jackknife") == "jackknife" else None
    kind = f"jackknife, {blocks} blocks" if blocks else "the metric's own"
    freedom = int(blocks) - 1 if blocks else 0
    errors = {name.removesuffix("_se"): se for name, se in found.values.items() if name.endswith("_se")}
    errors |= {main: found.values["se"]} if "se" in found.values else {}
    return _finite(
        {name: _around(found.values[name], se, freedom, kind) for name, se in errors.items() if name in names}
    )


def lacking(names: Sequence[str], known: Mapping[str, Interval]) -> list[str]:
    """Those that have no interval, but for a distance whose bias another has not, which is to be read then."""
    return [name for name in names if name not in known and not (name == "distance" and "debiased" in known)]


def jackknifed(whole: Mapping[str, float], left: Sequence[Measured]) -> dict[str, Interval]:
    """Intervals from the values without each block of rows (Künsch 1989), of what such sizes give on average.

    Counts have none, nor has what hardly any block moves: extremes, and shares that are all or nothing.
    """
    found = {}
    for name, value in whole.items():
        values = np.array([one.values.get(name, math.nan) for one in left])  # (B,)
        if len(values) != BLOCKS:
            continue
        moved = np.count_nonzero(~np.isclose(values, np.median(values), rtol=1e-9, atol=0.0))
        if moved > 2 and not _are_counts([value, *values]):
            error = math.sqrt((BLOCKS - 1) / BLOCKS * float(((values - values.mean()) ** 2).sum()))
            found[name] = _around(value, error, BLOCKS - 1, f"jackknife, {BLOCKS} blocks")
    return _finite(found)


def _around(value: float, se: float, freedom: int, kind: str) -> Interval:
    from scipy.special import ndtri, stdtrit

    reach = float(stdtrit(freedom, (1 + LEVEL) / 2) if freedom else ndtri((1 + LEVEL) / 2)) * se
    return Interval(value - reach, value + reach, se, kind)


def _finite(found: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: one for name, one in found.items() if math.isfinite(one.low + one.high) and one.se > 0}


def _are_counts(values: Sequence[float]) -> bool:
    return all(float(value).is_integer() for value in values)
