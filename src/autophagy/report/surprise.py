"""How likely single texts are under a model, generation by generation: histograms worked out from quantiles."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.lineages import Lineages, bare, split

from .distances import ARMS, BINS, FEWEST, WIDTH, histogram
from .sheets import ROWS, spaced
from .story import Story

METRIC = "perplexity"
QUANTILE = re.compile(r"(\w+?)_q([0-9]{2,4})")  # "founder_q05": twentieth of the perplexities under the founder
STEP, HIGH = 26, 34  # from one generation's ground to the next, and the tallest bar; neighbours overlap
READERS = {"founder": "under the founder", "first": "under generation 1", "own": "under the model that drew them"}


@dataclass(frozen=True)
class Ridge:
    """One generation's histogram.

    Attributes:
        heights: `(b,)` of its bins, 1 for the tallest of the arm.
        y: where its ground is in the panel.
        about: median and both tails.
    """

    generation: int
    heights: np.ndarray
    y: float
    about: str

    @property
    def path(self) -> str:
        step = WIDTH / len(self.heights)
        steps = "".join(f"V{self.y - HIGH * h:.1f}H{(k + 1) * step:.1f}" for k, h in enumerate(self.heights.tolist()))
        return f"M0 {self.y}{steps}V{self.y}"


@dataclass(frozen=True)
class Ridges:
    """An arm's generations, one below the other.

    Attributes:
        edges: `(b + 1,)` logs of perplexities, the same in all arms.
        median: log of the first generation's median.
        n: lineages that the quantiles are averaged over.
    """

    arm: int
    name: str
    ridges: tuple[Ridge, ...]
    edges: np.ndarray
    median: float
    n: int

    @property
    def height(self) -> float:
        return self.ridges[-1].y

    @property
    def middle(self) -> float:
        """Where the first generation's median stands in the panel."""
        return round(float(np.interp(self.median, self.edges[[0, -1]], (0, WIDTH))), 1)

    @property
    def ends(self) -> tuple[str, str]:
        low, high = (words.short(float(f"{np.exp(edge):.3g}")) for edge in self.edges[[0, -1]])
        return low, high


@dataclass(frozen=True)
class Surprise:
    """All arms under one reader; `label` is the metric's, with its probe."""

    title: str
    label: str
    arms: tuple[Ridges, ...]
    covered: str


def surprise(story: Story) -> list[Surprise]:
    """One for each reader and set of texts with quantiles; the generations' own texts first."""
    found = dict.fromkeys(
        (label, match[1])
        for lineages in story.lineages.values()
        for score in lineages.scores
        for label, name in [split(score)]
        if bare(label) == METRIC and (match := QUANTILE.fullmatch(name))
    )
    chosen = sorted(found, key=lambda pair: "@" in pair[0])
    parts = [_of(story, label, reader) for label, reader in chosen]
    return [part for part in parts if part is not None]


def _of(story: Story, label: str, reader: str) -> Surprise | None:
    """None where no arm has quantiles enough; all arms share an axis, so that they can be compared."""
    known = {
        i: told
        for i, arm in enumerate(story.arms)
        if arm.name in story.lineages and (told := _quantiles(story.lineages[arm.name], label, reader)) is not None
    }
    if not known:
        return None
    some = list(known)[:ARMS]
    ends = np.concatenate([known[i].values.ravel() for i in some])
    ends = ends[np.isfinite(ends)]
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    arms = tuple(_ridges(i, story.arms[i].name, known[i], edges) for i in some)
    probe = label.partition("@")[2]
    title = f"perplexity {READERS.get(reader, 'under ' + reader)}" + (f", probe {probe}" if probe else "")
    shares = known[some[0]].shares
    return Surprise(
        title, label, arms, f"{words.share(float(shares[0]))} to {words.share(float(shares[-1]))} of the texts"
    )


@dataclass(frozen=True)
class _Quantiles:
    """`values` `(g, q)` are logs of perplexities, averaged over lineages; `shares` `(q,)` lie below them.

    A quantile is infinite where some lineage's is: so many texts are impossible to the reader.
    """

    generations: list[int]
    shares: np.ndarray
    values: np.ndarray
    n: int


def _quantiles(lineages: Lineages, label: str, reader: str) -> _Quantiles | None:
    names = {}
    for score in lineages.scores:
        its, name = split(score)
        match = QUANTILE.fullmatch(name)
        if its == label and match and match[1] == reader:
            names[int(match[2]) / 10 ** len(match[2])] = score
    if len(names) < FEWEST:
        return None
    shares = np.array(sorted(names))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.stack([lineages.scores[names[share]] for share in shares]))  # (q, s, g)
    there = np.isfinite(logs[0])  # (s, g)
    logs[:, there] = np.where(np.isnan(logs[:, there]), np.inf, logs[:, there])  # lineages keep no infinity
    have = np.flatnonzero(there.any(0))
    if not len(have):
        return None
    shown = spaced(have.tolist(), ROWS)
    values = np.stack([logs[:, there[:, k], k].mean(1) for k in shown])
    return _Quantiles([int(lineages.generations[k]) for k in shown], shares, values, int(there[:, shown].sum(0).min()))


def _ridges(arm: int, name: str, told: _Quantiles, edges: np.ndarray) -> Ridges:
    bars = np.stack([_bars(row, told.shares, edges) for row in told.values])  # (g, b)
    top = float(bars.max()) or 1.0
    ridges = []
    for k, (generation, shares, row) in enumerate(zip(told.generations, bars, told.values, strict=True)):
        low, middle, high = (words.number(_at(at, told.shares, row)) for at in (0.05, 0.5, 0.95))
        about = f"generation {generation}: median {middle}; 5 % below {low}, 5 % above {high}"
        if not np.isfinite(row[-1]):
            possible = float(told.shares[np.isfinite(row)].max(initial=0))
            about += f"; about {words.share(1 - possible)} are impossible to it, and not drawn"
        ridges.append(Ridge(generation, shares / top, HIGH + k * STEP, about))
    return Ridges(arm, name, tuple(ridges), edges, float(np.log(_at(0.5, told.shares, told.values[0]))), told.n)


def _bars(row: np.ndarray, shares: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """`(b,)` of the finite quantiles."""
    is_there = np.isfinite(row)
    return histogram(row[is_there], shares[is_there], edges) if is_there.any() else np.zeros(len(edges) - 1)


def _at(share: float, shares: np.ndarray, row: np.ndarray) -> float:
    """The perplexity below which a share of the texts lies: the next quantile that is known, where one is infinite."""
    if np.isfinite(row).all():
        return float(np.exp(np.interp(share, shares, row)))
    return float(np.exp(row[min(int(np.searchsorted(shares, share)), len(row) - 1)]))
