import shutil
from dataclasses import dataclass

import pytest

from autophagy import DiskStore, Experiment
from autophagy.core.abilities import KnownSize
from autophagy.core.errors import PlanError
from autophagy.experiment import disk as module
from autophagy.experiment.config import Arm
from autophagy.experiment.disk import check_disk, disk, megabytes
from autophagy.loops.fully_synthetic import FullySynthetic
from autophagy.testing.fakes import Logged, Numbered

ARM = {
    "source": "digits",
    "model": "eigen-mixture",
    "loop": "fully-synthetic",
    "real": 400,
    "samples": 2000,
    "gallery": 4,
}


def experiment(**changes):
    return Experiment.of({"generations": 3, "keep_models": "none", **changes, "arms": {"a": ARM}}, name="disk")


@pytest.mark.parametrize("rule", ["all", "last", "none"])
def test_the_estimate_is_what_a_run_leaves(tmp_path, rule):
    asked = experiment(keep_samples=rule)
    asked.run(tmp_path)
    left = sum(path.stat().st_size for path in (tmp_path / "artefacts").rglob("samples.npy"))
    whole = sum(path.stat().st_blocks * 512 for path in (tmp_path / "artefacts").glob("??/**/*"))
    assert left < disk(asked.plan()) < 1.5 * whole


def test_what_is_there_is_not_counted_again(tmp_path):
    asked = experiment()
    asked.run(tmp_path)
    present = set(DiskStore(tmp_path).keys())
    assert disk(asked.plan(), present) == 0
    one_more = disk(experiment(generations=4).plan(), present)
    assert one_more == pytest.approx(disk(asked.plan()) / 4, rel=0.01)


def test_shared_samples_are_counted_once():
    twice = Experiment.of({"generations": 3, "keep_models": "none", "arms": {"a": ARM, "b": ARM}}, name="disk")
    assert disk(twice.plan()) == disk(experiment().plan())


def test_too_little_disk_is_one_sentence_with_both_numbers(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=5_000_000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    check_disk(5_000_000, tmp_path / "not" / "yet")
    with pytest.raises(PlanError, match=r"this needs 6 MB of disk, but .* has 5 MB left; .*choose another --store"):
        check_disk(6_000_000, tmp_path / "not" / "yet")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 kB"),
        (1500, "1.5 kB"),
        (999_999, "1,000 kB"),
        (2_500_000, "2.5 MB"),
        (3 * 10**12, "3 TB"),
        (2 * 10**18, "2,000,000 TB"),
    ],
)
def test_sizes_in_words(size, text):
    assert megabytes(size) == text


@dataclass(frozen=True)
class Heavy(Logged, KnownSize):
    name = "heavy"

    def stored_bytes(self) -> int:
        return 10**9


@pytest.mark.parametrize(("rule", "models"), [("all", 4), ("last", 2), ("none", 0)])
def test_models_of_a_known_size_are_counted_where_they_are_kept(rule, models):
    def one(model):
        arm = Arm(source=Numbered(), model=model, loop=FullySynthetic(), real=10, gallery=0)
        return Experiment({"a": arm}, generations=3, keep_models=rule).plan()

    assert disk(one(Heavy())) - disk(one(Logged())) == models * 10**9
    assert disk(one(Heavy()), {turn.fit for turn in one(Heavy()).turns}) == disk(one(Logged()))


def test_what_finished_turns_have_lost_is_counted_only_where_it_is_restored():
    arm = Arm(source=Numbered(), model=Heavy(), loop=FullySynthetic(), real=10, gallery=0)
    planned = Experiment({"a": arm}, generations=3).plan()
    done = {turn.done for turn in planned.turns}
    assert disk(planned, done) == 0
    assert disk(planned, done, restore=True) > 2 * 10**9


def test_a_pretrained_founder_leaves_no_weights():
    def one(founder):
        return Experiment.read("nepotism", profile="smoke", changes=[f'base.founder="{founder}"', "keep_models=all"])

    model = one("fit").arms["real"].model
    plans = [one(founder).plan() for founder in ("fit", "pretrained")]
    founders = len({turn.fit for turn in plans[0].turns if turn.number == 0})
    assert disk(plans[0]) - disk(plans[1]) == founders * model.stored_bytes() > 0
