"""Figures of what was simulated: curves with their quantiles, and maps of the effective sample size."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autophagy.core.errors import ConfigError, StoreError
from autophagy.report.figures import INK, SOFT, label, style
from autophagy.report.look import look

from .ensemble import ArmEnsemble, Ensemble, Summary
from .sweep import Swept, Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGARITHMIC = 30  # a mean that spans more than this factor is shown on a logarithmic scale
DOTS_PER_INCH = 160
FORMATS = (".png", ".svg", ".pdf")
WORDS = {
    "bias": "λ",
    "loop.real": "new real points each generation, nᵣ",
    "loop.synthetic": "points of the last generation, nₛ",
    "mean_error": "error of the mean, ‖μ − μ0‖² / tr Σ0",
    "variance_ratio": "variance, of the true",
    "log_variance": "ln variance, of the true",
    "w2": "W2 to the truth",
    "gini_ratio": "Gini diversity, of the true",
    "entropy": "entropy, nats",
    "lost": "symbols lost",
    "total_variation": "total variation to the truth",
    "weight_error": "error of the weights, ‖ŵ − w0‖² / σ0²",
    "noise_ratio": "noise variance, of the true",
    "log_noise": "ln noise variance, of the true",
}
OF_A_RATIO = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2)


def save(found: Ensemble | Swept, path: Path) -> None:
    """Writes the figure; the ending of the name says which kind. Raises as `check_path` does."""
    check_path(path)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    with style():
        figure = map_figure(found) if isinstance(found, Swept) else curve_figure(found)
        try:
            figure.savefig(path, dpi=DOTS_PER_INCH, metadata=metadata)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}.") from None


def check_path(path: Path) -> None:
    """Raises ConfigError for a name that is no figure's, StoreError for a place where none can be written."""
    if path.suffix not in FORMATS:
        raise ConfigError(f"a figure must end in {', '.join(FORMATS)}, but is {str(path)!r}.")
    if path.is_dir():
        problem = "it is a folder"
    elif not path.parent.is_dir():
        problem = f"there is no folder {path.parent}"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        problem = "permission denied"
    else:
        return
    raise StoreError(f"{path} cannot be written: {problem}; choose another --figure.")


# ── an ensemble ──────────────────────────────────────────────────────────────


