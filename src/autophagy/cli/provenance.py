"""Where artefacts come from: the plans of a store's runs, read backwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder, readable, runs
from autophagy.archive.store import sheet
from autophagy.core.errors import AutophagyError, ConfigError, StoreError
from autophagy.core.identity import KEY_LENGTH
from autophagy.core.labels import metric_label, part_label
from autophagy.core.settings import shown
from autophagy.experiment.plan import Plan, plan
from autophagy.experiment.reals import Rows
from autophagy.experiment.rebuild import rebuild
from autophagy.experiment.turns import BEGUN, GALLERY, Measurement, Turn

from .terminal import cell

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

SHORT = 12  # hex digits shown; enough to name an artefact again
NAMED = 3  # makers told by name


@dataclass
class Origin:
    """What is in an artefact, what it was made from (by key), and every turn that makes it."""

    what: tuple[str, ...]
    of: tuple[str, ...]
    is_artefact: bool = True  # real rows have a key too, but are not kept in the store
    makers: list[str] = field(default_factory=list)

    def add(self, other: Origin, maker: str) -> None:
        """What one more turn makes of it: a run may have measured what others have not."""
        self.what = tuple(dict.fromkeys((*self.what, *other.what)))
        self.of = tuple(dict.fromkeys((*self.of, *other.of)))
        self.makers.append(maker)


@dataclass(frozen=True)
class Provenance:
    """Origins by key, for every run of a store that can be planned again.

    Attributes:
        present: keys of what is in the store.
        problems: why some runs could not be planned.
        sheets: the artefact of each measurement, by the keys in records.
    """

    origins: dict[str, Origin]
    present: set[str]
    problems: list[str]
    sheets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, store: DiskStore) -> Provenance:
        found = cls({}, set(store.keys()), [])
        for name in runs(store.root):
            folder = RunFolder(store.root, name)
            try:
                with readable(folder):
                    found._add(plan(rebuild(folder.notes())))
            except AutophagyError as problem:
                found.problems.append(str(problem))
        return found

    def resolve(self, prefix: str) -> str:
        """The one key that begins so; raises ConfigError for no hex digits or too few of them, StoreError for none."""
        prefix = prefix.lower()
        if not re.fullmatch(f"[0-9a-f]{{1,{KEY_LENGTH}}}", prefix):
            raise ConfigError(
                f"a key is up to {KEY_LENGTH} hexadecimal digits (0–9, a–f), but this is {shown(prefix)}."
            )
        found = sorted(key for key in self.origins.keys() | self.present | self.sheets.keys() if key.startswith(prefix))
        if not found:
            raise StoreError(self._because(f"no artefact's key begins with {prefix}"))
        if len(found) > 1:
            told = ", ".join(key[:SHORT] for key in found[:5]) + (", …" if len(found) > 5 else "")
            raise ConfigError(f"{len(found)} keys begin with {prefix}: {told}; give more digits.")
        key = self.sheets.get(found[0], found[0])
        if key not in self.origins:
            raise StoreError(self._because(f"no run in this store makes {key} any more"))
        return key

    def tree(self, key: str, depth: int) -> Tree:
        """The artefact, what it was made from, and so on, `depth` steps back; what has been told is not told twice."""
        from rich.tree import Tree

        root = Tree(self._label(key), guide_style="dim")
        told, level = {key}, [(root, key)]
        for _ in range(depth):
            below = []
            for branch, parent in level:
                for child in self.origins[parent].of:
                    is_new = child not in told or not self.origins[child].of
                    label = self._label(child)
                    twig = branch.add(label if is_new else label.append("  (told above)", "dim"))
                    below += [(twig, child)] if is_new else []
                    told.add(child)
            level = below
        for branch, parent in level:
            if self.origins[parent].of:
                branch.add(cell(f"… autophagy trace {parent[:SHORT]} goes on", "dim"))
        return root

    def _label(self, key: str) -> Text:
        origin = self.origins[key]
        label = cell(f"{key[:SHORT]}  ", "cyan").append_text(cell(", ".join(origin.what), "bold"))
        more = len(origin.makers) - NAMED
        who = "; ".join(origin.makers[:NAMED]) + (f"; and {more} more" if more > 0 else "")
        label.append_text(cell(f"  {who}" if who else ""))
        if origin.is_artefact and key not in self.present:
            label.append_text(cell("  (not in the store)", "dim"))
        return label

    def _because(self, sentence: str) -> str:
        return (
            f"{sentence}; some runs could not be searched: {' '.join(self.problems)}"
            if self.problems
            else f"{sentence}."
        )

    def _add(self, plan: Plan) -> None:
        name = plan.experiment.name
        for turn in plan.turns:
            maker = f"{name}: {turn.arm_name}, seed {turn.seed}, generation {turn.number}"
            for key, origin in _made(turn):
                self.origins.setdefault(key, origin).add(origin, maker)
            self.sheets.update((each.key, sheet(each.of)) for each in turn.measures())
            for rows in _real(turn):
                self.origins.setdefault(rows.key, Origin((_rows(rows),), (), is_artefact=False))
        for floor in plan.floors:
            of = floor.keys.control.key, floor.keys.reference.key
            origin = Origin((f"{metric_label(floor.metric)} of real data against real data",), of)
            self.origins.setdefault(floor.key, origin).add(origin, f"{name}: {floor.arm_name}")


def _made(turn: Turn) -> Iterator[tuple[str, Origin]]:
    """Everything a turn leaves in the store."""
    arm, keys = turn.arm, turn.keys
    started = tuple(key for key in (turn.start, turn.ground, keys.validation and keys.validation.key) if key)
    yield turn.fit, Origin((f"fitted {part_label(arm.model)}",), (*(e.key for e in turn.eaten), *started))
    begun = (keys.fixed.key,) if turn.number == 0 and arm.seeding is not None else ()
    yield turn.draw, Origin((f"{turn.samples:,} samples as drawn",), (turn.fit, *begun))
    if turn.kept != turn.draw:
        curators = ", ".join(map(part_label, arm.curators))
        again = (turn.fit,) if arm.refill == "redraw" else ()  # which draws anew in the place of what is dropped
        of = dict.fromkeys((turn.draw, *again, turn.founder, keys.fixed.key))
        yield turn.kept, Origin((f"samples after {curators}",), tuple(of))
    for name, key in turn.probes:
        yield key, _shown(turn, name)
    yield turn.done, Origin(("facts of a finished turn",), (turn.fit, turn.kept))
    measures: dict[str, list[Measurement]] = {}
    for each in turn.measures():
        measures.setdefault(each.of, []).append(each)
    yield from ((sheet(samples), _scores(turn, of_them)) for samples, of_them in measures.items())


def _scores(turn: Turn, measures: list[Measurement]) -> Origin:
    """All that is measured of one set of samples."""
    keys = turn.keys
    extra = (key for each in measures for what in each.metric.reads if (key := turn.read[what]))
    of = dict.fromkeys((measures[0].of, keys.fixed.key, keys.reference.key, keys.control.key, *extra))
    return Origin(tuple(metric_label(each.metric, each.probe) for each in measures), tuple(of))


def _shown(turn: Turn, probe: str) -> Origin:
    if probe == BEGUN:
        return Origin(("real samples that generation 0 began from",), (turn.keys.fixed.key,))
    return Origin(("samples for the gallery" if probe == GALLERY else f"samples for probe '{probe}'",), (turn.fit,))


def _real(turn: Turn) -> Iterator[Rows]:
    yield from (turn.keys.fixed, turn.keys.reference, turn.keys.control)
    yield from [turn.keys.validation] if turn.keys.validation else []
    yield from (e.rows for e in turn.eaten if e.rows is not None)


def _rows(rows: Rows) -> str:
    unit = "real samples of every group" if rows.per_group else "real samples"
    unit += " that has so many, and all of the others" if rows.upto else ""
    whose = "held out" if rows.split == "heldout" else f"for seed {rows.lineage}"
    offset = rows.after + rows.offset
    return f"{rows.size:,} {unit} of {part_label(rows.source)}, {whose}" + (f", after {offset:,}" if offset else "")
