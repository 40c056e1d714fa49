"""Sheets of samples, pairs, courses, distances and perplexities as figures for papers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autophagy.core.text import clean

from .course import Course, Track, drawn
from .distances import BINS, Distances
from .figures import INK, SOFT, TITLE, bands, foot, label, named, save, slug, style, wrapped
from .look import MATPLOTLIB, look
from .pictures import Pictures
from .sheets import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .begun import Pairs
    from .story import Story
    from .surprise import Surprise

CELL = 1.05  # inches of a sheet's column
LETTERS = 17  # of a head's line
ROW = 6  # pairs side by side


def write(story: Story, pictures: Pictures, folder: Path, first: int) -> list[Path]:
    """Writes what there is, numbered from `first`; returns the paths."""
    found: list[tuple[str, Figure]] = []
    with style():
        if pictures.samples:
            found.append(("samples-by-arm", sheet(story, pictures.samples)))
        if pictures.course:
            found.append(("course", courses(story, pictures.course)))
        prompts = (each for of_arm in pictures.prompts for each in of_arm)
        found += [(f"prompts-{slug(each.title)}", sheet(story, each)) for each in prompts]
        found += [(f"begun-{slug(each.arms[0])}", pairs(each)) for each in pictures.pairs]
        found += [(f"distances-{slug(each.label)}", spreads(each)) for each in pictures.distances]
        found += [(slug(each.title), ridges(each)) for each in pictures.surprise]
        paths = []
        for i, (name, figure) in enumerate(found):
            paths += save(figure, folder, f"{first + i:02d}-{name}")
    return paths


def sheet(story: Story, its: Sheet) -> Figure:
    """Generations down, arms or prompts across, as one picture with names at its edges."""
    cells = [cell.pixels for _, row in its.rows for cell in row if cell.pixels is not None]
    h, w = (max((cell.shape[axis] for cell in cells), default=1) for axis in (0, 1))
    gap = max(2, w // 10)
    rows, columns = len(its.rows), len(its.heads)
    whole = np.zeros((rows * (h + gap) - gap, columns * (w + gap) - gap, 4), np.uint8)
    for i, (_, row) in enumerate(its.rows):
        for j, cell in enumerate(row):
            if cell.pixels is not None:
                _paste(whole[i * (h + gap) :, j * (w + gap) :], cell.pixels)
    heads = [textwrap.fill(label(head), LETTERS) for head in its.heads]
    colours = [INK if arm is None else look(arm).light for arm in its.arms]
    figure, axes = _canvas(whole, CELL * columns, [label(its.title)] if its.title else [], its.about)
    axes.set_xticks([j * (w + gap) + (w - 1) / 2 for j in range(columns)], heads, fontsize=7.5)
    axes.set_yticks([i * (h + gap) + (h - 1) / 2 for i in range(rows)], [str(g) for g, _ in its.rows], fontsize=9)
    for text, colour in zip(axes.get_xticklabels(), colours, strict=True):
        text.set(color=colour, weight="normal" if colour == INK else "bold")
    axes.set_ylabel("generation")
    return figure


def pairs(its: Pairs) -> Figure:
    """Real and generated side by side, a few pairs in a row, captions below them."""
    from matplotlib.figure import Figure

    down = -(-len(its.cells) // ROW)
    figure = Figure(figsize=(1.9 * ROW, 0.4 + 1.25 * down))
    cells = figure.subplots(down, ROW, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for k, (axes, cell) in enumerate(zip(cells, its.cells, strict=False)):
        axes.imshow(_coloured(cell.pixels), interpolation="none")
        if its.captions:
            axes.set_title(textwrap.fill(label(its.captions[k]), 28), fontsize=7, weight="normal", loc="center", y=-0.3)
    figure.suptitle(textwrap.fill(clean(its.about), 170), fontsize=8, color=SOFT, x=0.01, ha="left")
    return figure


def courses(story: Story, its: Course) -> Figure:
    """Two panels with one legend; controls are open, and branches dashed from where they part."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.6 + 4.1 * len(its.charts), 3.3 + 0.2 * -(-len(its.tracks) // 3)))
    panels = figure.subplots(1, len(its.charts), squeeze=False)[0]
    for axes, score in zip(panels, its.scores, strict=True):
        course_panel(axes, story, its.tracks, score)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper left", ncols=3, fontsize=8)
    told = " Last panel: standard deviation over samples." if its.has_spread else ""
    foot(figure, bands(story, its.scores) + told)
    return figure


