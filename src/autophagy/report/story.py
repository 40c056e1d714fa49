"""All that a report tells, read from a run folder once: what was run, what came out, and what it means."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autophagy.analysis import tables, verdict, words
from autophagy.analysis.histories import Branch, branches
from autophagy.analysis.lineages import Lineages, by_arm, split
from autophagy.analysis.noise import errors
from autophagy.analysis.trajectories import Curve, curve
from autophagy.analysis.verdict import Verdict, Word
from autophagy.archive.run_folder import ArmNotes, Failure, Measure, RunFolder, RunNotes, readable
from autophagy.core.errors import StoreError
from autophagy.core.generation import Record, remarked

FRAMES = 25  # generations that a reader can step through; more are thinned
AXES = ("quality", "diversity", "distance", "task")
FORETOLD = {  # a score that is judged → the one beside it that the forecast of kept variance is about
    "moments.variance_match": "moments.variance_ratio",
    "symbols.gini_match": "symbols.gini_ratio",
}
QUANTILE, MAJOR = re.compile(r"(?:\w+_)?(q[0-9]{2,4})"), ("q05", "q25", "q75", "q95")
WORST_FIRST: tuple[Word, ...] = (
    "diverges", "collapses", "drifts", "unclear", "too few lineages", "recovers", "stable", "improves", "no value",
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A run as read. Arms are in the order of `notes.arms`; their index in `arms` is their look."""

    notes: RunNotes
    records: tuple[Record, ...]
    measures: Mapping[str, Mapping[str, Measure]]
    failures: tuple[Failure, ...]

    @classmethod
    def read(cls, root: Path, name: str) -> Story:
        folder = RunFolder(root, name)
        if not folder.notes().arms:
            raise StoreError(f"run '{name}' in {root} has no arms to report on; run one that has.")
        with readable(folder):
            return cls(folder.notes(), tuple(folder.records()), folder.measures(), tuple(folder.failures()))

    @property
    def first_seed(self) -> int:
        """The lineage whose draws and diet are shown."""
        return self.notes.seeds[0] if self.notes.seeds else 0

    @property
    def arms(self) -> tuple[ArmNotes, ...]:
        """Arms with a trajectory; founders alone, the points of a learning curve, are shown in the budget."""
        return tuple(arm for arm in self.notes.arms if arm.generations) or self.notes.arms

    @cached_property
    def lineages(self) -> dict[str, Lineages]:
        return by_arm(self.records)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return verdict.verdicts(self.records, self.measures)

    @cached_property
    def scores(self) -> list[str]:
        """Every score that is drawn by generation: primary ones first, then those with a forecast, then as named.

        Class shares are drawn as histograms, and quantiles together as a distribution, but for a few of them.
        """
        found = dict.fromkeys(s for lineages in self.lineages.values() for s in sorted(lineages.scores))
        first = [self.primary[axis] for axis in AXES if self.primary.get(axis) in found]
        first += [s for s in FORETOLD.values() if s in found and s not in first]
        return [*first, *(s for s in found if s not in first and not is_class_share(s) and not _is_minor_quantile(s))]

    @cached_property
    def primary(self) -> dict[str, str]:
        return verdict.primary_of(self.lineages.values(), self.measures)

    @cached_property
    def last(self) -> int:
        """The last generation that any lineage has a record of."""
        return max((r.generation for r in self.records), default=0)

    @cached_property
    def frames(self) -> list[int]:
        """At most `FRAMES` generations, the first and the last among them, closer together where a loop begins."""
        have = sorted({r.generation for r in self.records}) or [0]
        if len(have) <= FRAMES:
            return have
        return [have[i] for i in sorted({round((k / (FRAMES - 1)) ** 2 * (len(have) - 1)) for k in range(FRAMES)})]

    @cached_property
    def by_address(self) -> dict[tuple[str, int, int], Record]:
        """Records by arm, seed and generation."""
        return {r.place: r for r in self.records}

    @cached_property
    def branches(self) -> dict[str, Branch]:
        """Arms whose first generations are another's, by name."""
        return branches(self.records, [arm.name for arm in self.arms])

    @cached_property
    def _curators(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for record in self.records:
            found.setdefault(record.arm, {}).update(dict.fromkeys(record.removed))
        return {arm: tuple(names) for arm, names in found.items()}

    def curators(self, arm: str) -> tuple[str, ...]:
        """The names of an arm's curators, as its records tell them."""
        return self._curators.get(arm, ())

    def of(self, arm: str, generation: int) -> list[Record]:
        """The finished records of one generation, one a lineage."""
        found = (self.by_address.get((arm, seed, generation)) for seed in self.notes.seeds)
        return [r for r in found if r is not None and r.status == "finished"]

    def curve(self, arm: str, score: str) -> Curve | None:
        lineages, measure = self.lineages.get(arm), self.measure(arm, score)
        if lineages is None or score not in lineages.scores:
            return None
        return curve(lineages, score, errors=errors(lineages, score, measure.better if measure else ()))

    def measure(self, arm: str, score: str) -> Measure | None:
        return self.measures.get(arm, {}).get(split(score)[0])

    def floor(self, arm: str, score: str) -> float:
        measure = self.measure(arm, score)
        return measure.floor.get(split(score)[1], math.nan) if measure else math.nan

    def sizes(self, arm: str, score: str) -> set[int]:
        """The numbers of samples that the score's values stand on, over all generations of an arm."""
        measure, (first, all_kept) = self.measure(arm, score), self._kept.get(arm, (0, set()))
        if measure is None:
            return set()
        found = (tables.sample_size(measure.identity, split(score)[0], kept, first) for kept in all_kept)
        return {n for n in found if n is not None}

    def ends(self) -> list[int]:
        """The last generations of the arms that are judged by a primary score, ascending."""
        return sorted({v.generation for v in self.verdicts if v.is_primary})

    def headline(self) -> list[tuple[Word, list[str]]]:
        """The arms under the worst word that one of their primary scores earned, worst first."""
        worst = {arm.name: self.worst(arm.name) for arm in self.arms}
        groups = [(word, [arm for arm, its in worst.items() if its == word]) for word in WORST_FIRST]
        return [(word, arms) for word, arms in groups if arms]

    def elsewhere(self) -> list[str]:
        """The arms that have verdicts, but on none of the primary scores."""
        judged = {v.arm for v in self.verdicts} - {v.arm for v in self.verdicts if v.is_primary}
        return [arm.name for arm in self.arms if arm.name in judged]

    def worst(self, arm: str) -> Word | None:
        earned = {v.word for v in self.verdicts if v.arm == arm and v.is_primary}
        return next((word for word in WORST_FIRST if word in earned), None)

    def diverged(self) -> list[Record]:
        """Where each lineage that diverged did so first; one that eats real data alone may do so again and again."""
        found: dict[tuple[str, int], Record] = {}
        for record in sorted(self.records, key=lambda record: -record.generation):
            if record.status == "diverged":
                found[record.arm, record.seed] = record
        return [record for record in self.records if found.get((record.arm, record.seed)) is record]

    def remarked(self) -> Mapping[str, list[Record]]:
        return remarked(self.records)

    def ended(self, arm: str) -> int | None:
        """The generation at which the lineage that is shown diverged."""
        return next((r.generation for r in self.diverged() if (r.arm, r.seed) == (arm, self.first_seed)), None)

    def failed(self, arm: str) -> int | None:
        """The first generation of the lineage that is shown at which a turn failed."""
        found = [f.generation for f in self.failures if (f.arm, f.seed) == (arm, self.first_seed)]
        return min((g for g in found if g is not None), default=None)

    @cached_property
    def _kept(self) -> dict[str, tuple[int, set[int]]]:
        """Arm → the size of its first measured generation, and all sizes that there were."""
        first = tables.first_kept(self.records)
        return {arm: (n, {r.kept for r in self.records if r.arm == arm and r.scores}) for arm, n in first.items()}


def is_class_share(score: str) -> bool:
    """Whether a score is the share of one class, "class-balance[lenet].share_3": drawn as a histogram."""
    return split(score)[1].startswith("share_")


def _is_minor_quantile(score: str) -> bool:
    """Whether a score is one of the many quantiles that a distribution is drawn from, "pairwise-distance.q37"."""
    match = QUANTILE.fullmatch(split(score)[1])
    return match is not None and match[1] not in MAJOR


def stands_on(measures: Sequence[Measure], sizes: set[int]) -> str:
    """What every arm's measure of one score stands on, on one line: "encoder lenet, n 10–1,000"."""
    told: dict[str, list[Any]] = {}
    for measure in measures:
        for name, value in measure.identity.items():
            if not name.endswith("_key"):  # a fingerprint tells a reader nothing
                told.setdefault(name, []).append(value)
    if sizes:
        told["n"] = list(sizes)
    return ", ".join(f"{name.replace('_', ' ')} {_all(values)}" for name, values in told.items())


def _all(values: Sequence[Any]) -> str:
    """Whole numbers as a range, anything else one after the other."""
    if all(isinstance(value, int) for value in values):
        return "–".join(words.count(n) for n in sorted({min(values), max(values)}))
    return " or ".join(dict.fromkeys(map(words.setting, values)))
