"""Curves as geometry: what a template needs to draw them as SVG, without a line of markup here."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.lineages import split
from autophagy.analysis.trajectories import Curve, Kind

from .look import PATHS, look
from .story import FORETOLD, Story, stands_on

WIDTH, HEIGHT = 430, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 34  # LEFT at least: long labels get more
LETTER, RAISED = 8, 5.5  # units of a label's character, and of a raised one
RAISED_LETTERS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
TICKS = 4  # wanted on the vertical axis
POINTS = 400  # of a line: more than that cannot be seen
MARKS = 24  # on a line
SHARES = (
    "precision", "recall", "coverage", "high_quality", "accuracy", "agreement", "largest_share", "closer", "kept",
    "match", "variance_match", "gini_match", "vendi_match", "self_bleu_match", "gini", "total_variation", "auc",
    "mauve", "frontier_integral", "both", "thing", "colour", "lowest_thing",
)  # fmt: skip
AMOUNTS = (
    "variance", "variance_ratio", "gini_ratio", "ratio", "least_ratio", "mean_shift", "w2", "sliced_w2", "exact_w2",
    "distance", "density", "entropy", "entropy_nats", "vendi", "covered", "lost", "classes_lost", "types",
    "types_lost", "types_new", "copies", "zero_radii", "reference_zero_radii",
)  # fmt: skip
RANGES = {**dict.fromkeys(SHARES, (0, 1)), **dict.fromkeys(AMOUNTS, (0, math.inf))}  # that values cannot leave
LOGARITHMIC = 1000  # times between the smallest and the largest mean, from which a scale is logarithmic


@dataclass(frozen=True)
class Scale:
    """Maps `[low, high]` onto `[start, stop]`; `is_whole` if there is nothing between whole numbers."""

    low: float
    high: float
    start: float
    stop: float
    is_log: bool = False
    is_whole: bool = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        low, high, x = self.low, self.high, np.clip(x, self.low, self.high)
        if self.is_log:
            low, high, x = math.log10(low), math.log10(high), np.log10(x)
        found: np.ndarray = self.start + (x - low) / (high - low) * (self.stop - self.start)
        return found

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """Positions and labels of about `wanted` round numbers."""
        least = 1.0 if self.is_whole else 0.0
        values = _decades(self.low, self.high, wanted) if self.is_log else _round(self.low, self.high, wanted, least)
        return [(round(float(self(np.array(v))), 1), words.short(v)) for v in values]


@dataclass(frozen=True)
class Line:
    """One arm in one chart; every path is in the chart's units.

    Attributes:
        is_open: whether its marks are outlines.
        is_branch: whether it goes on from another arm's line.
    """

    arm: int
    name: str
    line: str
    band: str
    marks: str
    forecast: str
    is_exact: bool
    is_open: bool = False
    is_branch: bool = False


@dataclass(frozen=True)
class Chart:
    """One score, all arms.

    Attributes:
        is_main: whether a direction or a forecast gives it a place among the first charts.
        has_uneven_n: whether its arms stand on different numbers of samples.
        floors: height and arms of each real-against-real floor.
        rows: for each frame the generation and the text of every line's value.
        over: what its means and intervals are over.
    """

    score: str
    title: str
    good: str
    is_main: bool
    stands_on: str
    has_uneven_n: bool
    lines: tuple[Line, ...]
    floors: tuple[float, ...]
    floor_text: str
    x: Scale
    y: Scale
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    over: str

    @property
    def has_forecast(self) -> bool:
        return any(line.forecast for line in self.lines)


def charts(story: Story) -> list[Chart]:
    return [chart(story, score) for score in story.scores]


def chart(story: Story, score: str) -> Chart:
    """One score of all arms."""
    found = [(i, c) for i, arm in enumerate(story.arms) if (c := story.curve(arm.name, score)) is not None]
    drawn = [(i, within(c)) for i, c in found]
    measures = [m for _, c in found if (m := story.measure(c.arm, score))]
    better = measures[0].better.get(split(score)[1], "") if measures else ""
    sizes = [n for _, c in found if (n := story.sizes(c.arm, score))]
    floors = sorted({f for _, c in found if math.isfinite(f := story.floor(c.arm, score))})
    y = _heights([c for _, c in drawn], floors)
    x = Scale(0, max(story.last, 1), _left(y), WIDTH - RIGHT, is_whole=True)
    planned = {arm.name: arm.generations for arm in story.arms}
    return Chart(
        score=score,
        title=words.axis_name(score),
        good=f"{better} is better" if better else "",
        is_main=bool(better) or score in FORETOLD.values(),
        stands_on=stands_on(measures, set().union(*sizes)),
        has_uneven_n=any(n != sizes[0] for n in sizes),
        lines=tuple(line(story, i, c, x, y, PATHS[look(i).mark]) for i, c in drawn),
        floors=tuple(round(float(y(np.array(f))), 1) for f in floors),
        floor_text=" to ".join(words.number(f) for f in sorted({floors[0], floors[-1]})) if floors else "",
        x=x,
        y=y,
        rows=tuple((g, tuple(_held_text(c, g, planned[c.arm]) for _, c in found)) for g in story.frames),
        over=over([c for _, c in found]),
    )


def over(curves: Sequence[Curve]) -> str:
    """What the means and intervals of a chart are over, for each kind of interval in it."""
    sizes: dict[Kind, set[int]] = {}
    for curve in curves:
        sizes.setdefault(curve.kind, set()).update(n for n in map(int, curve.n) if n)
    return " or ".join(words.mean_of(found, kind) for kind, found in sizes.items())


def lineages(sizes: Collection[int]) -> str:
    """How many lineages numbers are over: "4 lineages", "3–4 lineages"."""
    ends = sorted({min(sizes, default=0), max(sizes, default=0)})
    return f"{'–'.join(map(str, ends))} lineage{'' if ends == [1] else 's'}"


def within(curve: Curve) -> Curve:
    """The curve as it is drawn: a t-interval knows nothing of the bounds that its score cannot leave."""
    low, high = RANGES.get(split(curve.score)[1], (-math.inf, math.inf))
    if ((curve.mean < low) | (curve.mean > high)).any():  # another score of that name, perhaps in percent
        return curve
    return replace(curve, low=curve.low.clip(low, high), high=curve.high.clip(low, high))


def value_text(curve: Curve, generation: int) -> str:
    """One value with interval and n; says so where there is none."""
    if generation not in curve.generations:
        return "–"
    value = curve.at(generation)
    diverged = int(curve.diverged[np.searchsorted(curve.generations, generation)])
    note = f", {diverged} diverged" if diverged else ""
    return f"{words.spread(value)} (n = {value.n}{note})"


def _held_text(curve: Curve, generation: int, planned: int) -> str:
    """One value; past the planned end of an arm, its last one, and where that was."""
    if generation > planned and planned in curve.generations:
        return f"ends at generation {planned}: {value_text(curve, planned)}"
    return value_text(curve, generation)


def line(story: Story, i: int, curve: Curve, x: Scale, y: Scale, mark: str) -> Line:
    """Arm i's curve in a chart, with the path of its mark around (0, 0)."""
    keep = _thinned(len(curve.generations), POINTS)
    xs, mean = x(curve.generations[keep]), y(curve.mean[keep])
    low, high = y(curve.low[keep]), y(curve.high[keep])
    at = _thinned(len(curve.generations), MARKS)
    kept = story.arms[i].forecast.sample_variance if curve.score in FORETOLD.values() else ()
    told = _thinned(len(kept), POINTS)
    return Line(
        arm=i,
        name=curve.arm,
        line=_path(xs, mean),
        band=_band(xs, low, high),
        marks=_marks(x(curve.generations[at]), y(curve.mean[at]), mark),
        forecast=_path(x(told), y(np.array(kept)[told])) if kept else "",
        is_exact=story.arms[i].forecast.is_exact,
    )


