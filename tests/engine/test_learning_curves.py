"""A learning curve is founders of several sizes, computed once with everything that shares them, and read back by n."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autophagy.archive.disk import DiskStore
from autophagy.archive.run_folder import RunFolder
from autophagy.archive.store import MemoryStore
from autophagy.core.errors import ConfigError, PlanError
from autophagy.experiment.config import Experiment
from autophagy.experiment.notes import notes
from autophagy.experiment.plan import plan
from autophagy.experiment.read import experiment
from autophagy.experiment.rebuild import rebuild
from autophagy.experiment.run import run
from autophagy.experiment.status import read as status
from autophagy.testing.fakes import Logged, Mean, Numbered

BASE: dict[str, Any] = {"source": Numbered(), "model": Logged(), "real": 10, "gallery": 0, "metrics": [Mean()]}


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    Logged.fits.clear()
    yield
    Logged.fits.clear()


def asked(*sizes: int, arms: dict[str, Any] | None = None, **settings: Any) -> Experiment:
    own = {"eats": {"loop": "fully-synthetic"}, "real": {"loop": "real-only", "learning_curve": list(sizes)}}
    return experiment({"seeds": [0, 1], "generations": 2, "base": {**BASE, **settings}, "arms": arms or own})


def fitted() -> list[tuple[int, int, int]]:
    """The fits since the last call: (seed, generation, training samples)."""
    found = [(fit.seed, fit.generation, len(fit.train)) for fit in Logged.fits]
    Logged.fits.clear()
    return found


def test_founders_are_arms_of_their_own_after_the_others_and_end_with_generation_0() -> None:
    found = asked(20, 5)
    assert list(found.arms) == ["eats", "real", "real, n=5", "real, n=20"]
    assert [found.last_generation(arm) for arm in found.arms] == [2, 2, 0, 0]
    assert [found.arms[arm].real for arm in found.arms] == [10, 10, 5, 20]


def test_an_arm_that_is_run_alone_keeps_its_curve() -> None:
    found = asked(20, 5)
    assert list(found.only(["real"]).arms) == ["real", "real, n=5", "real, n=20"]
    assert list(found.only(["eats"]).arms) == ["eats", "real, n=5", "real, n=20"]  # its founders are the same
    real = {"loop": "real-only", "learning_curve": [20]}
    alone = {"loop": "fully-synthetic"}  # by name a point of the curve, and none
    own = asked(arms={"real": real, "real, n=7": alone, "fast": {**alone, "bias": 0.5}})
    assert list(own.only(["real"]).arms) == ["real", "real, n=20"]
    assert list(own.only(["fast"]).arms) == ["fast"]


def test_founders_of_every_size_draw_as_many_samples_as_the_arm() -> None:
    assert {arm.samples for arm in plan(asked(5, 20)).experiment.arms.values()} == {None, 10}
    assert {turn.samples for turn in plan(asked(5, 20)).turns} == {10}
    assert {turn.samples for turn in plan(asked(5, 20, samples=7)).turns} == {7}


def test_a_founder_of_n_is_the_founder_of_every_arm_whose_real_set_has_n() -> None:
    found = plan(asked(5, 10))
    founder = found.lineages["real, n=10", 0][0]
    assert founder.done == found.lineages["real", 0][0].done == found.lineages["eats", 0][0].done
    own = plan(asked(arms={"small": {"loop": "fully-synthetic", "real": 5, "samples": 10}}))
    assert own.lineages["small", 1][0].done == found.lineages["real, n=5", 1][0].done


def test_a_curve_costs_its_own_sizes_and_nothing_else() -> None:
    store = MemoryStore()
    run(asked(), store)
    assert len(fitted()) == 2 * (1 + 2 + 2)
    run(asked(5, 10, 20), store)
    assert sorted(fitted()) == [(0, 0, 5), (0, 0, 20), (1, 0, 5), (1, 0, 20)]
    assert run(asked(5, 10, 20, 40), store).ran == 2
    assert [n for _, _, n in fitted()] == [40, 40]
    assert run(asked(5, 10, 20, 40), store).ran == 0


def test_arms_with_the_same_founders_share_one_curve_and_others_have_their_own() -> None:
    sizes = {"learning_curve": [5, 20]}
    arms = {"a": {"loop": "fully-synthetic"}, "b": {"loop": "real-only"}, "biased": {"loop": "real-only", "bias": 0.5}}
    found = experiment({"base": {**BASE, **sizes}, "arms": arms})
    assert list(found.arms)[3:] == ["a, n=5", "a, n=20", "biased, n=5", "biased, n=20"]
    assert [found.arms[name].bias for name in list(found.arms)[3:]] == [1.0, 1.0, 0.5, 0.5]


def test_sizes_are_nested_in_one_order_of_the_real_rows() -> None:
    run(asked(3, 5, 20))
    rows = {len(fit.train): fit.train.row.tolist() for fit in Logged.fits if fit.seed == 1 and fit.generation == 0}
    assert rows[3] == rows[20][:3]
    assert rows[5] == rows[20][:5]
    assert rows[10] == rows[20][:10]


def test_records_say_how_many_real_samples_a_founder_saw() -> None:
    found = {r.arm: r for r in run(asked(5, 20)).records if r.generation == 0 and r.seed == 0}
    assert [dict(found[f"real, n={n}"].trained_on) for n in (5, 20)] == [{"real": 5}, {"real": 20}]
    assert {record.kept for record in found.values()} == {10}


def test_a_plan_and_a_status_tell_founders_plainly(tmp_path: Path) -> None:
    planned = plan(asked(5, 20))
    told = {arm.name: arm for arm in notes(planned).arms}
    assert [len(told[f"real, n={n}"].mixtures) for n in (5, 20)] == [1, 1]
    assert [told[f"real, n={n}"].real for n in (5, 20)] == [5, 20]
    assert told["real, n=5"].forecast.effective_sample_size == pytest.approx((5,))
    run(planned, tmp_path)
    lineages = {(x.arm, x.seed): (x.finished, x.turns) for x in status(RunFolder(tmp_path, "experiment")).lineages}
    assert lineages["real, n=5", 1] == (1, 1)
    assert lineages["real", 1] == (3, 3)


def test_a_run_with_a_curve_is_rebuilt_with_the_same_keys(tmp_path: Path) -> None:
    toml = {
        "source": {"use": "normal", "dim": 2}, "model": "gaussian", "real": 10, "metrics": ["moments"],
        "learning_curve": [5, 20],
    }  # fmt: skip
    found = plan(experiment({"generations": 1, "base": toml, "arms": {"real": {"loop": "real-only"}}}))
    run(found, DiskStore(tmp_path))
    again = plan(rebuild(RunFolder(tmp_path, "experiment").notes()))
    assert {turn.done for turn in again.turns} == {turn.done for turn in found.turns}


def test_a_profile_and_a_change_may_set_the_curve() -> None:
    raw = {
        "base": {**BASE, "learning_curve": [5]},
        "arms": {"real": {"loop": "real-only"}},
        "profiles": {"smoke": {"base": {"learning_curve": [3, 4]}}},
    }
    assert list(experiment(raw, profile="smoke").arms) == ["real", "real, n=3", "real, n=4"]
    assert list(experiment(raw, changes=["arms.real.learning_curve=[2]"]).arms) == ["real", "real, n=2"]


def test_a_curve_by_group_takes_so_many_of_every_class() -> None:
    base = {"source": "digits", "model": "eigen-mixture", "per_group": 9, "samples": 50, "learning_curve": [3, 6]}
    found = experiment({"base": base, "arms": {"real": {"loop": "real-only"}}})
    assert list(found.arms)[1:] == ["real, n=3 per group", "real, n=6 per group"]
    assert notes(plan(found)).arms[1].real == 30


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"learning_curve": [0]}, r"base\.learning_curve\[0\] must be at least 1, but is 0\."),
        ({"learning_curve": 5}, r"base\.learning_curve must be a list, but is 5\."),
        ({"learning_curve": [5], "real": None}, r"arms\.real\.learning_curve: say samples = … \(or real = …\) too"),
        ({"learning_curve": [5], "founder": "pretrained"}, r"this arm's is pretrained; leave it out"),
        ({"learning_curv": [5]}, r"Did you mean 'learning_curve'\?"),
    ],
)
def test_a_curve_that_cannot_be_is_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    base = {key: value for key, value in {**BASE, **settings}.items() if value is not None}
    with pytest.raises(ConfigError, match=sentence):
        experiment({"base": base, "arms": {"real": {"loop": "real-only"}}})


def test_an_arm_of_the_same_name_and_other_settings_is_in_the_way() -> None:
    arms = {"real": {"loop": "real-only", "learning_curve": [5]}, "real, n=5": {"loop": "real-only", "bias": 0.5}}
    with pytest.raises(ConfigError, match=r"needs the name 'real, n=5' for its founder of 5, but another arm has it"):
        asked(arms=arms)


def test_more_founders_than_there_are_rows_are_refused_in_the_plan() -> None:
    with pytest.raises(PlanError, match="101 real samples are asked for, but source 'numbered' has 100"):
        plan(asked(101))
