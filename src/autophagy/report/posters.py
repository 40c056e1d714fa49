"""A run at a glance, as one picture: arms down, generations across, and what it did to one score."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autophagy.analysis import words
from autophagy.core.pool import Pool
from autophagy.core.text import clean

from .draws import Drawn, read
from .figures import INK, SOFT, TITLE, bands, curve_panel, label, replace, style, wrapped
from .forms import forms
from .look import look
from .passages import is_text
from .sprites import is_images, tiles
from .story import AXES, FORETOLD, Story

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

DRAWS = 5  # images in a row of a cell, of which there are two
STEPS = 4  # generations
LETTERS, LINES = 32, 11  # of a text in a cell
FOOT = 64  # letters of a line below the curves
DOTS_PER_INCH = 160


def write(root: Path, story: Story, path: Path) -> None:
    """Writes the PNG."""
    with style():
        picture = figure(root, story)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(picture, path, dpi=DOTS_PER_INCH, format="png")


def steps(story: Story) -> list[int]:
    """The first and the last generation and two between them, at about a fifth and a half."""
    have = np.array(story.frames)
    wanted = (0, 0.2 * story.last, 0.5 * story.last, story.last)
    return sorted({int(have[np.abs(have - w).argmin()]) for w in wanted})


def figure(root: Path, story: Story) -> Figure:
    from matplotlib.figure import Figure

    generations = steps(story)
    drawn = read(root, story, generations)
    kinds = {its.kind for its in forms(drawn) if its is not None}
    tall = 0.78 if kinds == {"images"} else 1.9  # inches of a row
    whole = Figure(figsize=(12, max(3.2, 0.5 + tall * len(story.arms))), facecolor="white", layout="constrained")
    parts = whole.subfigures(1, 2, squeeze=False, width_ratios=(2.3, 1), wspace=0.03)[0]
    _draws(parts[0], story, drawn, generations)
    _curves(parts[1], story)
    return whole


def _draws(part: SubFigure, story: Story, drawn: Drawn, generations: list[int]) -> None:
    """A table of cells: arms down, generations across."""
    cells = part.subplots(len(story.arms), len(generations), squeeze=False)
    spans = _spans(drawn)
    for i, arm in enumerate(story.arms):
        for j, generation in enumerate(generations):
            axes: Axes = cells[i, j]
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
            _cell(axes, drawn.pools[i][j], look(i).light, spans[i])
            if i == 0:
                axes.set_title(f"generation {generation}", fontsize=10, color=INK, loc="center", weight="bold")
        name = cells[i, 0].set_ylabel(
            wrapped(arm.name, TITLE), rotation=0, ha="right", va="center", fontsize=10, labelpad=8
        )
        name.set(color=look(i).light, weight="bold")


def _cell(axes: Axes, pool: Pool | None, colour: str, span: tuple[float, float]) -> None:
    if pool is None:
        axes.text(0.5, 0.5, "–", ha="center", va="center", color=SOFT, transform=axes.transAxes)
    elif is_images(pool):
        axes.imshow(_mosaic(tiles(pool, 2 * DRAWS, 128)), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    elif is_text(pool):
        passage = textwrap.shorten(clean(str(pool.samples[0])), LETTERS * LINES, placeholder=" …")
        axes.text(0, 0.98, textwrap.fill(label(passage, LETTERS * LINES + 2), LETTERS), fontsize=7, va="top", color=INK)
    elif pool.samples.dtype.kind == "f" and pool.samples.ndim == 2 and pool.samples.shape[1] > 1:
        axes.scatter(pool.samples[:300, 0], pool.samples[:300, 1], s=3, color=colour, alpha=0.6, linewidths=0)
        axes.set(xlim=span, ylim=span, aspect="equal")
    else:
        axes.hist(pool.samples.ravel(), bins=30, range=span, color=colour)


def _mosaic(found: list[np.ndarray]) -> np.ndarray:
    """Two rows of images, `(h, w)` or `(h, w, 3)` each, with white between them."""
    h, w = found[0].shape[:2]
    gap = max(1, w // 14)
    whole = np.full((2 * h + gap, DRAWS * (w + gap) - gap, *found[0].shape[2:]), 255, np.uint8)
    for k, tile in enumerate(found):
        top, left = k // DRAWS * (h + gap), k % DRAWS * (w + gap)
        whole[top : top + h, left : left + w] = tile
    return whole


def _spans(drawn: Drawn) -> list[tuple[float, float]]:
    """For each arm one range, from what the founders of all arms drew whose draws are like its own."""
    its = forms(drawn)
    found = {form: _span(drawn.among([k for k, other in enumerate(its) if other == form])) for form in set(its)}
    return [found[form] for form in its]


def _span(drawn: Drawn) -> tuple[float, float]:
    values = [row[0].samples.ravel().astype(float) for row in drawn.pools if row[0] is not None and not is_text(row[0])]
    found = np.concatenate([*values, np.empty(0)])
    found = found[np.isfinite(found)]
    if not len(found) or found.min() == found.max():
        return (0.0, 1.0)
    room = 0.1 * float(np.ptp(found))
    return float(found.min()) - room, float(found.max()) + room


def _curves(part: SubFigure, story: Story) -> None:
    """The first two primary scores of distance and diversity, or what has a forecast in their place."""
    order = sorted(AXES, key=("distance", "diversity", "quality", "task").index)
    scores = [s for axis in order if (s := story.primary.get(axis)) in story.scores][:2]
    scores = [told if (told := FORETOLD.get(s, s)) in story.scores else s for s in scores] or story.scores[:1]
    panels = part.subplots(max(len(scores), 1), 1, squeeze=False, sharex=True).ravel()
    for panel, score in zip(panels, scores, strict=False):
        curve_panel(panel, story, score)
        panel.set_title(label(words.axis_name(score)), fontsize=9)
        panel.set_xlabel("generation" if score == scores[-1] else "")
    if scores:
        told = textwrap.fill(clean(bands(story, scores)), FOOT)
        part.supxlabel(told, fontsize=7, color=SOFT, x=0.01, ha="left")
