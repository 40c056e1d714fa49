"""The Python face: an experiment that can be planned, run, tabulated and reported.

>>> from autophagy import Experiment
>>> run = Experiment.read("accumulate", profile="smoke").run()
>>> run.to_pandas().arm.unique().tolist()[:3]
['replace, n=10', 'accumulate, n=10', 'subsample, n=10']
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from autophagy.archive.disk import DiskStore
from autophagy.archive.each import of_each
from autophagy.archive.run_folder import Failure, Measure, RunNotes
from autophagy.archive.store import Store
from autophagy.core import settings
from autophagy.core.errors import AutophagyError, ConfigError, StoreError, listed, nearest
from autophagy.core.generation import Record
from autophagy.core.labels import metric_label
from autophagy.core.parts import Sampler
from autophagy.core.pool import Pool
from autophagy.core.settings import shown
from autophagy.core.text import clean
from autophagy.core.workspace import Machine
from autophagy.experiment import config, read
from autophagy.experiment.code import changed
from autophagy.experiment.executors import Executor
from autophagy.experiment.notes import arm_settings
from autophagy.experiment.plan import Plan, plan
from autophagy.experiment.run import Results, run
from autophagy.experiment.turns import Turn
from autophagy.scoring.score import score as score

if TYPE_CHECKING:
    import pandas

    from autophagy.analysis.budget import Budget
    from autophagy.simulate.ensemble import Ensemble


@dataclass(frozen=True)
class Experiment(config.Experiment):
    """Arms × seeds × generations, with everything one does to them."""

    @classmethod
    def read(cls, file: str | Path, *, profile: str | None = None, changes: Sequence[str] = ()) -> Experiment:
        """Reads a TOML file or a shipped recipe; `changes` are `"base.samples=500"` texts. Raises ConfigError."""
        return cls._of(read.read(file, profile=profile, changes=changes))

    @classmethod
    def of(cls, settings: Mapping[str, Any], *, name: str = "experiment", profile: str | None = None) -> Experiment:
        """Builds an experiment from nested tables as in TOML; wherever a part is named, a part itself will do."""
        return cls._of(read.experiment(settings, name=name, profile=profile))

    @classmethod
    def _of(cls, found: config.Experiment) -> Experiment:
        return cls(**{field.name: getattr(found, field.name) for field in dataclasses.fields(found)})

    def __repr__(self) -> str:
        arms = f"{len(self.arms)} arm{'s' * (len(self.arms) > 1)} ({', '.join(map(repr, self.arms))})"
        return f"<Experiment '{self.name}': {arms}, seeds {list(self.seeds)}, generations 0–{self.generations}>"

    def _repr_html_(self) -> str:
        """The plan as a table, or why there can be none."""
        try:
            return self.plan()._repr_html_()
        except AutophagyError as problem:
            return f"<p>{escape(repr(self))}</p><p>{escape(clean(str(problem)))}</p>"

    def plan(self) -> Plan:
        """Every turn with its keys, without running one. Raises PlanError for what could not run."""
        return plan(self)

    def run(
        self,
        store: Store | str | Path | None = None,
        *,
        on: str | Executor = "serial",
        watch: Callable[[Record], None] | None = None,
        machine: Machine | None = None,
        restore: bool = False,
    ) -> Run:
        """Runs what is not yet in the store: a folder, a Store, or memory if None.

        `on` is "serial", "processes:N", "auto" or an Executor; in a script, processes need an
        `if __name__ == "__main__":`. `watch` is called with every new record. `machine` says which
        device fits may use, how often they keep a checkpoint, and whether parts may start programs. `restore`
        makes samples and models again that the experiment keeps and that are not there.
        """
        place = Path(store).absolute() if isinstance(store, (str, Path)) else store  # wherever one goes from here
        if not isinstance(place, (Path, Store, NoneType)):
            raise ConfigError(f"store must be a folder, a Store or None, but is {shown(store)}.")
        if not isinstance(machine, (Machine, NoneType)):
            raise ConfigError(f"machine must be a Machine or None, but is {shown(machine)}.")
        if not (watch is None or callable(watch)):
            raise ConfigError(f"watch must be a function of a record, but is {shown(watch)}.")
        root = place.root if isinstance(place, DiskStore) else place
        for told in changed(self, root) if isinstance(root, Path) else ():
            warnings.warn(told, RuntimeWarning, stacklevel=2)
        found = Run(run(self, place, on=on, watch=watch, machine=machine, restore=restore))
        if failed := len(found.failures):
            turns = "1 turn" if failed == 1 else f"{failed:,} turns"
            first = clean(str(found.failures[0]))
            warnings.warn(
                f"{turns} failed (see .failures), the first: {first}; run it again to try again.",
                RuntimeWarning,
                stacklevel=2,
            )
        return found

    def simulate(self, *, replicates: int = 2000, seed: int = 0, on: str = "serial") -> Ensemble:
        """Every arm as `replicates` lineages of a closed-form family, exact in distribution, without single points.

        Raises PlanError for models, sources and parts that have no closed form.
        """
        from autophagy.simulate.ensemble import simulate

        return simulate(self, replicates=replicates, seed=seed, on=on)


def _holds(told: RunNotes, mine: config.Experiment) -> bool:
    """Whether what a run folder tells has all of an experiment, and perhaps more of it."""
    theirs = {arm.name: arm for arm in told.arms}
    return set(mine.seeds) <= set(told.seeds) and all(
        (its := theirs.get(name)) is not None
        and its.parts == json.loads(json.dumps(arm_settings(arm)))  # as it comes back from a file
        and its.generations >= mine.last_generation(name)
        for name, arm in mine.arms.items()
    )


class Run:
    """What a run left: numbers, samples and models by arm, seed and generation."""

    def __init__(self, results: Results) -> None:
        self._results = results

    @classmethod
    def read(cls, store: str | Path, name: str) -> Run:
        """A run that a store has, its parts made again from `run.json`; runs nothing.

        Raises StoreError, also where its data or parts have changed since, and DataError where they are gone.
        """
        from autophagy.archive.run_folder import RunFolder, readable
        from autophagy.experiment.rebuild import rebuild

        config.check_name("run", name)
        folder = RunFolder(Path(store).absolute(), name)
        with readable(folder):
            built, records = Experiment._of(rebuild(folder.notes())), folder.records()
            failures, measures = folder.failures(), folder.measures()
        planned = plan(built)
        found = cls(Results(planned, DiskStore(folder.store), records, failures))
        keys = {turn.done for turn in planned.turns}
        if any(record.key not in keys for record in records):
            raise StoreError(
                f"run '{name}' was made from other data than its sources give now, so nothing of it can be found; "
                "its numbers are in records.jsonl: autophagy records"
            )
        found.measures = measures
        return found

    def __repr__(self) -> str:
        lost = {"failed": len(self.failures), "diverged": len({(r.arm, r.seed) for r in self.diverged})}
        told = "".join(f", {n} {what}" for what, n in lost.items() if n)
        return f"<Run of '{self.plan.experiment.name}': {len(self.records())} of {len(self.plan.turns)} turns{told}>"

    @property
    def plan(self) -> Plan:
        return self._results.plan

    @property
    def store(self) -> Store:
        return self._results.store

    @property
    def failures(self) -> list[Failure]:
        """Turns that raised an error; running again tries them again."""
        return self._results.failures

    @property
    def diverged(self) -> list[Record]:
        """Where lineages ended because a fit or a draw had no finite answer."""
        return self._results.diverged

    @property
    def computed(self) -> int:
        """How many turns had something to compute; the rest was in the store."""
        return self._results.ran

    @cached_property
    def measures(self) -> dict[str, dict[str, Measure]]:
        """By arm and metric: axis, direction, identity and real-against-real floor."""
        return self._results.measures

    def records(self) -> list[Record]:
        return self._results.records

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each arm, seed, generation and score."""
        from autophagy.analysis.tables import to_pandas

        return to_pandas(self.records(), self.measures)

    def compare(self, against: str, *, intervals: Literal["t", "bootstrap"] = "t") -> pandas.DataFrame:
        """Every arm less the arm `against`, paired by seed: a row for each arm, score and generation."""
        from autophagy.analysis import tables
        from autophagy.analysis.differences import differences
        from autophagy.analysis.trajectories import Method

        method = settings.fitted(intervals, Method, "intervals")
        found = differences(self.records(), self.measures, against, method=method)
        return tables.framed(tables.difference_rows(found), tables.DIFFERENCE_COLUMNS)

    def budget(
        self, *, metric: str | None = None, tolerance: str = "5%", generation: int | None = None, last: int = 1
    ) -> list[Budget]:
        """How much synthetic data the model can live on, for each group of arms that differ in their loop alone.

        `str(budget)` is the answer as a sentence; a budget's `shares` and `passed` are its numbers. `metric` is the
        primary distance if None, `tolerance` a part of the real-only arm's value ("5%") or an amount ("0.3"),
        `generation` the last one if None, and values are means over the `last` generations up to it. Raises
        ConfigError where no arm answers that question.
        """
        from autophagy.analysis.budget import Tolerance, budgets
        from autophagy.experiment.notes import notes

        told = notes(self.plan)
        return budgets(
            told.arms, self.records(), self.measures, tolerance=Tolerance.parsed(tolerance), score=metric,
            generation=generation, last=last, seeds=told.seeds,
        )  # fmt: skip

    def samples(self, arm: str, seed: int, generation: int) -> Pool:
        """What a generation left after curation, if `keep_samples` kept it."""
        key = self.turn(arm, seed, generation).kept
        self._check_kept(key, f"the samples of generation {generation}", "keep_samples")
        return self.store.pool(key)

    def each(self, arm: str, seed: int, generation: int) -> dict[str, np.ndarray]:
        """Numbers `(n,)` of every sample of a generation, by "metric.value", such as "perplexity.founder"."""
        turn = self.turn(arm, seed, generation)
        keys = {metric_label(each.metric): each.key for each in turn.measures() if each.probe is None}
        return of_each(self.store, turn.kept, keys)

    def sampler(self, arm: str, seed: int, generation: int) -> Sampler:
        """A generation's fitted model, if `keep_models` kept it."""
        turn = self.turn(arm, seed, generation)
        self._check_kept(turn.fit, f"the model of generation {generation}", "keep_models")
        return self.store.sampler(turn.fit, turn.arm.model)

    def _check_kept(self, key: str, what: str, setting: str) -> None:
        if not self.store.holds(key):
            raise StoreError(
                f'{what} was not made, not kept or put aside; say {setting} = "all" and run again with restore = True.'
            )

    def turn(self, arm: str, seed: int, generation: int) -> Turn:
        """The plan of one generation; raises ConfigError for one that is not in it."""
        lineages = self.plan.lineages
        arms = {name for name, _ in lineages}
        if arm not in arms:
            raise ConfigError(f"there is no arm '{arm}'.{nearest(arm, arms)} There are: {listed(arms)}.")
        if (arm, seed) not in lineages:
            seeds = listed(str(s) for a, s in lineages if a == arm)
            raise ConfigError(f"arm '{arm}' has no seed {seed}; it has {seeds}.")
        turns = lineages[arm, seed]
        generation = settings.fitted(generation, int, "generation")
        if not 0 <= generation < len(turns):
            raise ConfigError(f"arm '{arm}' has generations 0 to {len(turns) - 1}, not {generation}.")
        return turns[generation]

    def report(self) -> Path:
        """Writes the report and its figures into the run folder; returns the page's path."""
        from autophagy.archive.run_folder import RunFolder
        from autophagy.experiment.rebuild import decoder
        from autophagy.report.write import write

        if not isinstance(self.store, DiskStore):
            raise StoreError('a report lies in a run folder: run the experiment with store = "some/folder".')
        name = self.plan.experiment.name
        told = RunFolder(self.store.root, name).notes()
        if not _holds(told, self.plan.experiment):
            raise StoreError(
                f"run '{name}' in {self.store.root} is another experiment's by now; give yours a name of its own "
                "(name = …) and run it again, which computes nothing."
            )
        return write(self.store.root, name, decoder(told))

    def _repr_html_(self) -> str:
        from autophagy.analysis.verdict_html import verdict_html

        return verdict_html(self.records(), self.measures, [str(failure) for failure in self.failures])
