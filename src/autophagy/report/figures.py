"""Figures for papers: curves and mixtures as SVG and PNG, on white, each arm with its own colour and marker."""

from __future__ import annotations

import re
import textwrap
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autophagy.analysis import words
from autophagy.analysis.lineages import split
from autophagy.core.text import clean

from .charts import LOGARITHMIC, MARKS, over, within
from .diets import KINDS, eaten
from .look import MATPLOTLIB, look
from .story import FORETOLD, Story

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

DOTS_PER_INCH = 110
ACROSS = ("distance", "quality", "diversity", "task")  # the order of panels
DIET_COLOURS = dict(zip(KINDS, ("#35608a", "#86b3d9", "#e0862f", "#9a4a12", "#8b8f96"), strict=True))
INK, SOFT = "#1b1f24", "#57606a"
LONGEST = 120  # letters of a name, however many lines it has
NAME, TITLE = 40, 30  # letters of a line in a legend, and of one above a panel


def write(story: Story, folder: Path) -> list[Path]:
    """Writes one figure of the axes' primary scores, one for each metric and one of the mixtures; returns the paths."""
    metrics = list(dict.fromkeys(split(score)[0] for score in story.scores))
    axes = [axis for axis in ACROSS if story.primary.get(axis) in story.scores]
    paths = []
    with style():
        if len(axes) > 1:  # side by side, as in MAD's Figures 4 and 6
            paths += save(curves(story, [story.primary[axis] for axis in axes]), folder, f"00-{'-'.join(axes)}")
        for i, metric in enumerate(metrics):
            scores = [score for score in story.scores if split(score)[0] == metric]
            paths += save(curves(story, scores), folder, f"{i + 1:02d}-{slug(metric)}")
        paths += save(mixtures(story), folder, f"{len(metrics) + 1:02d}-mixtures")
    return paths


@contextmanager
def style() -> Iterator[None]:
    """Our settings of matplotlib, for as long as the block runs. Names are never read as TeX."""
    import matplotlib

    settings: Any = {  # matplotlib types each key
        "text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "autophagy", "font.size": 9,
        "font.family": ["DejaVu Sans"], "axes.edgecolor": "#b8bec5", "axes.labelcolor": SOFT, "text.color": INK,
        "xtick.color": SOFT, "ytick.color": SOFT, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#e9ecef", "axes.axisbelow": True,
        "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left", "legend.frameon": False,
    }  # fmt: skip
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a name may be in any script
        yield


def slug(name: str) -> str:
    """A part of a file name that is safe everywhere; not unique."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-") or "scores"


def curves(story: Story, scores: list[str]) -> Figure:
    """Panels of scores, three in a row (or four), with one legend, and what means and bands are over."""
    from matplotlib.figure import Figure

    columns = len(scores) if len(scores) == 4 else min(3, len(scores))
    rows = -(-len(scores) // columns)
    width = 0.4 + 3.1 * max(columns, 2)
    names = _names_in_a_row(story, width)
    room = 0.7 + 0.19 * _legend_lines(story, names)
    figure = Figure(figsize=(width, room + 2.5 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    handles: dict[int, Line2D] = {}
    for panel, score in zip(panels, scores, strict=False):
        handles |= curve_panel(panel, story, score)
    for panel in panels[len(scores) :]:
        panel.set_axis_off()
    _legend(figure, story, handles, names)
    foot(figure, bands(story, scores))
    return figure


def curve_panel(axes: Axes, story: Story, score: str) -> dict[int, Line2D]:
    """Draws every arm's mean with its band, the floor and the forecast; returns the lines of means by arm."""
    means, lines = [], {}
    for i, arm in enumerate(story.arms):
        curve, its = story.curve(arm.name, score), look(i)
        if curve is None:
            continue
        curve = within(curve)
        means.append(curve.mean[np.isfinite(curve.mean)])
        every = max(1, len(curve.mean) // MARKS)
        (lines[i],) = axes.plot(
            curve.generations, curve.mean, color=its.light, marker=MATPLOTLIB[its.mark], markevery=every,
            markersize=4, linewidth=1.6, linestyle=(0, its.dash) if its.dash else "-",
        )  # fmt: skip
        axes.fill_between(curve.generations, curve.low, curve.high, color=its.light, alpha=0.15, linewidth=0)
        axes.axhline(story.floor(arm.name, score), color=SOFT, linewidth=1, dashes=(8, 3), zorder=0)
        if score in FORETOLD.values() and arm.forecast.sample_variance:
            dashes = (3, 2) if arm.forecast.is_exact else (1, 2.5)
            axes.plot(arm.forecast.sample_variance, color=its.light, linewidth=1.1, dashes=dashes)
    found = np.concatenate([*means, np.empty(0)])
    if len(found) and found.min() > 0 and found.max() / found.min() > LOGARITHMIC:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda y, _: words.short(y))  # the usual labels are TeX, which is off
        axes.yaxis.set_minor_formatter(lambda y, _: "")
    named(axes, score)
    if not len(found):
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no finite value", ha="center", va="center", color=SOFT, transform=axes.transAxes)
    return lines