def _heights(curves: list[Curve], floors: list[float]) -> Scale:
    """The vertical scale: logarithmic where means span three decades, from 0 where that costs little room."""
    means = np.concatenate([*(c.mean for c in curves), floors])
    means = means[np.isfinite(means)] if np.isfinite(means).any() else np.array([0.0, 1.0])
    low, high = float(means.min()), float(means.max())
    if low > 0 and high / low > LOGARITHMIC:
        return Scale(low / 1.5, high * 1.5, HEIGHT - BOTTOM, TOP, is_log=True)
    bounds = np.concatenate([means, *(b for c in curves for b in (c.low, c.high))])
    span = (high - low) or abs(high) or 1.0
    bounds = bounds[np.isfinite(bounds)].clip(low - span, high + span)  # two lineages can have a very wide interval
    bottom, top = min(low, float(bounds.min())), max(high, float(bounds.max()))
    room = 0.06 * (top - bottom or span)
    is_near_zero = low >= 0 and bottom - room < 0.35 * (top - bottom)
    return Scale(0 if is_near_zero else bottom - room, top + room, HEIGHT - BOTTOM, TOP)


def _left(y: Scale) -> float:
    """Where a chart begins: what its labels need is left of it."""
    wide = [sum(RAISED if c in RAISED_LETTERS else LETTER for c in text) for _, text in y.ticks(TICKS)]
    return max(LEFT, 10 + math.ceil(max(wide, default=0)))


def _thinned(n: int, most: int) -> np.ndarray:
    """At most about `most` of the indices 0 … n−1, evenly, with the last."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, most).round().astype(int))


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """An SVG path through the finite points; a gap where one is missing."""
    text, is_open = [], False
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if math.isfinite(b):
            text.append(f"{'L' if is_open else 'M'}{a:.1f} {b:.1f}")
        is_open = math.isfinite(b)
    return "".join(text)


def _band(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    is_there = np.isfinite(low) & np.isfinite(high)
    if not is_there.any():
        return ""
    x, low, high = x[is_there], low[is_there], high[is_there]
    return _path(np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])) + "Z"


def _marks(x: np.ndarray, y: np.ndarray, shape: str) -> str:
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    return "".join(f"M{a:.1f} {b:.1f}{shape}" for a, b in pairs if math.isfinite(b))


def _round(low: float, high: float, wanted: int, least: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within the bounds, `least` apart or more."""
    rough = max((high - low) / wanted, least)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float, wanted: int) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    stride = max(1, math.ceil((last - first + 1) / wanted))
    return [10.0**k for k in range(first, last + 1, stride)]
