"""Balanced sets: what a group lacks is named at once, and a reference by group takes what there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from autophagy.archive.run_folder import RunFolder
from autophagy.cli.planning import Outlook
from autophagy.core.errors import ConfigError, PlanError
from autophagy.core.parts import Collection
from autophagy.experiment import reals
from autophagy.experiment.config import Arm, Experiment
from autophagy.experiment.plan import plan
from autophagy.experiment.run import run
from autophagy.loops.real_only import RealOnly
from autophagy.testing.fakes import LoggedByClass, Mean

TRAIN = {"a": 6, "b": 2, "c": 4, "d": 1}
HELDOUT = {"a": 5, "b": 1, "c": 3}


@dataclass(frozen=True)
class Uneven(Collection):
    """Groups of different sizes; `d` has no held-out row, and `e` none at all where that is known."""

    name = "uneven"
    space = "vectors"
    knows: bool = False

    def size(self, split):
        return len(self.conditions(split))

    def conditions(self, split):
        sizes = TRAIN if split == "train" else HELDOUT
        return np.array([ord(group) - ord("a") for group, n in sizes.items() for _ in range(n)])

    def load(self, split):
        return np.arange(self.size(split), dtype=np.float64)[:, None]

    def all_groups(self):
        return range(5) if self.knows else None


def arm(**settings):
    return Arm(**{"source": Uneven(), "model": LoggedByClass(), "loop": RealOnly(), "per_group": 1, **settings})


def planned(**settings):
    return plan(Experiment({"x": arm(**settings)}, generations=1))


def test_every_group_that_is_short_is_named_with_what_it_has():
    with pytest.raises(PlanError) as caught:
        planned(per_group=3)
    assert str(caught.value) == (
        "arm 'x': per_group = 3, but source 'uneven' has fewer in 2 of its 4 groups: '1' (2), '3' (1); "
        "lower per_group, or bring more of these."
    )


def test_groups_that_a_source_misses_are_named_too():
    with pytest.raises(PlanError, match=r"in 3 of its 5 groups: '1' \(2\), '3' \(1\), '4' \(0\)"):
        planned(source=Uneven(knows=True), per_group=3)


def test_a_reference_by_group_takes_what_there_is_and_the_control_what_is_left():
    keys = planned(reference_per_group=2).turns[0].keys
    reference, control = reals.load(keys.reference), reals.load(keys.control)
    assert np.bincount(reference.condition).tolist() == [2, 1, 2]
    assert np.bincount(control.condition).tolist() == [2, 0, 1]
    assert (reals.count(keys.reference), reals.count(keys.control)) == (5, 3)
    assert not set(reference.row.tolist()) & set(control.row.tolist())
    assert reference.condition[:3].tolist() == [0, 1, 2]  # one of each in turn
    assert reals.short(keys.reference) == {"1": 1}


def test_a_reference_of_everything_leaves_no_control():
    found = planned(reference_per_group=5, metrics=(Mean(),))
    keys = found.turns[0].keys
    assert sorted(reals.load(keys.reference).row.tolist()) == list(range(9))
    assert keys.control.size == 0
    assert len(reals.load(keys.control)) == 0
    assert found.floors == ()


def test_a_plain_reference_keeps_its_key():
    """The words `reference_per_group` are new; stores are not."""
    one = planned(reference=4).turns[0].keys.reference
    recipe = ("heldout", -1, 4, 0, 0, False)
    assert one.key == reals.key("rows", reals.source_key(Uneven()), *recipe)


def test_the_plan_and_the_run_folder_say_which_groups_were_short(tmp_path, capsys):
    experiment = Experiment(
        {"x": arm(source=Uneven(knows=True), per_group=None, real=6, reference_per_group=3, metrics=(Mean(),))},
        generations=1,
    )
    outlook = Outlook.of(plan(experiment), tmp_path)
    outlook.show()
    said = capsys.readouterr().out
    assert "reference of x: 7 rows, for fewer than 3 are held out of '0' (5)" not in said
    assert "reference of x: 7 rows, for fewer than 3 are held out of '1' (1), '3' (0), '4' (0)" in said
    assert outlook.json()["arms"][0]["short_groups"] == {"1": 1, "3": 0, "4": 0}
    run(experiment, tmp_path)
    notes = RunFolder(tmp_path, experiment.name).notes()
    assert notes.arms[0].short_groups == {"1": 1, "3": 0, "4": 0}


def test_two_kinds_of_reference_are_refused():
    with pytest.raises(ConfigError, match="reference and reference_per_group cannot both be set"):
        arm(reference=4, reference_per_group=2)