def named(axes: Axes, score: str) -> None:
    """Says what a panel shows, by generation."""
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title(score))
    axes.set_xlabel("generation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def mixtures(story: Story) -> Figure:
    """What every generation of every arm trained on, stacked by origin; each arm on a scale of its own."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    columns = min(3, len(story.arms))
    rows = -(-len(story.arms) // columns)
    titles = [wrapped(arm.name, TITLE) for arm in story.arms]
    deep = 1.75 + 0.16 * max(text.count("\n") + 1 for text in titles)
    figure = Figure(figsize=(0.4 + 3.1 * max(columns, 2), 0.9 + deep * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, arm, text in zip(panels, story.arms, titles, strict=False):
        generations, meals = eaten(story, arm)
        base = np.zeros(len(generations))
        for kind, colour in DIET_COLOURS.items():
            height = np.array([meal[kind] for meal in meals], float)
            width = 0.8 * (generations[1] - generations[0] if len(generations) > 1 else 1)
            panel.bar(generations, height, width, base, color=colour)
            base += height
        panel.set_title(text)
        panel.set_xlabel("generation")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in panels[len(story.arms) :]:
        panel.set_axis_off()
    handles = [Patch(color=colour, label=KINDS[kind]) for kind, colour in DIET_COLOURS.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, fontsize=8)
    foot(
        figure, f"What the lineage with seed {story.first_seed} was given, or will be; each arm on a scale of its own."
    )
    return figure


def foot(figure: Figure, told: str) -> None:
    """A line below the panels: what they show, and what their numbers are over."""
    text = textwrap.fill(clean(told), int(15 * figure.get_figwidth()))
    figure.supxlabel(text, fontsize=8, color=SOFT, x=0.01, ha="left")


def label(name: str, most: int = 40) -> str:
    """A name as a figure has room for it, cut in its middle, for names of a kind differ at their ends.

    Matplotlib hides labels that begin with an underscore.
    """
    text = clean(name)
    text = text if len(text) <= most else f"{text[: most // 2]}…{text[most // 2 + 1 - most :]}"
    return f" {text}" if text.startswith("_") else text


def wrapped(name: str, letters: int) -> str:
    """A name in lines of so many letters, or half as many where they are wide."""
    text = label(name, LONGEST)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return textwrap.fill(text, max(1, letters * len(text) // (len(text) + wide or 1)))


def title(score: str, most: int = 36) -> str:
    """A score's name over its panel. Where it is too long, its settings lose their end, and never what is measured."""
    name, _, value = score.rpartition(".")
    value = value.replace("_", " ")
    room = most - len(value) - 1
    short = name if len(name) <= room else f"{name[: room - 2]}…]"
    return label(f"{short} {value}", most)


def bands(story: Story, scores: Sequence[str]) -> str:
    """What means and bands of panels are over; said once where that is the same in all of them."""
    told: dict[str, list[str]] = {}
    for score in scores:
        found = [curve for arm in story.arms if (curve := story.curve(arm.name, score)) is not None]
        told.setdefault(over(found) or "no lineage", []).append(title(score))
    if len(told) == 1:
        return f"Lines and bands: {', '.join(told)}."
    return f"Lines and bands: {'; '.join(f'{text} ({words.listed(its)})' for text, its in told.items())}."


def _names_in_a_row(story: Story, width: float) -> int:
    """All of them where so many inches have room, else three, or two if they are long."""
    names = [label(arm.name) for arm in story.arms]
    longest = max(len(name) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in name) for name in names)
    if len(names) * (0.6 + 0.12 * longest) <= width:
        return len(names)
    return 3 if max(map(len, names)) <= 24 else 2


def _legend_lines(story: Story, columns: int) -> int:
    """Of the highest of the columns into which matplotlib splits the names."""
    lines = [wrapped(arm.name, NAME).count("\n") + 1 for arm in story.arms]
    return max(int(sum(part)) for part in np.array_split(lines, columns))


def _legend(figure: Figure, story: Story, lines: Mapping[int, Line2D], names: int) -> None:
    """By arm: two arms have two entries, whatever can be read of their names."""
    if lines:
        texts = [wrapped(story.arms[i].name, NAME) for i in lines]
        figure.legend(lines.values(), texts, loc="outside upper left", ncols=names, fontsize=8)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes a figure as SVG and PNG; returns the paths. What had those names before is there until then.

    It is laid out here, once: a figure with a layout engine would be laid out and drawn twice for every file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    lay_out(figure)
    replace(figure, paths[0], metadata={"Date": None})
    replace(figure, paths[1], dpi=DOTS_PER_INCH)
    return paths


def lay_out(figure: Figure) -> None:
    """Gives panels and texts their places, for good."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    ConstrainedLayoutEngine().execute(figure)


def replace(figure: Figure, path: Path, **settings: Any) -> None:
    """Writes a figure beside its place and moves it there, so that nobody finds half of it."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        figure.savefig(partial, **{"format": path.suffix[1:], **settings})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
