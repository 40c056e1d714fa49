"""Which score a budget is about: the one asked for, by its full name or its metric's, or the primary distance."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from autophagy.archive.run_folder import Measure
from autophagy.core.errors import ConfigError, listed, nearest
from autophagy.core.generation import Record

from .lineages import axis_of, bare, by_arm, split, unlabelled
from .verdict import PRIMARY, primary, primary_of


@dataclass(frozen=True)
class _Score:
    name: str
    better: str
    axis: str


def judged_score(
    measures: Mapping[str, Mapping[str, Measure]],
    records: Sequence[Record],
    asked: str | None,
    references: Container[str] = (),
) -> tuple[str, str]:
    """The full name of a score and which way is good. Raises ConfigError. By default one that `references` have.

    A metric's name will do, with its settings or without, where only one score can be meant: the metric has one with
    a direction, or several of one axis of which one is primary, as the distance of "frechet" is.
    """
    measured = {name for record in records for name in record.scores}
    known = _directed(measures, measured)
    if not known:
        raise ConfigError("no metric of this run says which way is good, so there is no loss to speak of; measure one.")
    if asked is None:
        by_axis = primary_of([arm for arm in by_arm(records).values() if arm.arm in references], measures)
        by_axis = by_axis or primary(measures, measured)
        asked = by_axis.get("distance") or next(iter(by_axis.values()))
    found = _meant(asked, known)
    if len(found) == 1:
        return found[0].name, found[0].better
    if found:
        names = listed(score.name for score in found)
        raise ConfigError(f"'{asked}' has several values; name one of {names}.")
    metrics = {name for score in known for label in [split(score.name)[0]] for name in (label, bare(label))}
    hint = nearest(asked, [*(s.name for s in known), *(m for m in sorted(metrics) if len(_meant(m, known)) == 1)])
    names = listed(score.name for score in known)
    raise ConfigError(f"no score named '{asked}' says which way is good.{hint} There are: {names}.")


def _directed(measures: Mapping[str, Mapping[str, Measure]], measured: set[str]) -> list[_Score]:
    """The scores that were measured and have a direction."""
    found = {
        name: _Score(name, way, axis_of(measure, name))
        for of_arm in measures.values()
        for label, measure in of_arm.items()
        for value, way in measure.better.items()
        if (name := f"{label}.{value}") in measured
    }
    return list(found.values())


def _meant(asked: str, known: Sequence[_Score]) -> list[_Score]:
    """The scores of that name, else of that metric as set, else of that metric; the primary one if of one axis."""
    readings = (lambda name: name, lambda name: split(name)[0], lambda name: bare(split(name)[0]))
    matches = ([score for score in known if reading(score.name) == asked] for reading in readings)
    found: list[_Score] = next(filter(None, matches), [])
    first = [score for score in found if unlabelled(score.name) in PRIMARY]
    return first if len(first) == 1 and len({score.axis for score in found}) == 1 else found
