"""Galleries of vectors and symbols: scatter plots and histograms on fixed axes, as SVG paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autophagy.analysis import words
from autophagy.core.pool import Pool

from .draws import Drawn, Gallery, Row
from .story import Story

DOTS = 300
BINS = 40
SYMBOLS = 64
SIDE = 400  # units of a scatter plot
NAME = 40  # units that a bar's name takes


def vectors(story: Story, drawn: Drawn, d: int) -> Gallery:
    seed = story.first_seed
    if d == 1:
        (low, high), *_ = _bounds(drawn)
        edges = np.linspace(low, high, BINS + 1)
        shares = [[_share(p, edges) for p in row] for row in drawn.pools]
        about = (
            f"Histograms of the same draws of one coordinate, {words.number(low)} to {words.number(high)}, seed {seed}."
        )
        return _bars(story, drawn, shares, (), about)
    axes = _bounds(drawn)[:2]
    paths = [tuple("" if pool is None else _dots(pool, axes) for pool in row) for row in drawn.pools]
    ranges = " × ".join(f"{words.number(low)} to {words.number(high)}" for low, high in axes)
    which = "" if d == 2 else f", the first two of {d} coordinates"
    about = f"The same draws in every generation of the lineage with seed {seed}{which}; axes {ranges}. "
    about += "Grey: what generation 0 drew."
    return Gallery("points", seed, SIDE, SIDE, (), 0, (), _rows(story, drawn, paths), about)


def _bounds(drawn: Drawn) -> list[tuple[float, float]]:
    """Fixed axes: all that was drawn, but at most twice as wide as what the founders drew."""
    pools = drawn.stored
    founders = [row[0] for row in drawn.pools if row[0] is not None] or pools
    start = np.concatenate([pool.samples[:DOTS] for pool in founders]).astype(float)  # (n, d)
    everything = np.concatenate([pool.samples[:DOTS] for pool in pools]).astype(float)  # (m, d)
    found = []
    for a, b in zip(start.T, everything.T, strict=True):
        a, b = a[np.isfinite(a)], b[np.isfinite(b)]
        low, high = (float(a.min()), float(a.max())) if len(a) else (0.0, 1.0)
        room = (high - low) / 2 or 1.0
        low, high = max(low - room, float(b.min(initial=low))), min(high + room, float(b.max(initial=high)))
        found.append((low - 0.05 * room, high + 0.05 * room))
    return found


def _dots(pool: Pool, axes: list[tuple[float, float]]) -> str:
    """A path of points: each is a line of no length with a round end."""
    plane = pool.samples[:DOTS, :2].astype(float)
    low, high = np.array(axes).T  # (2,)
    at = (plane - low) / (high - low) * SIDE
    at = at[np.isfinite(at).all(1)].clip(-9, SIDE + 9).round().astype(int)  # those outside stay outside
    return "".join(f"M{x} {SIDE - y}h0" for x, y in at.tolist())


def symbols(story: Story, drawn: Drawn) -> Gallery:
    top = max(int(p.samples.max(initial=0)) for p in drawn.stored)
    edges = np.arange(min(top + 1, SYMBOLS) + 1) - 0.5
    shares = [[_share(p, edges) for p in row] for row in drawn.pools]
    about = f"Histograms of the same draws in every generation of the lineage with seed {story.first_seed}."
    about += f" The first {SYMBOLS} of {words.count(top + 1)} symbols." if top >= SYMBOLS else ""
    return _bars(story, drawn, shares, _names(len(edges) - 1), about)


def _names(bars: int) -> tuple[tuple[float, str], ...]:
    """The symbols below the middles of their bars; some are left out where all would touch."""
    step = 2 * SIDE / bars
    stride = next(k for k in (1, 2, 5, 10) if k * step >= NAME)
    return tuple((round((k + 0.43) * step, 1), str(k)) for k in range(0, bars, stride))


def _share(pool: Pool | None, edges: np.ndarray) -> np.ndarray | None:
    if pool is None:
        return None
    counts = np.histogram(pool.samples.ravel(), edges)[0]
    return np.asarray(counts / max(len(pool), 1))


def _bars(
    story: Story,
    drawn: Drawn,
    shares: list[list[np.ndarray | None]],
    labels: tuple[tuple[float, str], ...],
    about: str,
) -> Gallery:
    highest = max(float(s.max()) for row in shares for s in row if s is not None) or 1.0
    paths = tuple(tuple("" if s is None else _bar_path(s / highest) for s in row) for row in shares)
    return Gallery("bars", story.first_seed, 2 * SIDE, SIDE // 2, (), 0, labels, _rows(story, drawn, paths), about)


def _bar_path(heights: np.ndarray) -> str:
    step = 2 * SIDE / len(heights)
    return "".join(
        f"M{k * step:.1f} {SIDE // 2}v{-h * SIDE / 2:.1f}h{0.86 * step:.1f}V{SIDE // 2}z"
        for k, h in enumerate(heights.tolist())
        if h > 0
    )


def _rows(story: Story, drawn: Drawn, paths: Sequence[tuple[str, ...]]) -> tuple[Row, ...]:
    return tuple(
        Row(i, story.arms[i].name, "", _there(pools), its, notes)
        for i, pools, its, notes in zip(drawn.arms, drawn.pools, paths, drawn.notes, strict=True)
    )


def _there(row: tuple[Pool | None, ...]) -> tuple[int | None, ...]:
    return tuple(None if pool is None else i for i, pool in enumerate(row))
