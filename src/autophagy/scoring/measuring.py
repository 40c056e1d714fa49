"""Every metric's numbers for one comparison, each with how sure it is and what it would be of real data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autophagy.core.labels import metric_label
from autophagy.core.parts import Metric

from .comparison import BLOCKS, NOTHING, Comparison, Measured
from .encode import Watch
from .intervals import Interval, is_error, jackknifed, lacking, own
from .scores import Floor, Score

WHAT = "measuring"


@dataclass(frozen=True)
class Outcome:
    """The numbers of the metrics that have some, and why the others have none."""

    scores: list[Score]
    silent: dict[str, str]

    @property
    def lost(self) -> dict[str, str]:
        """Values of the table that the others could not have, such as one of cells that are all too small."""
        first = {score.label: score.name for score in reversed(self.scores)}
        shown = (score for score in self.scores if score.better or score.name == first[score.label])
        return {f"{score.label}.{score.name}": NOTHING for score in shown if not math.isfinite(score.value)}


def measure(metrics: Sequence[Metric], comparison: Comparison, *, intervals: bool, watch: Watch) -> Outcome:
    """Measures the sets, then real data against itself, then ten times without a block for the intervals."""
    steps = 2 + BLOCKS * intervals
    watch(WHAT, 0, steps)
    whole = comparison.measured(metrics)
    spoken = [(metric, one) for metric, one in zip(metrics, whole, strict=True) if isinstance(one, Measured)]
    silent = {_label(m, metrics): one for m, one in zip(metrics, whole, strict=True) if isinstance(one, str)}
    watch(WHAT, 1, steps)
    floors = _floors([metric for metric, _ in spoken], comparison)
    watch(WHAT, 2, steps)
    around = [own(one) for _, one in spoken]
    if intervals:
        around = _jackknifed(spoken, around, comparison, watch)
    if min(len(comparison.fake), len(comparison.real)) < math.prod(comparison.fake.shape[1:]):
        around = [_founded(metric, known) for (metric, _), known in zip(spoken, around, strict=True)]
    found = zip(spoken, floors, around, strict=True)
    scores = [_scores(m, _label(m, metrics), one, floor, known) for (m, one), floor, known in found]
    return Outcome([score for some in scores for score in some], silent)


def _founded(metric: Metric, known: Mapping[str, Interval]) -> dict[str, Interval]:
    """Those that hold for fewer rows than features too, where a Fréchet bias is not of order 1/n."""
    fails = ("debiased", "infinite") if metric.name == "frechet" else ()
    return {name: one for name, one in known.items() if name not in fails}


def _floors(metrics: Sequence[Metric], comparison: Comparison) -> list[Measured | None]:
    smaller = comparison.floor()
    if smaller is None:
        return [None] * len(metrics)
    return [one if isinstance(one, Measured) else None for one in smaller.measured(metrics)]


def _jackknifed(
    spoken: Sequence[tuple[Metric, Measured]],
    known: Sequence[Mapping[str, Interval]],
    comparison: Comparison,
    watch: Watch,
) -> list[dict[str, Interval]]:
    """Adds intervals to the values that a table shows and have none.

    Without blocks, a metric must read what is left of the same rows, or the
    choice of others would be taken for the noise of the sets.
    """
    wanted = [lacking(_main(*each), around) for each, around in zip(spoken, known, strict=True)]
    sizes = len(comparison.fake), len(comparison.real)
    limits = [metric.most_rows(*sizes) if names else 0 for (metric, _), names in zip(spoken, wanted, strict=True)]
    left: dict[int, list[Measured]] = {i: [] for i in range(len(spoken))}
    rounds = 0
    for limit in sorted({limit for limit in limits if limit}):
        at = [i for i, other in enumerate(limits) if other == limit]
        for smaller in comparison.thinned(limit).without_blocks():
            for i, one in zip(at, smaller.measured([spoken[i][0] for i in at]), strict=True):
                left[i] += [one] if isinstance(one, Measured) else []
            rounds += 1
            watch(WHAT, 2 + rounds, 2 + BLOCKS * len({*limits} - {0}))
    values = ({name: one.values[name] for name in names} for (_, one), names in zip(spoken, wanted, strict=True))
    return [{**jackknifed(whole, left[i]), **known[i]} for i, whole in enumerate(values)]


def _label(metric: Metric, metrics: Sequence[Metric]) -> str:
    """Its name, with its settings where another one is called so too."""
    return metric_label(metric) if [m.name for m in metrics].count(metric.name) > 1 else metric.name


def _scores(
    metric: Metric, label: str, one: Measured, floor: Measured | None, around: Mapping[str, Interval]
) -> list[Score]:
    main = _main(metric, one)
    return [
        Score(
            metric=metric.name,
            label=label,
            name=name,
            value=one.values[name],
            interval=around.get(name),
            n_real=_size(one, "n_reference", "n_real", "n_train"),
            n_fake=_size(one, "n"),
            floor=_floor(floor, name),
            better=metric.better.get(name, ""),
            axis=metric.axes.get(name, metric.axis),
            is_main=name in main,
            identity=one.identity,
        )
        for name in one.values
        if not is_error(name)
    ]


def _main(metric: Metric, one: Measured) -> list[str]:
    """What a table shows: the metric's first value, and those that have a direction; of these what has a value."""
    names = [name for name in one.values if not is_error(name)]
    shown = [name for name in names if name == names[0] or name in metric.better]
    return [name for name in shown if math.isfinite(one.values[name])] or shown


def _floor(found: Measured | None, name: str) -> Floor | None:
    if found is None or not math.isfinite(found.values.get(name, math.nan)):
        return None
    return Floor(found.values[name], _size(found, "n_reference", "n_real", "n_train"), _size(found, "n"))


def _size(found: Measured, *names: str) -> int | None:
    return next((int(found.identity[name]) for name in names if name in found.identity), None)
