"""A plan in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import ArmNotes, Eaten, Forecast, RunNotes
from autophagy.core.errors import listed
from autophagy.experiment import plan_table, reals
from autophagy.experiment.code import changed
from autophagy.experiment.commands import commands, sentence
from autophagy.experiment.config import Arm
from autophagy.experiment.disk import disk, megabytes, unweighed
from autophagy.experiment.hints import unreached
from autophagy.experiment.notes import notes
from autophagy.experiment.plan import Plan
from autophagy.experiment.turns import most_kept

from . import told
from .computed import is_computed
from .terminal import cell, count, say, show, table


@dataclass(frozen=True)
class Outlook:
    """All that can be said before the first fit."""

    plan: Plan
    notes: RunNotes
    computed: int  # turns whose record is whole in the store
    disk: int  # bytes still to be written and kept, but for models of a size that nobody knows yet
    changed: list[str]  # sentences about code that is not that of results in the store

    @classmethod
    def of(cls, plan: Plan, store: Path) -> Outlook:
        found = DiskStore(store)
        computed, needed = sum(is_computed(plan, found)), disk(plan, set(found.keys()))
        return cls(plan, notes(plan), computed, needed, changed(plan.experiment, store))

    def json(self) -> dict[str, Any]:
        arms = self.notes.arms
        return {
            "name": self.notes.name,
            "seeds": list(self.notes.seeds),
            "turns": len(self.plan.turns),
            "distinct_fits": self.plan.distinct_fits,
            "distinct_founders": self.plan.distinct_founders,
            "computed_already": self.computed,
            "disk_bytes": self.disk,
            "changed": self.changed,
            "commands": [{"arms": arms, "told": started} for started, arms in commands(self.plan.experiment).items()],
            "forecast": {arm.name: _at_the_end(arm.forecast) for arm in arms},
            "arms": [self._arm(arm) for arm in arms],
        }

    def _arm(self, arm: ArmNotes) -> dict[str, Any]:
        return {
            "name": arm.name,
            "generations": arm.generations,
            "turns": plan_table.turns(self.notes, arm),
            "real": arm.real,
            "samples": arm.samples,
            "settings": dict(arm.parts),
            "short_groups": dict(arm.short_groups),
            "first": _eaten(arm.mixtures[1:2]),
            "last": _eaten(arm.mixtures[-1:]),
            "kept_variance": [_finite(x) for x in arm.forecast.kept_variance],
            "effective_sample_size": [_finite(x) for x in arm.forecast.effective_sample_size],
        }

    def show(self) -> None:
        rows = table(plan_table.HEADINGS, numbers=plan_table.HEADINGS[3:])
        for row in plan_table.rows(self.notes):
            rows.add_row(*map(cell, row))
        show(rows)
        say()
        for line in told.lines(self.notes.arms):
            say(line)
        for reason, names in _reasons(self.notes.arms).items():
            say(f"forecast of {', '.join(names)}: {reason}")
        for line in (*self._short(), *self._scarce(), *unreached(self.plan.experiment), *self._totals(), *self.changed):
            say(line)
        for started, arms in commands(self.plan.experiment).items():
            say(f"{sentence(started, arms)}; autophagy run does so only with --allow-commands.")

    def _short(self) -> Iterable[str]:
        """Which groups a reference by group had to take fewer of."""
        names: dict[tuple[int, str, int], list[str]] = {}
        for arm in self.notes.arms:
            reference = self.plan.lineages[arm.name, self.notes.seeds[0]][0].keys.reference
            if arm.short_groups:
                facts = reference.size, reals.told(dict(arm.short_groups)), reals.count(reference)
                names.setdefault(facts, []).append(arm.name)
        for (wanted, which, total), arms in names.items():
            yield f"reference of {', '.join(arms)}: {total:,} rows, for fewer than {wanted} are held out of {which}"

    def _scarce(self) -> Iterable[str]:
        """Arms that ask by number for all samples of a generation of which curators may leave fewer."""
        short: dict[str, list[str]] = {}
        for arm in self.notes.arms:
            for name in self._asked_for_all(arm.name):
                short.setdefault(name, []).append(arm.name)
        for name, eaters in short.items():
            yield (
                f"curators of {name}: all that {self._left_of(name)} is asked for by the loop of {', '.join(eaters)}; "
                f'where any is taken away its turn fails, so say refill = "redraw" or "repeat" in {name}'
            )

    def _asked_for_all(self, eater: str) -> set[str]:
        """The arms of which it asks for all that curators may leave, and whose curators may leave fewer."""
        turns, arms = self.plan.lineages[eater, self.notes.seeds[0]], self.plan.experiment.arms
        meals = ((draw, eaten) for turn in turns for draw, eaten in zip(turn.mixture.draws, turn.eaten, strict=True))
        whole = {
            draw.pool.arm or eater
            for draw, eaten in meals
            if draw.pool.kind == "drawn" and draw.size == eaten.available
        }
        return {name for name in whole if self._may_leave_fewer(arms[name])}

    def _left_of(self, name: str) -> str:
        turn = self.plan.lineages[name, self.notes.seeds[0]][0]
        return "is drawn" if most_kept(turn.arm, turn.samples) == turn.samples else "they may leave"

    @staticmethod
    def _may_leave_fewer(arm: Arm) -> bool:
        """Whether curators may leave fewer than the plan counts with; one that keeps a share leaves just that."""
        is_known = len(arm.curators) == 1 and arm.curators[0].most(1000) < 1000
        return bool(arm.curators) and arm.refill == "shrink" and not is_known

    def _totals(self) -> Iterable[str]:
        plan, turns = self.plan, len(self.plan.turns)
        founders = len(plan.lineages)
        yield (
            f"{count(turns, 'turn')} in {count(founders, 'lineage')}; {count(plan.distinct_fits, 'distinct fit')}, "
            f"so {count(turns - plan.distinct_fits, 'fit')} saved by sharing "
            f"({plan.distinct_founders:,} of {count(founders, 'founder')} fitted)."
        )
        if self.computed:
            yield f"{self.computed:,} of {count(turns, 'turn')} are in the store already."
        yield f"disk: about {megabytes(self.disk)} {self._on_disk()}."

    def _on_disk(self) -> str:
        unknown = unweighed(self.plan.experiment)
        if self.plan.experiment.keep_models == "none":
            return "for samples and records"
        if not unknown:
            return "for samples, records and fitted models"
        if len(unknown) == len(self.plan.experiment.arms):
            return "for samples and records; fitted models come on top"
        return f"for samples, records and fitted models; those of {listed(unknown)} come on top"


def _reasons(arms: Iterable[ArmNotes]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for arm in arms:
        if arm.forecast.reason:
            found.setdefault(arm.forecast.reason, []).append(arm.name)
    return found


def _eaten(mixtures: Sequence[Sequence[Eaten]]) -> list[dict[str, Any]]:
    return [{"origin": e.origin, "count": e.count, "reused": e.reused} for mixture in mixtures for e in mixture]


def _at_the_end(forecast: Forecast) -> dict[str, Any]:
    variance, size = forecast.kept_variance, forecast.effective_sample_size
    return {
        "kept_variance": _finite(variance[-1]) if variance else None,
        "effective_sample_size": _finite(size[-1]) if size else None,
        "is_exact": forecast.is_exact,
        "reason": forecast.reason,
    }


def _finite(x: float) -> float | str:
    """Strict JSON has no infinity."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