def curve_figure(found: Ensemble) -> Figure:
    """A panel for each reading: every arm's mean, the middle 90 % of its replicates, and the forecast dashed."""
    from matplotlib.figure import Figure

    readings = list(dict.fromkeys(name for arm in found.arms.values() for name in arm.readings if name in WORDS))
    columns = min(3, len(readings))
    rows = -(-len(readings) // columns)
    names_in_a_row = 3 if max(len(label(name)) for name in found.arms) <= 24 else 2
    room = 0.6 + 0.19 * -(-len(found.arms) // names_in_a_row)
    figure = Figure(figsize=(0.4 + 3.3 * max(columns, 2), room + 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, reading in zip(panels, readings, strict=False):
        _curves(panel, found, reading)
    for panel in panels[len(readings) :]:
        panel.set_axis_off()
    handles, names = _legend(panels)
    figure.legend(handles, names, loc="outside upper left", ncols=names_in_a_row, fontsize=8)
    return figure


def _curves(panel: Axes, found: Ensemble, reading: str) -> None:
    from matplotlib.ticker import MaxNLocator

    summaries = {name: arm.summary(reading) for name, arm in found.arms.items() if reading in arm.readings}
    is_logarithmic = _spans(summaries)
    for i, (name, arm) in enumerate(found.arms.items()):
        if name in summaries:
            _curve(panel, label(name), i, summaries[name], arm, reading)
    if is_logarithmic:
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
        panel.yaxis.set_minor_formatter(lambda y, _: "")
    panel.set_title(WORDS.get(reading, reading))
    panel.set_xlabel(f"generation (n = {found.replicates:,} lineages)")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def _curve(panel: Axes, name: str, i: int, summary: Summary, arm: ArmEnsemble, reading: str) -> None:
    its = look(i)
    generations = np.arange(len(summary.mean))
    low, high = summary.quantiles[0], summary.quantiles[-1]
    is_drawn = np.isfinite(low) & np.isfinite(high)
    panel.fill_between(
        generations[is_drawn], low[is_drawn], high[is_drawn], color=its.light, alpha=0.13, linewidth=0,
    )  # fmt: skip
    dashes = (0, its.dash) if its.dash else "-"
    panel.plot(generations, summary.mean, color=its.light, linewidth=1.6, linestyle=dashes, label=name)
    expected = arm.expected(reading)
    if expected:
        panel.plot(expected, color=INK, linewidth=0.9, dashes=(3, 2) if arm.forecast.is_exact else (1, 2.5))


def _spans(summaries: dict[str, Summary]) -> bool:
    means = np.concatenate([summary.mean for summary in summaries.values()])
    means = means[np.isfinite(means)]
    return bool(len(means) and means.min() > 0 and means.max() / means.min() > LOGARITHMIC)


def _legend(panels: Any) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found = {text: handle for panel in panels for handle, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    band = Patch(color=SOFT, alpha=0.2, label="90 % of lineages")
    dashed = Line2D([], [], color=INK, linewidth=0.9, dashes=(3, 2), label="forecast of the mean")
    return [*found.values(), band, dashed], [*found, "90 % of lineages", "forecast of the mean"]


# ── a sweep ──────────────────────────────────────────────────────────────────


def map_figure(found: Swept) -> Figure:
    """A panel for each value of the first setting; the other two are its axes, n_e/n_r the colour, with a line at 1."""
    from matplotlib.figure import Figure

    sweep = found.sweep
    columns = min(2, len(sweep.panels.values))
    rows = -(-len(sweep.panels.values) // columns)
    figure = Figure(figsize=(1.5 + 3.7 * columns, 0.9 + 3.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    maps = []
    for panel, value in zip(panels.ravel(), sweep.panels.values, strict=False):
        maps.append(_map(panel, found, value))
        panel.set_title(f"{WORDS.get(sweep.panels.key, sweep.panels.key)} = {value:g}" if _is_number(value) else value)
    for panel in panels.ravel()[len(sweep.panels.values) :]:
        panel.set_axis_off()
    for panel in panels[-1]:
        panel.set_xlabel(WORDS.get(sweep.across.key, sweep.across.key))
    for panel in panels[:, 0]:
        panel.set_ylabel(WORDS.get(sweep.up.key, sweep.up.key))
    bar = figure.colorbar(maps[0], ax=panels, ticks=OF_A_RATIO, shrink=0.8, pad=0.02, extend="both")
    bar.ax.set_yticklabels([f"{ratio:g}" if ratio >= 1 else f"1/{1 / ratio:g}" for ratio in OF_A_RATIO])
    bar.set_label(f"nₑ / nᵣ  ({found.sweep.replicates:,} lineages a cell)")
    bar.outline.set_visible(False)
    bar.ax.axhline(1, color=INK, linewidth=1.4)
    return figure


def _map(panel: Axes, found: Swept, value: Value) -> Any:
    """One panel; returns what the colour bar is of."""
    from matplotlib.colors import FuncNorm

    across, up = (np.array(axis.values, float) for axis in (found.sweep.across, found.sweep.up))
    ratios = found.ratios(value)
    norm = FuncNorm((_even, _odd), vmin=OF_A_RATIO[0], vmax=OF_A_RATIO[-1])
    mesh = panel.pcolormesh(_edges(across), _edges(up), ratios, cmap="BrBG", norm=norm, rasterized=True)
    panel.set_xscale("log")
    panel.set_yscale("log")
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(lambda n, _: f"{n:,.0f}")
        axis.set_minor_formatter(lambda n, _: "")
    panel.grid(visible=False)
    if ratios.min() < 1 < ratios.max():
        border = [np.nan if n is None else n for n in found.borders(value)]
        panel.plot(across, border, color=INK, linewidth=1.8)
    else:
        word = "above" if ratios.min() >= 1 else "below"
        told = panel.text(0.97, 0.04, f"nₑ {word} nᵣ everywhere", transform=panel.transAxes, ha="right")
        told.set_bbox({"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 2})
    return mesh


def _even(ratio: Any) -> Any:
    """Ratios on a scale whose middle is 1: a halving below it is a quarter as wide as the doubling above."""
    logs = np.log2(np.maximum(ratio, 1e-9))
    return np.where(logs < 0, logs / 4, logs)


def _odd(place: Any) -> Any:
    return np.exp2(np.where(np.less(place, 0), np.multiply(4, place), place))


def _edges(centres: np.ndarray) -> np.ndarray:
    """Borders halfway between centres, on a logarithmic scale."""
    logs = np.log(centres)
    if len(logs) == 1:
        return np.asarray(np.exp(logs[0] + np.array([-0.5, 0.5])))
    middles = (logs[1:] + logs[:-1]) / 2
    return np.asarray(np.exp(np.concatenate(([2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]))))


def _is_number(value: Value) -> bool:
    return not isinstance(value, str)
