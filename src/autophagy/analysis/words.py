"""Numbers and settings in a reader's words."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from autophagy.core.errors import quoted

from .detectable import Detectable
from .trajectories import Interval, Kind
from .verdict import Verdict

KINDS: Mapping[Kind, str] = {
    "t": "95 % t-interval over lineages",
    "bootstrap": "95 % bootstrap interval over lineages",
    "samples": "95 % interval over the samples of one lineage",
}
ASKED = 0.05  # a change of a score, as a share of the founder's, that one would like to see
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(x: float) -> str:
    """Three significant digits; "–" where there is no value."""
    if not math.isfinite(x):
        return "–" if math.isnan(x) else "∞" if x > 0 else "−∞"
    if x and not 1e-3 <= abs(x) < 1e6:
        digits, _, power = f"{x:.1e}".partition("e")
        return f"{digits} × 10{str(int(power)).translate(_RAISED)}".replace("-", "−")
    text = f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"
    return text.replace("-", "−")


def change(first: float, last: float) -> str:
    """ "0.988 → 0.990": with zeros at the end where the other one has digits."""
    told = [number(first), number(last)]
    if any("." in text for text in told):
        told = [
            f"{x:#.3g}".rstrip(".").replace("-", "−") if 1e-3 <= abs(x) < 100 else text
            for x, text in zip((first, last), told, strict=True)
        ]
    return " → ".join(told)


def short(x: float) -> str:
    """A tick's label: 20k, 1.5M, 10⁻⁴."""
    for least, unit, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if least <= abs(x) < 1e12:
            return f"{x / unit:.4g}{name}".replace("-", "−")
    if x and not 1e-3 <= abs(x) < 1e12:
        return number(x).replace("1.0 × ", "")
    return f"{x:.4g}".replace("-", "−")


def count(n: float) -> str:
    return f"{n:,.0f}"


def share(x: float) -> str:
    return "–" if not math.isfinite(x) else "< 0.1 %" if 0 < x < 0.001 else f"{number(100 * x)} %"


def times(x: float) -> str:
    """A ratio before "the variance": "43.4 % of", and from twice on "10.8 times"."""
    return f"{number(x)} times" if x >= 2 else f"{share(x)} of"


def lineages(v: Verdict) -> str:
    """How many of an arm's lineages a verdict is about, and what became of the others: "4 of 5, 1 diverged"."""
    parts = [
        str(v.n) if v.n == v.lineages else f"{v.n} of {v.lineages}",
        f"{v.diverged} diverged" if v.diverged else "",
        f"{v.without_value} without a value" if v.without_value else "",
    ]
    return ", ".join(filter(None, parts))


def spread(interval: Interval, *, signed: bool = False) -> str:
    """A mean with its bounds, "0.41 [0.38, 0.44]"; without bounds where one lineage has none."""
    sign = "+" if signed and interval.mean > 0 else ""
    if math.isnan(interval.low) or not math.isfinite(interval.mean):
        return sign + number(interval.mean)
    middle, low, high, power = _alike(interval.mean, interval.low, interval.high)
    return f"{sign}{middle} [{low}, {high}]{power}"


def mean_of(sizes: Collection[int], kind: Kind) -> str:
    """What a number with an interval is: "mean of 5 lineages, 95 % t-interval over lineages"."""
    least, most = min(sizes, default=0), max(sizes, default=0)
    if most <= 1:
        return KINDS[kind] if kind == "samples" else "one lineage, no interval" if most else "no lineage with a value"
    return f"mean of {'–'.join(str(n) for n in sorted({least, most}))} lineages, {KINDS[kind]}"


def since(v: Verdict) -> str:
    """When damage began, "worse from generation 3 (intact until 1)"; empty where none was found."""
    if not math.isfinite(v.onset.generation):
        return ""
    intact = f" (intact until {v.onset.intact:.0f})" if v.onset.intact > 0 else ""
    worst = f", clearest at {v.dip.generation:.0f}" if v.word == "recovers" else ""
    return f"worse from generation {v.onset.generation:.0f}{intact}{worst}"


def visible(seen: Detectable) -> str:
    """The smallest change that would be seen, to two digits, for no more are known: "0.041 (4.3 %)"."""
    relative = f" ({share(_rough(seen.relative))})" if math.isfinite(seen.relative) else ""
    return number(_rough(seen.effect)) + relative


def wanted(seen: Detectable) -> str:
    """How many seeds would show a change of `ASKED`: "14 seeds for 5 %"; empty where these do, or none would."""
    seeds = seen.seeds_for(ASKED) if seen.relative > ASKED else math.nan
    return f"{count(_rough(seeds) if seeds > 100 else seeds)} seeds for {share(ASKED)}" if math.isfinite(seeds) else ""


def p_value(p: float) -> str:
    return "= –" if not math.isfinite(p) else "< 0.001" if p < 0.001 else f"= {p:.2g}"


def setting(value: Any) -> str:
    """A recipe's setting as one line: a part as "name (field = value, …)"."""
    if isinstance(value, Mapping):
        fields = ", ".join(f"{k} = {setting(v)}" for k, v in value.items() if k not in ("use", "version"))
        if "use" not in value:
            return fields or "–"
        return f"{value['use']} ({fields})" if fields else str(value["use"])
    if isinstance(value, (list, tuple)):
        return ", ".join(setting(v) for v in value) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def listed(names: list[str]) -> str:
    """ "a, b and c"."""
    told = quoted(names)
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}" if told else "none"


def axis_name(score: str) -> str:
    """A score as a title: "frechet[lenet].distance" → "frechet[lenet] distance"."""
    label, _, value = score.rpartition(".")
    return f"{label} {value.replace('_', ' ')}".strip()


def _rough(x: float) -> float:
    return float(f"{x:.2g}")


def _alike(mean: float, low: float, high: float) -> tuple[str, ...]:
    """Three numbers with the decimals that half the interval leaves one or two digits of, and their power of ten.

    With more where nothing would be left of a mean that is no less than a fiftieth of that half.
    """
    ends = [x for x in (low, high) if math.isfinite(x)]  # a bootstrap of equal scores has none on one side, or none
    half = max((abs(x - mean) for x in ends), default=0) if len(ends) < 2 else (high - low) / 2
    largest = max(map(abs, (mean, *ends)))
    if half <= 0 or half < 1e-9 * largest:
        return number(mean), number(low), number(high), ""
    power = 0 if 1e-3 <= largest < 1e6 else math.floor(math.log10(largest))
    decimals = max(0, power - math.floor(math.log10(half / 3)))
    if abs(mean) > half / 50:
        decimals = max(decimals, power - math.floor(math.log10(abs(mean))))
    raised = f" × 10{str(power).translate(_RAISED)}" if power else ""
    texts = (
        f"{round(x / 10**power, decimals) + 0.0:,.{decimals}f}" if math.isfinite(x) else number(x)
        for x in (mean, low, high)
    )
    return *(text.replace("-", "−") for text in texts), raised
