"""Pairwise distances in the first fitted and in the last generation, as histograms worked out from their quantiles."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.lineages import Lineages, bare, split

from .story import Story

METRIC = "pairwise-distance"
QUANTILE = re.compile(r"q([0-9]{2,4})")  # "q05": twentieth, "q005": two-hundredth
FEWEST = 3  # quantiles, below which there is no shape to draw
BINS = 36
ARMS = 12
WIDTH, HEIGHT, LOW = 280, 92, 18  # of one panel; below is room for the axis


@dataclass(frozen=True)
class Spread:
    """One arm and set of samples.

    Attributes:
        first, last: `(b,)` shares of the pairs in each bin, of the first and the last generation.
        edges: `(b + 1,)` distances.
        medians: of both generations, means over lineages.
        risen: in how many of the n lineages the median has risen.
        covered: the shares of pairs between which the quantiles lie.
    """

    arm: int
    name: str
    generations: tuple[int, int]
    edges: np.ndarray
    first: np.ndarray
    last: np.ndarray
    medians: tuple[float, float]
    risen: int
    n: int
    covered: tuple[float, float]

    @property
    def about(self) -> str:
        whole = f"{self.n} lineage{'s' if self.n > 1 else ''}"
        return f"median {words.change(*self.medians)}; risen in {self.risen} of {whole}"

    def path(self, shares: np.ndarray) -> str:
        """The outline of a histogram in a panel's units."""
        top = max(float(self.first.max()), float(self.last.max())) or 1.0
        heights = HEIGHT - LOW - (HEIGHT - LOW - 4) * shares / top
        step = WIDTH / len(shares)
        steps = "".join(f"V{y:.1f}H{(k + 1) * step:.1f}" for k, y in enumerate(heights.tolist()))
        return f"M0 {HEIGHT - LOW}{steps}V{HEIGHT - LOW}"

    @property
    def paths(self) -> tuple[str, str]:
        return self.path(self.first), self.path(self.last)

    @property
    def ends(self) -> tuple[str, str]:
        return words.short(float(f"{self.edges[0]:.3g}")), words.short(float(f"{self.edges[-1]:.3g}"))


@dataclass(frozen=True)
class Distances:
    """One metric's histograms, on the generations' own samples or on a probe."""

    label: str
    title: str
    spreads: tuple[Spread, ...]
    about: str


def distances(story: Story) -> list[Distances]:
    """One for each pairwise distance with quantiles; the generations' own samples first."""
    labels = dict.fromkeys(split(s)[0] for lineages in story.lineages.values() for s in lineages.scores)
    chosen = sorted((label for label in labels if bare(label) == METRIC), key=lambda label: "@" in label)
    found = [_of_label(story, label) for label in chosen]
    return [each for each in found if each.spreads]


def _of_label(story: Story, label: str) -> Distances:
    spreads = [s for i, arm in enumerate(story.arms) if (s := _spread(story, i, arm.name, label)) is not None]
    probe = label.partition("@")[2]
    title = f"probe {probe}" if probe else "the generations' own samples"
    covered = {s.covered for s in spreads}
    low, high = min((c[0] for c in covered), default=0), max((c[1] for c in covered), default=1)
    about = f"{words.share(low)} to {words.share(high)} of the pairs" if (low, high) != (0, 1) else "all pairs"
    return Distances(label, title, tuple(spreads[:ARMS]), about)


def _spread(story: Story, i: int, arm: str, label: str) -> Spread | None:
    """None where there are too few quantiles, or only one generation has them."""
    lineages = story.lineages.get(arm)
    shares = _shares(lineages, label) if lineages is not None else {}
    if lineages is None or len(shares) < FEWEST or len(lineages.generations) < 2:
        return None
    values = np.stack([lineages.scores[f"{label}.{name}"] for name in shares])  # (q, s, g)
    is_there = np.isfinite(values).all(0)  # (s, g)
    if story.arms[i].parts.get("founder") == "pretrained":
        is_there[:, lineages.generations == 0] = False  # the first that was fitted, not the checkpoint as it came
    have = np.flatnonzero(is_there.any(0))
    if len(have) < 2 or not (both := is_there[:, have[0]] & is_there[:, have[-1]]).any():
        return None
    at = values[:, both][:, :, [have[0], have[-1]]]  # (q, n, 2)
    first, last = at.mean(1).T  # each (q,): quantiles averaged over lineages
    order = np.array(list(shares.values()))
    low, high = min(first[0], last[0]), max(first[-1], last[-1])
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    middle = [int(np.abs(order - 0.5).argmin())] * 2
    ends = tuple(int(lineages.generations[have[k]]) for k in (0, -1))
    return Spread(
        i, arm, (ends[0], ends[1]), edges, histogram(first, order, edges), histogram(last, order, edges),
        (float(first[middle[0]]), float(last[middle[0]])), int((at[middle[0], :, 1] > at[middle[0], :, 0]).sum()),
        int(both.sum()), (float(order[0]), float(order[-1])),
    )  # fmt: skip


def _shares(lineages: Lineages, label: str) -> dict[str, float]:
    """Names of the quantiles that a metric has left, ascending: "q05" → 0.05, "median" → 0.5."""
    found = {}
    for score in lineages.scores:
        its, name = split(score)
        match = QUANTILE.fullmatch(name)
        if its == label and (match or name == "median"):
            found[name] = int(match[1]) / 10 ** len(match[1]) if match else 0.5
    first = {share: name for name, share in reversed(found.items())}  # "median" and "q50" are one
    return {first[share]: share for share in sorted(first)}


def histogram(quantiles: np.ndarray, shares: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """`(b,)` shares in bins, evenly spread between neighbouring quantiles; what lies beyond the outermost is left out.

    `quantiles` are `(q,)` ascending values below which `shares` of all lie.
    """
    below = np.interp(edges, quantiles, shares, left=shares[0], right=shares[-1])
    return np.asarray(np.diff(below))