def course_panel(axes: Axes, story: Story, tracks: Sequence[Track], score: str) -> None:
    for track in tracks:
        curve = drawn(story, track, score)
        if curve is None:
            continue
        colour, at = look(track.arm).light, curve.generations
        axes.fill_between(at, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(
            at, curve.mean, color=colour, linewidth=1.6, linestyle=(0, (4, 2)) if track.of else "-",
            marker=MATPLOTLIB[track.mark], markersize=7 if track.mark == "star" else 5,  # whose inside is small
            markerfacecolor="white" if track.is_open else colour,
            label=wrapped(f"{track.name} ({track.about})" if track.about else track.name, 60),
        )  # fmt: skip
    for arm in story.arms:
        axes.axhline(story.floor(arm.name, score), color=SOFT, linewidth=1, dashes=(8, 3), zorder=0)
    named(axes, score)


def spreads(its: Distances) -> Figure:
    """A panel an arm: the first generation in grey, the last one in the arm's colour."""
    from matplotlib.figure import Figure

    columns = min(3, len(its.spreads))
    rows = -(-len(its.spreads) // columns)
    figure = Figure(figsize=(0.4 + 3.1 * max(columns, 2), 0.6 + 1.7 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, spread in zip(panels, its.spreads, strict=False):
        colour = look(spread.arm).light
        axes.stairs(spread.last, spread.edges, color=colour, fill=True, alpha=0.3)
        axes.stairs(spread.last, spread.edges, color=colour, linewidth=1.4)
        axes.stairs(spread.first, spread.edges, color=INK, linewidth=1.1, linestyle=(0, (3, 2)))
        axes.set_title(wrapped(spread.name, TITLE))
        axes.set_yticks([])
        axes.annotate(
            f"{spread.generations[0]} → {spread.generations[1]}", (1, 1), xycoords="axes fraction", ha="right",
            va="top", fontsize=8, color=SOFT,
        )  # fmt: skip
    for axes in panels[len(its.spreads) :]:
        axes.set_axis_off()
    figure.suptitle(label(f"pairwise distance, {its.title}", 90), fontsize=9, x=0.01, ha="left", weight="bold")
    told = f"dashed: first generation; filled: last one; {its.about}, {BINS} bins; quantiles averaged over lineages"
    foot(figure, told)
    return figure


def ridges(its: Surprise) -> Figure:
    """A panel an arm, generations downwards, on one logarithmic axis of perplexities."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    columns = min(3, len(its.arms))
    rows, deep = -(-len(its.arms) // columns), max(len(arm.ridges) for arm in its.arms)
    figure = Figure(figsize=(0.4 + 3.1 * max(columns, 2), 0.9 + rows * (0.6 + 0.28 * deep)))
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, arm in zip(panels, its.arms, strict=False):
        colour, edges = look(arm.arm).light, np.exp(arm.edges)
        for k, ridge in enumerate(arm.ridges):
            axes.stairs(1.3 * ridge.heights - k, edges, baseline=-k, color=colour, fill=True, alpha=0.3)
            axes.stairs(1.3 * ridge.heights - k, edges, baseline=-k, color=colour, linewidth=1.1)
        axes.axvline(np.exp(arm.median), color=INK, linewidth=1, linestyle=(0, (3, 2)))
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yticks([-k for k in range(len(arm.ridges))], [str(ridge.generation) for ridge in arm.ridges])
        axes.set_title(wrapped(f"{arm.name} (n = {arm.n})", TITLE))
    for axes in panels[len(its.arms) :]:
        axes.set_axis_off()
    figure.suptitle(label(its.title, 90), fontsize=9, x=0.01, ha="left", weight="bold")
    first = its.arms[0].ridges[0].generation
    told = f"by generation, downwards; dashed: generation {first}'s median; {its.covered}, averaged over lineages"
    foot(figure, told)
    return figure


def _canvas(whole: np.ndarray, width: float, titles: list[str], about: str) -> tuple[Figure, Axes]:
    """A figure that one picture fills, with its caption below."""
    from matplotlib.figure import Figure

    wide = max(width + 0.7, 4.2)
    told = textwrap.fill(clean(about), int(wide * 15))
    high = width * whole.shape[0] / whole.shape[1]
    figure = Figure(figsize=(wide, high + 0.9 + 0.14 * told.count("\n")))
    axes = figure.subplots()
    axes.imshow(whole, interpolation="none")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    if titles:
        figure.suptitle(*titles, fontsize=10, weight="bold", x=0.01, ha="left")
    figure.supxlabel(told, fontsize=7.5, color=SOFT, x=0.01, ha="left")
    return figure, axes


def _paste(where: np.ndarray, pixels: np.ndarray) -> None:
    where[: pixels.shape[0], : pixels.shape[1]] = _coloured(pixels)


def _coloured(pixels: np.ndarray | None) -> np.ndarray:
    """`(h, w, 4)`, of grey images too."""
    if pixels is None:
        return np.zeros((1, 1, 4), np.uint8)
    return pixels if pixels.shape[2] == 4 else pixels[..., [0, 0, 0, 1]]
