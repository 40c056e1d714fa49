"""The synthetic budget as a figure: what a share costs, what founders learn from real data, what a share is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autophagy.analysis import budget_words, words
from autophagy.analysis.budget import Budget, Dose
from autophagy.analysis.effective_size import EffectiveSize, LearningCurve
from autophagy.analysis.monotone import FEWEST, band
from autophagy.analysis.paired import paired
from autophagy.analysis.trajectories import intervals

from .charts import lineages
from .figures import SOFT, foot, label
from .look import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COST, ALLOWED, WORTH, CURVE = (look(i).light for i in (0, 2, 1, 5))
PANEL, HEIGHT = 3.7, 3.6  # inches


def figure(budget: Budget) -> Figure:
    """A panel of losses by share, one of founders by n, and one of what shares are worth, as far as a run has them."""
    from matplotlib.figure import Figure

    panels = [_costs] if budget.shares[1:] else []
    panels += [_learning] if budget.curve else []
    panels += [_worths] if budget.curve and budget.curve.improves and budget.shares[1:] else []
    made = Figure(figsize=(0.4 + PANEL * max(len(panels), 1), HEIGHT))
    for draw, axes in zip(panels, made.subplots(1, max(len(panels), 1), squeeze=False).ravel(), strict=False):
        draw(axes, budget)
    sizes = _sizes(budget)
    told = f"n = {lineages(sizes)}, generation {budget.group.generation}"
    told += "; bars and bands: 95 % intervals over lineages" if max(sizes, default=0) >= FEWEST else ""
    told += "; losses far above the tolerance on a scale of logarithms" if budget.shares[1:] else ""
    foot(made, told)
    return made


def _sizes(budget: Budget) -> set[int]:
    """The numbers of lineages that points stand on."""
    found = {dose.value.n for dose in (*budget.shares, *budget.additions)}
    found |= {len(paired(budget.curve.columns).values)} if budget.curve else set()
    return found - {0}


def _costs(axes: Axes, budget: Budget) -> None:
    """Losses against the real-only arm, by share, with the tolerance and the budget."""
    allowed = budget.tolerance.amount
    for dose in budget.shares[1:]:
        beside = np.full(len(dose.losses), dose.diet.share)
        axes.plot(beside, dose.losses, "o", color=COST, alpha=0.3, markersize=3, markeredgewidth=0)
        _interval(axes, dose.diet.share, dose.loss.mean, dose.loss.low, dose.loss.high, COST)
    _cost_curve(axes, budget)
    axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.axhline(allowed, color=ALLOWED, linewidth=1.2, dashes=(6, 3))
    if budget.passed is not None and _has_shape(budget):
        ends = [min(max(x, 0), budget.judged[-1].diet.share) for x in (budget.passed.low, budget.passed.high)]
        axes.axvspan(*ends, color=ALLOWED, alpha=0.15, linewidth=0)
        if math.isfinite(budget.passed.at):
            axes.axvline(budget.passed.at, color=ALLOWED, linewidth=1.6)
    axes.set_yscale("asinh", linear_width=2 * allowed)  # to scale around the tolerance, by logarithms far from it
    axes.set_yticks(_ticks(*axes.get_ylim(), allowed))
    axes.yaxis.set_major_formatter(lambda y, _: budget_words.amount(budget, y))
    axes.minorticks_off()
    axes.annotate(
        f"tolerance {budget_words.amount(budget, allowed)}", (1, allowed), (0, 3), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", color=ALLOWED, fontsize=8,
    )  # fmt: skip
    axes.set_title("what a share costs")
    axes.set_ylabel(label(f"loss in {words.axis_name(budget.score)}"))
    _share_axis(axes)


def _cost_curve(axes: Axes, budget: Budget) -> None:
    """The curve that the budget is read from, where every share has the same lineages."""
    judged = budget.judged
    if not _has_shape(budget) or len({len(dose.losses) for dose in judged}) > 1:
        return
    shares, losses = np.array([d.diet.share for d in judged]), np.stack([d.losses for d in judged], axis=1)
    grid = np.linspace(0, shares[-1], 200)
    height, low, high = band(losses, shares, grid)
    axes.plot(grid, height, color=COST, linewidth=1.6)
    axes.fill_between(grid, low, high, color=COST, alpha=0.12, linewidth=0)


def _has_shape(budget: Budget) -> bool:
    """Whether more than one share was tried: nobody knows how a curve gets from none to a single one."""
    return len(budget.judged) > 2


def _ticks(low: float, high: float, allowed: float) -> list[float]:
    """None, and on both sides powers of ten from the tolerance's on, with their halves."""
    first = math.floor(math.log10(allowed))
    sizes = [m * 10.0**k for k in range(first, first + 9) for m in (2, 5, 10)]
    found = [sign * size for size in sizes if size >= 0.9 * allowed for sign in (-1, 1)]
    return sorted([0.0, *(tick for tick in found if low <= tick <= high)])


