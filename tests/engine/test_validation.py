"""Fits that choose by real rows: they get rows of their own, which are part of what a fit is known by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from autophagy.archive.store import MemoryStore
from autophagy.core.abilities import Validated
from autophagy.core.errors import PlanError
from autophagy.experiment import reals
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import run
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.sources.normal import Normal
from autophagy.testing.fakes import HELDOUT, Logged, LoggedByClass, Mean, Numbered


@dataclass(frozen=True)
class Choosy(Logged, Validated):
    """Writes down by what rows it was to choose."""

    name = "choosy"
    seen: ClassVar[list[np.ndarray]] = []
    rows: int = 5

    @property
    def validation_rows(self):
        return self.rows

    def fit_by(self, validation, train, *, start, seed, workspace):
        self.seen.append(validation.samples[:, 0])
        return self.fit(train, start=start, seed=seed, workspace=workspace)


@pytest.fixture(autouse=True)
def unseen():
    Choosy.seen.clear()


def experiment(**settings):
    found = {"source": Numbered(), "model": Choosy(), "loop": FullySynthetic(), "real": 10, **settings}
    return Experiment({"x": Arm(metrics=(Mean(),), gallery=0, **found)}, generations=2)


def keys_of(**settings):
    return plan(experiment(**settings)).turns[0].keys


@pytest.mark.parametrize("settings", [{}, {"reference": 15}, {"reference": 3}, {"samples": 2}])
def test_the_rows_are_held_out_and_in_no_other_set(settings):
    keys = keys_of(**settings)
    three = [reals.load(rows).row.tolist() for rows in (keys.reference, keys.control, keys.validation)]
    assert len(three[2]) == 5
    assert len(set().union(*three)) == sum(map(len, three))
    assert min(reals.load(keys.validation).samples) >= HELDOUT


def test_every_generation_and_lineage_chooses_by_the_same_rows():
    run(replace(experiment(), seeds=(0, 1)), MemoryStore())
    assert len(Choosy.seen) == 6
    assert {tuple(rows) for rows in Choosy.seen} == {tuple(Choosy.seen[0])}


def test_rows_of_a_stream_are_in_no_other_set():
    keys = keys_of(source=Normal())
    three = [reals.load(rows) for rows in (keys.reference, keys.control, keys.validation)]
    values = np.concatenate([pool.samples[:, 0] for pool in three])
    assert len(np.unique(values)) == len(values)


def test_they_are_part_of_what_a_fit_is_known_by_and_only_where_there_are_any():
    fits = {rows: plan(experiment(model=Choosy(rows=rows), reference=4)).turns[0].fit for rows in (5, 6)}
    assert fits[5] != fits[6]
    moved = plan(experiment(source=Numbered(heldout=19), reference=4)).turns[0].fit
    assert moved != fits[5]
    assert keys_of(model=Choosy(rows=0)).validation is None
    assert keys_of(model=Logged()).validation is None


def test_arms_are_compared_with_the_same_reference_whatever_they_choose_by():
    references = [keys_of(model=Choosy(rows=rows)).reference.key for rows in (0, 1, 5)]
    assert len(set(references)) == 1


def test_a_model_that_chooses_nothing_is_fitted_as_others_are():
    run(experiment(model=Choosy(rows=0)), MemoryStore())
    assert Choosy.seen == []


def test_too_few_rows_and_a_reference_by_group_are_refused():
    with pytest.raises(
        PlanError, match=r"chooses by 5 held-out rows that are not in the reference, but source 'number"
    ):
        keys_of(reference=16)
    with pytest.raises(PlanError, match="holds out 5, of which the reference takes 2; lower reference, or the rows"):
        keys_of(source=Numbered(heldout=5))
    grouped = {"source": Numbered(groups=2), "model": ChoosyByClass(), "reference_per_group": 2}
    with pytest.raises(PlanError, match=r"set aside from a reference by group; say reference = … in place of"):
        keys_of(**grouped)


@dataclass(frozen=True)
class ChoosyByClass(LoggedByClass, Choosy):
    name = "choosy-by-class"