def _learning(axes: Axes, budget: Budget) -> None:
    """Founders by the number of real samples, and where the arms with synthetic data come to lie on their curve."""
    curve, rows = budget.curve, budget.group.rows
    if curve is None:
        return
    sizes, values = np.array(curve.sizes), paired(curve.columns).values  # (k,), (s, k)
    if curve.improves:
        grid, (height, low, high) = _founders(curve, values)
        axes.plot(grid, height, color=CURVE, linewidth=1.6)
        axes.fill_between(grid, low, high, color=CURVE, alpha=0.15, linewidth=0)
    elif len(values) >= FEWEST:
        _, low, high, _ = intervals(values)
        axes.vlines(sizes, low, high, color=CURVE, linewidth=1.2)
    axes.plot(sizes, values.mean(0), "o", color=CURVE, markersize=4, label="founders on real data alone")
    axes.axvline(rows, color=SOFT, linewidth=0.8, dashes=(2, 2))
    _on_the_curve(axes, budget, -curve.sign)
    axes.set_xscale("log")
    axes.set_xticks(_apart([rows, *sizes.tolist()]))
    axes.xaxis.set_major_formatter(lambda x, _: words.short(x))
    axes.minorticks_off()
    axes.legend(fontsize=8, frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
    axes.set_title("what real data alone gives")
    axes.set_ylabel(label(words.axis_name(budget.score)))
    axes.set_xlabel("real training samples")


def _on_the_curve(axes: Axes, budget: Budget, fall: int) -> None:
    """Marks at n_e, labelled by turns on either side of the curve; `fall` is 1 where that goes down, −1 where up."""
    marked = [(dose, "s", budget_words.percent(dose.diet.share)) for dose in budget.shares[1:]]
    marked += [(dose, "D", dose.diet.arm) for dose in budget.additions]
    placed = [
        (dose.worth.size, dose.value.mean, mark, text)
        for dose, mark, text in marked
        if dose.worth is not None and 0 < dose.worth.size < math.inf
    ]
    untold = {"s": "with a synthetic share", "D": "with synthetic rows added"}
    for i, (size, height, mark, text) in enumerate(sorted(placed)):
        axes.plot(size, height, mark, color=WORTH, markersize=5, label=untold.pop(mark, ""))
        side = 1 if i % 2 else -1
        axes.annotate(
            label(text), (size, height), (5 * side, 5 * side * fall), textcoords="offset points", fontsize=8,
            color=WORTH, ha="left" if side > 0 else "right", va="bottom" if side * fall > 0 else "top",
        )  # fmt: skip


def _founders(curve: LearningCurve, values: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Numbers of real samples, and the curve with its bounds there."""
    places = np.log(curve.sizes)
    grid = np.linspace(places[0], places[-1], 200)
    height, low, high = (curve.sign * line for line in band(curve.sign * values, places, grid))
    return np.exp(grid), (height, low, high)


def _apart(sizes: Sequence[int]) -> list[int]:
    """Sizes, of which the first ones count most, whose labels don't meet on a logarithmic axis."""
    room = 0.15 * math.log(max(sizes) / min(sizes))
    found: list[int] = []
    for size in sizes:
        if all(abs(math.log(size / other)) >= room for other in found if other != size) and size not in found:
            found.append(size)
    return found


def _worths(axes: Axes, budget: Budget) -> None:
    """n_e/N by share, beside what the share's real rows alone would be."""
    rows = budget.group.rows
    axes.plot([0, 1], [1, 0], color=SOFT, linewidth=1, dashes=(6, 3))
    told = axes.annotate(
        "its real rows alone", (0.62, 0.38), (4, 4), textcoords="offset points", fontsize=8, color=SOFT
    )
    told.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})
    told.set_zorder(4)
    for dose in budget.shares:
        if dose.worth is not None and not math.isnan(dose.worth.size):
            _worth(axes, dose, dose.worth, rows)
    axes.set_ylim(bottom=0)
    axes.set_title("what a share is worth")
    axes.set_ylabel("effective / real sample size")
    _share_axis(axes)


def _worth(axes: Axes, dose: Dose, found: EffectiveSize, rows: int) -> None:
    """A point with its interval, cut off where the learning curve ends; an arrow where the point itself lies beyond."""
    at, low, high = (min(max(x, found.smallest), found.largest) / rows for x in (found.size, found.low, found.high))
    mark = {0: "v", math.inf: "^"}.get(found.size, "s")
    _interval(axes, dose.diet.share, at, low, high, WORTH, mark)


def _interval(axes: Axes, x: float, at: float, low: float, high: float, colour: str, mark: str = "s") -> None:
    axes.plot(x, at, mark, color=colour, markersize=4.5)
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([x, x], [low, high], color=colour, linewidth=1.2)


def _share_axis(axes: Axes) -> None:
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(lambda x, _: budget_words.percent(x))
    axes.set_xlabel("synthetic share of the training set")
