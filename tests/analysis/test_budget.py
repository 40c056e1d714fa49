"""Budgets: which arms are compared, what is read off them, and that the answer never says more than they do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_budgets import FIVE, LAST, MEASURES, REAL, N, judged, lines, notes_of, records_of, share
from scipy.stats import binom

from autophagy import Experiment
from autophagy.analysis import budget_words as words
from autophagy.analysis.budget import Tolerance, budgets
from autophagy.analysis.budget_json import plain
from autophagy.analysis.budget_score import judged_score
from autophagy.archive.run_folder import ArmNotes, Measure
from autophagy.archive.store import MemoryStore
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Record
from autophagy.experiment.notes import notes

# ── the answer ───────────────────────────────────────────────────────────────


def test_the_budget_is_where_the_loss_passes_the_tolerance() -> None:
    found = judged(lines({0.1: 0.02, 0.25: 0.05, 0.5: 0.1, 1.0: 0.2}))
    assert found.passed is not None
    assert found.passed.at == pytest.approx(0.25)
    assert [dose.diet.share for dose in found.shares] == [0, 0.1, 0.25, 0.5, 1]
    assert [dose.loss.mean for dose in found.shares] == pytest.approx([0, 0.02, 0.05, 0.1, 0.2], abs=1e-3)


def test_lineages_are_compared_with_their_own_seed() -> None:
    """The luck of a seed, which is ten times the tolerance, drops out."""
    found = judged(lines({0.1: 0.02, 0.5: 0.1}, noise=0.02))
    assert found.passed is not None
    assert found.passed.high - found.passed.low < 0.1


def test_the_sentence_can_be_acted_on() -> None:
    found = judged(lines({0.1: 0.02, 0.25: 0.08, 0.5: 0.2}, noise=0.1))
    assert words.sentence(found) == (
        "Up to 20 % (15–24 %) synthetic costs less than 5 % of m loss, n = 5 seeds, generation 3."
    )


def test_an_absolute_tolerance_is_in_units_of_the_score() -> None:
    found = judged(lines({0.1: 0.02, 0.25: 0.05, 0.5: 0.1}), tolerance=Tolerance(0.5, is_relative=False))
    assert found.passed is not None
    assert found.passed.at == pytest.approx(0.25, abs=0.02)
    assert "costs less than 0.5 in m loss" in words.sentence(found)
    assert found.shares[1].loss.mean == pytest.approx(0.2, rel=0.1)


def test_higher_may_be_better() -> None:
    arms = [(REAL, [0.8, 0.81, 0.79]), (share(0.2), [0.78, 0.79, 0.77]), (share(0.4), [0.72, 0.73, 0.71])]
    measures = {"real": {"m": Measure("quality", {"loss": "higher"}, {}, {})}}
    records = [r for arm, values in arms for r in records_of(arm, values)]
    (found,) = budgets([arm for arm, _ in arms], records, measures, tolerance=FIVE)
    assert [dose.loss.mean for dose in found.shares] == pytest.approx([0, 0.025, 0.1])
    assert found.passed is not None
    assert 0.2 < found.passed.at < 0.3


def test_every_share_within_the_tolerance_says_so_and_no_more() -> None:
    told = words.sentence(judged(lines({0.1: 0.0, 0.5: 0.01, 0.9: 0.02}, noise=0.05)))
    assert told.startswith("Every share tried, up to 90 % synthetic, costs less than 5 % of m loss")


def test_a_budget_below_the_smallest_share_is_the_curves_and_says_so() -> None:
    told = words.sentence(judged(lines({0.1: 0.3, 0.5: 0.9}, noise=0.01)))
    assert told.startswith(
        "The smallest share tried, 10 % synthetic, already costs more than 5 % of m loss; a curve from"
    )
    assert "to none passes it at 1.5 % (" in told


def test_a_single_share_leaves_what_lies_between_alone() -> None:
    told = words.sentence(judged(lines({1.0: 1.5}, noise=0.01)))
    assert told.startswith("The smallest share tried, 100 % synthetic, already costs more than 5 % of m loss, n = 5")


def test_a_share_that_helps_is_within_any_tolerance() -> None:
    found = judged(lines({0.1: -0.2, 0.5: -0.1, 0.9: 0.4}))
    assert found.passed is not None
    assert 0.5 < found.passed.at < 0.9
    assert "−20 %" in words.loss(found, found.shares[1].loss)


def test_two_seeds_have_an_estimate_and_no_interval() -> None:
    found = judged(lines({0.1: 0.02, 0.5: 0.1}, seeds=2))
    assert words.sentence(found).startswith("Up to 25 % synthetic costs less than 5 % of m loss, n = 2 seeds")
    assert words.caveats(found)[0] == "2 lineages of every arm give no interval; run at least 3 seeds."
    for dose in found.shares:
        assert np.isnan([dose.value.low, dose.value.high, dose.loss.low, dose.loss.high]).all()
    added = judged([(REAL, [10.0, 11.0]), (notes_of("added", {"real": N, "synthetic": 200}), [11.0, 12.1])])
    assert words.caveats(added)[0] == "2 lineages of every arm give no interval; run at least 3 seeds."


def test_noise_above_the_tolerance_is_said() -> None:
    found = judged(lines({0.1: 0.02, 0.25: 0.05, 0.5: 0.1}, noise=2.0))
    assert found.resolution > 0.05
    assert "finer than they can judge" in words.caveats(found)[0]
    quiet = judged(lines({0.1: 0.02, 0.25: 0.05, 0.5: 0.1}, noise=0.02))
    assert not any("finer" in caveat for caveat in words.caveats(quiet))


def test_a_wide_gap_around_the_budget_is_said() -> None:
    found = judged(lines({1.0: 0.5}, noise=0.01))
    assert "Nothing was tried between 0 % and 100 %." in words.caveats(found)
    two = judged(lines({0.5: 0.2, 1.0: 0.5}, noise=0.01))
    assert "Nothing was tried between 0 % and 50 %; what lies between is interpolated." in words.caveats(two)


def test_a_share_at_which_lineages_diverged_counts_as_too_much() -> None:
    pairs = lines({0.1: 0.0, 0.5: 0.01, 0.75: 0.0, 0.9: 0.0}, noise=0.02)
    records = [
        r for arm, values in pairs for r in records_of(arm, values, ended=[1, 3] if arm.name == "share 0.75" else [])
    ]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE)
    assert [dose.diet.share for dose in found.judged] == [0, 0.1, 0.5]
    assert "up to 50 % synthetic" in words.sentence(found)
    assert "Lineages that diverged or came to no value: 2 of 5 of 'share 0.75'." in words.caveats(found)[0]
    assert [dose.ended for dose in found.shares] == [0, 0, 0, 2, 0]


@pytest.mark.parametrize("at", [0, 1, LAST])
def test_a_share_of_which_no_lineage_is_left_counts_as_too_much(at: int) -> None:
    """Whether its lineages diverged at the founder, on the way or where it is judged: known from the plan."""
    pairs = lines({0.1: 0.0, 0.5: 0.01, 0.75: 0.0, 0.9: 0.0}, noise=0.02)
    records = [r for arm, values in pairs for r in records_of(arm, values) if arm.name != "share 0.75"]
    fallen = [r for r in records_of(share(0.75), [10.0] * 5) if r.generation <= at]
    records += [replace(r, status="diverged", scores={}) if r.generation == at else r for r in fallen]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE)
    assert [(dose.diet.share, dose.ended, dose.lineages) for dose in found.shares][3:] == [(0.75, 5, 5), (0.9, 0, 5)]
    assert words.sentence(found).startswith("Every share tried, up to 50 % synthetic")
    assert "5 of 5 of 'share 0.75'" in words.caveats(found)[0]
    assert plain(found)["shares"][3]["ended"] == 5


def test_added_rows_of_which_no_lineage_is_left_have_no_loss() -> None:
    added = notes_of("added", {"real": N, "synthetic": 200})
    records = records_of(REAL, [10.0] * 3) + records_of(added, [10.0] * 3, ended=[0, 1, 2])
    (found,) = budgets([REAL, added], records, MEASURES, tolerance=FIVE)
    assert words.sentence(found).startswith("Adding 200 synthetic rows to 100 real ones leaves no lineage with a value")


def test_an_arm_that_has_not_come_so_far_is_left_out_and_not_counted_as_diverged() -> None:
    slow = share(0.75)
    records = [r for arm, values in lines({0.5: 0.01}) for r in records_of(arm, values)]
    records += [r for r in records_of(slow, [10.0] * 5) if r.generation < LAST]
    (found,) = budgets([REAL, share(0.5), slow], records, MEASURES, tolerance=FIVE)
    assert found.group.left_out == {"share 0.75": "has no finished generation 3"}


def test_the_founder_is_in_no_mean_of_generations() -> None:
    half, short = share(0.5), notes_of("real", {"real": N}, last=2)  # a control may end earlier
    for real in (REAL, short):
        records = records_of(real, [10.0] * 3) + records_of(half, [12.0] * 3)
        records = [replace(r, scores={"m.loss": 1e6}) if r.generation == 0 else r for r in records]
        (found,) = budgets([real, half], records, MEASURES, tolerance=FIVE, last=LAST)
        assert found.shares[1].loss.mean == pytest.approx(0.2)
    with pytest.raises(ConfigError, match=r"the mean of 4 generations up to generation 3 .* --last may be 3 at most"):
        judged([(REAL, [10.0] * 3), (half, [12.0] * 3)], last=LAST + 1)


def test_nothing_can_be_said_where_the_smallest_share_diverges() -> None:
    pairs = lines({0.1: 0.0, 0.5: 0.0})
    records = [
        r for arm, values in pairs for r in records_of(arm, values, ended=[0] if arm.name == "share 0.1" else [])
    ]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE)
    assert found.passed is None
    assert words.sentence(found).startswith("Not even 10 % synthetic, the smallest share tried, can be judged")
    assert plain(found)["budget"] is None


def test_of_a_single_share_no_curve_and_so_no_budget_is_known() -> None:
    """The loss is p², which passes 5 % at 0.22; a straight line would pass it at 0.05."""
    found = judged(lines({1.0: 1.0}, noise=0.01))
    assert found.passed is not None
    assert (found.passed.low, found.passed.high) == (0.0, 1.0)
    few = judged(lines({1.0: 1.0}, seeds=2)).passed
    assert few is not None
    assert np.isnan([few.low, few.high]).all()


def test_a_share_that_may_not_cost_so_much_only_seems_to() -> None:
    told = words.sentence(judged(lines({0.5: 0.4, 1.0: 1.0}, noise=3.0, seed=2)))
    assert told.startswith("The smallest share tried, 50 % synthetic, seems to cost +")
    assert ", more than 5 % of m loss; a curve" in told


def test_a_bound_that_is_open_is_told() -> None:
    told = words.sentence(judged(lines({0.25: 0.0, 0.5: 0.0}, noise=8.0, seed=1)))
    assert told.startswith("Every share tried, up to 50 % synthetic (95 % interval from none), costs less than 5 %")


def test_a_budget_of_which_nothing_is_known_does_not_begin_with_a_number() -> None:
    found = judged(lines({0.25: 0.02, 0.5: 0.04, 0.75: 0.06, 1.0: 0.1}, noise=4.0, seed=3))
    assert found.passed is not None
    assert (found.passed.low <= 0, found.passed.high, found.passed.at < 1) == (True, math.inf, True)
    told = words.sentence(found)
    assert told.startswith(
        "How much synthetic data costs less than 5 % of m loss cannot be told: anything up to 100 %, by"
    )


def test_shares_that_ended_are_in_the_answer() -> None:
    pairs = lines({0.1: 0.0, 0.5: 0.0})
    records = [r for arm, x in pairs for r in records_of(arm, x, ended=[0] if arm.name == "share 0.5" else [])]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE)
    assert "costs less than 5 % of m loss, but at 50 % lineages end, n = 5 seeds" in words.sentence(found)
    pairs = lines({0.5: 0.0})
    records = [r for arm, x in pairs for r in records_of(arm, x, ended=[1] if arm.name == "share 0.5" else [])]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE)
    assert "can be judged: 1 of 5 lineages came to no value, n = 5 seeds" in words.sentence(found)


def test_a_tolerance_is_told_as_it_was_asked_for() -> None:
    assert "costs less than 12.5 % of" in words.sentence(judged(lines({0.1: 0.0}), tolerance=Tolerance.parsed("12.5%")))


def test_advice_is_what_toml_takes() -> None:
    spaced = notes_of("real only", {"real": N})
    (told,) = [line for line in words.caveats(judged([(spaced, [1.0] * 3), (share(0.5), [1.0] * 3)])) if "add" in line]
    assert '[arms."real only"]' in told


def test_95_percent_intervals_hold_the_true_budget_90_to_98_times_in_100() -> None:
    """A loss of 0.4 p² + 0.1 p of the real-only value passes 5 % at p = 0.25; noise is 2 % of the value."""
    truth, rounds, held = 0.25, 300, 0
    costs = {p: 0.4 * p**2 + 0.1 * p for p in (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)}
    assert 0.4 * truth**2 + 0.1 * truth == pytest.approx(0.05)
    for seed in range(rounds):
        found = judged(lines(costs, noise=0.2, seed=seed)).passed
        held += found is not None and found.low <= truth <= found.high
    assert binom.ppf(1e-3, rounds, 0.90) <= held <= binom.ppf(1 - 1e-3, rounds, 0.98)


# ── which arms are compared ──────────────────────────────────────────────────


def left_out(*arms: ArmNotes) -> Mapping[str, str]:
    values = [10.0, 11.0, 12.0]
    return judged([(REAL, values), (share(0.5), values), *((arm, values) for arm in arms)]).group.left_out


@pytest.mark.parametrize(
    ("arm", "reason"),
    [
        (share(0.5, "twin"), "has the same share as 'share 0.5'"),
        (
            notes_of("half", {"real": 20, "synthetic": 20}),
            "trains neither on 100 rows in all (total = 100) nor on 100 real ones and more",
        ),
        (notes_of("fresh", {"fresh": 50, "synthetic": 50}), "eats real rows of another kind (fixed or fresh)"),
        (notes_of("thief", {"real": 50, "generation 0 of arm 'x'": 50}), "eats another arm's samples"),
    ],
)
def test_an_arm_that_says_nothing_of_the_question_is_left_out_with_a_reason(arm: ArmNotes, reason: str) -> None:
    assert left_out(arm)[arm.name].startswith(reason)


def test_a_share_that_changes_on_the_way_is_left_out() -> None:
    healed = share(0.75, "healed")
    mixtures = (*healed.mixtures[:2], REAL.mixtures[1], healed.mixtures[3])
    assert left_out(replace(healed, mixtures=mixtures)) == {"healed": "its share of synthetic data changes on the way"}


def test_an_arm_that_is_left_out_does_not_say_when_the_others_are_judged() -> None:
    thief = notes_of("thief", {"real": 50, "generation 0 of arm 'x'": 50}, last=1)
    found = judged([(REAL, [10.0] * 3), (share(0.5), [11.0] * 3), (thief, [9.0] * 3)])
    assert found.group.generation == LAST
    assert found.group.left_out == {"thief": "ends at generation 1"}
    assert not any("Judged at" in line for line in words.caveats(found))


def test_arms_that_end_apart_are_judged_together_and_it_is_said() -> None:
    early = share(0.25, "early", last=1)
    found = judged([(REAL, [10.0] * 3), (share(0.5), [11.0] * 3), (early, [10.5] * 3)])
    assert found.group.generation == 1
    assert any(line.startswith("Judged at generation 1, where 'early' ends") for line in words.caveats(found))


def test_an_arm_that_has_not_begun_to_eat_synthetic_rows_is_left_out() -> None:
    late = share(1.0, "late")
    late = replace(late, mixtures=(*REAL.mixtures[:3], late.mixtures[3]))
    assert left_out(late) == {"late": "its share of synthetic data changes on the way"}
    values = [10.0, 11.0, 12.0]
    early = judged([(REAL, values), (share(0.5), values), (late, values)], generation=2)
    assert early.group.left_out == {"late": "has eaten nothing synthetic by generation 2"}


def test_arms_measured_on_other_numbers_of_samples_are_left_out() -> None:
    large = replace(share(0.25, "large"), samples=40 * N)
    assert left_out(large) == {"large": "is measured on 4,000 samples, the real-only arm on 100"}


def test_arms_that_differ_in_more_than_their_loop_are_not_compared() -> None:
    values = [10.0, 11.0, 12.0]
    other_bias = share(0.25, "biased", bias=0.5)
    found = judged([(REAL, values), (share(0.5), values), (other_bias, values)])
    assert [dose.diet.arm for dose in found.shares] == ["real", "share 0.5"]


def test_each_treatment_with_its_own_real_only_arm_has_its_own_budget() -> None:
    values = [10.0, 11.0, 12.0]
    arms = [REAL, share(0.5), notes_of("real b", {"real": N}, bias=0.5), share(0.25, "b", bias=0.5)]
    records = [r for arm in arms for r in records_of(arm, values)]
    found = budgets(arms, records, MEASURES, tolerance=FIVE)
    assert [[dose.diet.arm for dose in each.shares] for each in found] == [["real", "share 0.5"], ["real b", "b"]]


def test_fresh_real_data_is_held_against_fresh_real_data() -> None:
    values = [10.0, 11.0, 12.0]
    arms = [notes_of("new", {"fresh": N}), notes_of("mixed", {"fresh": 60, "synthetic": 40}), share(1.0)]
    records = [r for arm in arms for r in records_of(arm, values)]
    (found,) = budgets(arms, records, MEASURES, tolerance=FIVE)
    assert [(dose.diet.arm, dose.diet.share) for dose in found.shares] == [("new", 0), ("mixed", 0.4), ("share 1", 1)]


def test_rows_added_to_all_real_ones_are_another_question() -> None:
    added = notes_of("added", {"real": N, "synthetic": 200})
    found = judged([(REAL, [10.0, 11.0, 12.0]), (added, [11.0, 12.1, 13.1])])
    assert not found.shares[1:]
    assert found.passed is None
    assert words.sentence(found).startswith("Adding 200 synthetic rows to 100 real ones changes m loss by +9.7 % (")


def test_a_control_that_ends_earlier_is_judged_at_its_own_end() -> None:
    short = notes_of("real", {"real": N}, last=1)
    found = judged([(short, [10.0, 11.0, 12.0]), (share(0.5), [11.0, 12.1, 13.2])])
    assert found.shares[1].loss.mean == pytest.approx(0.1)
    assert found.group.generation == LAST


def test_an_earlier_generation_may_be_asked_for() -> None:
    short = share(0.2, "short", last=2)
    arms = [(REAL, [10.0] * 3), (share(0.5), [11.0] * 3), (short, [10.1] * 3)]
    assert judged(arms).group.generation == 2
    late = judged(arms, generation=3)
    assert late.group.left_out == {"short": "ends at generation 2"}
    assert [dose.diet.arm for dose in late.shares] == ["real", "share 0.5"]


# ── worth ────────────────────────────────────────────────────────────────────


def test_worth_is_the_effective_size_in_units_of_the_real_data() -> None:
    founders = [notes_of(f"real, n={n}", {}, last=0, founder=n) for n in (25, 50, 200)]
    scores = {25: 40.0, 50: 20.0, 200: 5.0}
    pairs: list[Any] = [(REAL, [10.0, 10.1, 10.2]), (share(0.5), [20.0, 20.1, 20.2])]
    pairs += [(arm, np.array([0, 0.1, 0.2]) + scores[arm.real]) for arm in founders]
    found = judged(pairs)
    assert found.curve is not None
    assert found.curve.sizes == (25, 50, 100, 200)  # the real-only arm's own founder is one of them
    assert [words.worth(dose.worth, N).split(" ")[0] for dose in found.shares] == ["1.00", "0.50"]
    assert "by that score 50 % is worth 0.50" in words.sentence(found)


def test_without_a_learning_curve_there_is_a_budget_and_a_hint() -> None:
    found = judged(lines({0.1: 0.02, 0.5: 0.1}))
    assert found.curve is None
    assert "worth" not in words.sentence(found)
    assert "add learning_curve = [100, 200, …] to [arms.real]" in words.caveats(found)[-1]


def test_a_score_by_which_more_data_are_no_better_says_nothing_of_worth() -> None:
    pairs = [*lines({0.1: 0.02, 0.5: 0.1}), (notes_of("real, n=25", {}, last=0, founder=25), [2.0, 3.0, 2.5, 2.2, 2.9])]
    found = judged(pairs)
    assert found.curve is not None
    assert [dose.worth for dose in found.shares] == [None] * 3
    assert any("founders are not seen to get better with more real data" in caveat for caveat in words.caveats(found))


@pytest.mark.parametrize(
    ("size", "low", "high", "text"),
    [
        (70, 60, 80, "0.70 (0.60–0.80)"),
        (0, 0, 0, "less than 0.25"),
        (math.inf, 90, math.inf, "more than 4 (0.90 to more than 4)"),
        (30, 0, 45, "0.30 (less than 0.25 to 0.45)"),
        (70, math.nan, math.nan, "0.70"),
        (math.nan, math.nan, math.nan, "–"),
    ],
)
def test_worth_in_words_is_open_where_the_curve_ends(size: float, low: float, high: float, text: str) -> None:
    from autophagy.analysis.effective_size import EffectiveSize

    assert words.worth(EffectiveSize(size, low, high, 5, 25, 400), 100) == text


# ── what cannot be asked ─────────────────────────────────────────────────────


def test_a_run_without_a_real_only_arm_says_what_to_add() -> None:
    with pytest.raises(ConfigError, match=r"there is no real-only arm.*\[arms\.real-only\] with loop = \"real-only\""):
        judged([(share(0.5), [1.0, 2.0, 3.0])])


def test_a_run_of_real_data_only_says_what_to_add() -> None:
    with pytest.raises(ConfigError, match=r"no arm differs from 'real' in its loop alone and eats synthetic data"):
        judged([(REAL, [1.0, 2.0, 3.0])])


def test_arms_that_are_all_left_out_are_named_with_their_reasons() -> None:
    with pytest.raises(
        ConfigError, match=r"no arm can be held against the real-only one: 'share 0.5' ends at generation 3"
    ):
        judged([(REAL, [1.0, 2.0]), (share(0.5), [1.0, 2.0])], generation=4)


def test_a_run_that_is_not_done_says_which_generation_can_be_judged() -> None:
    arms = [REAL, share(0.5), share(0.25)]
    records = [r for arm in arms for r in records_of(arm, [1.0] * 3) if r.generation < LAST - (arm is not REAL)]
    with pytest.raises(ConfigError, match="has no finished generation") as told:
        budgets(arms, records, MEASURES, tolerance=FIVE)
    way = "The run is not done: run it on with the command that began it"
    assert str(told.value).endswith(f"{way}, or judge an earlier one: --generation {LAST - 2}.")
    with pytest.raises(ConfigError, match=r"run it on with the command that began it\.$"):
        budgets(arms, [r for r in records if not r.generation], MEASURES, tolerance=FIVE)


def test_a_score_that_the_real_only_arm_alone_measures_is_one_sentence() -> None:
    records = records_of(REAL, [1.0] * 3) + [replace(r, scores={}) for r in records_of(share(0.5), [1.0] * 3)]
    with pytest.raises(ConfigError, match=r"m.loss: no arm can be held .*: 'share 0.5' does not measure it"):
        budgets([REAL, share(0.5)], records, MEASURES, tolerance=FIVE)


def test_by_default_the_score_is_one_that_the_real_only_arm_has() -> None:
    """One arm measures a score of higher rank, which nothing can be held against."""
    of_arm = {"frechet[pca]": FRECHET, "m": Measure("distance", {"loss": "lower"}, {}, {})}
    records = records_of(REAL, [1.0] * 3) + [
        replace(r, scores={**r.scores, "frechet[pca].distance": 2.0}) for r in records_of(share(0.5), [1.0] * 3)
    ]
    (found,) = budgets([REAL, share(0.5)], records, {"real": of_arm}, tolerance=FIVE)
    assert found.score == "m.loss"


def test_a_run_of_founders_says_to_let_it_run_on() -> None:
    with pytest.raises(ConfigError, match="has founders alone"):
        judged([(replace(REAL, generations=0), [1.0] * 3)])


def test_a_part_of_nothing_is_refused_and_an_amount_taken() -> None:
    arms = [(REAL, [0.1, -0.1, 0.2]), (share(0.5), [0.2, 0.3, 0.4])]
    with pytest.raises(ConfigError, match=r"m.loss is -0.1 in a lineage of 'real'.*without %"):
        judged(arms)
    assert judged(arms, tolerance=Tolerance(1.0, is_relative=False)).passed is not None


def test_a_real_only_arm_without_values_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"the real-only arm 'real' has no finite m.loss in 1 of its lineages"):
        judged([(REAL, [1.0, math.nan]), (share(0.5), [1.0, 1.0])])


@pytest.mark.parametrize(("asked", "near"), [("m.los", "m.loss"), ("n", "m"), ("frechet", "")])
def test_an_unknown_score_is_named_with_the_nearest(asked: str, near: str) -> None:
    hint = f"Did you mean '{near}'" if near == "m.loss" else "There are: m.loss"
    with pytest.raises(ConfigError, match=hint):
        judged(lines({0.1: 0.0}), score=asked)


def test_a_metric_will_do_for_its_only_score_and_not_for_several() -> None:
    assert judged(lines({0.1: 0.0}), score="m").score == "m.loss"
    two = {"real": {"m": Measure("distance", {"loss": "lower", "gain": "higher"}, {}, {})}}
    both = [replace(r, scores={"m.loss": 1.0, "m.gain": 1.0}) for r in records_of(REAL, [1.0])]
    with pytest.raises(ConfigError, match=r"'m' has several values; name one of m\.gain, m\.loss"):
        budgets([REAL], both, two, tolerance=FIVE, score="m")


FRECHET = Measure("distance", {"distance": "lower", "debiased": "lower"}, {}, {})
WASSERSTEIN = Measure("distance", {"w2": "lower", "sliced_w2": "lower"}, {}, {})  # of which one is measured
PRECISION = Measure("quality", {"precision": "higher", "recall": "higher"}, {}, {}, {"recall": "diversity"})


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("frechet", "frechet[pca].distance"),
        ("frechet[pca]", "frechet[pca].distance"),
        ("frechet[pca].debiased", "frechet[pca].debiased"),
        ("wasserstein", "wasserstein.sliced_w2"),
        (None, "frechet[pca].distance"),
    ],
)
def test_a_metrics_name_means_its_primary_value_as_measured(asked: str | None, name: str) -> None:
    measures = {"real": {"frechet[pca]": FRECHET, "wasserstein": WASSERSTEIN}}
    scores = dict.fromkeys(["frechet[pca].distance", "frechet[pca].debiased", "wasserstein.sliced_w2"], 1.0)
    assert judged_score(measures, [Record("real", 0, 0, "finished", "", scores=scores)], asked) == (name, "lower")


@pytest.mark.parametrize("asked", ["frechet", "precision-recall"])
def test_a_metrics_name_that_may_mean_several_scores_lists_them_in_full(asked: str) -> None:
    of_arm = {"frechet[pca]": FRECHET, "frechet[lenet]": FRECHET, "precision-recall[pca]": PRECISION}
    names = [f"{label}.{value}" for label, measure in of_arm.items() for value in measure.better]
    record = Record("real", 0, 0, "finished", "", scores=dict.fromkeys(names, 1.0))
    with pytest.raises(ConfigError, match=rf"'{asked}' has several values; name one of {asked}\["):
        judged_score({"real": of_arm}, [record], asked)


def test_the_primary_distance_is_one_that_was_measured() -> None:
    records = records_of(REAL, [1.0] * 3) + records_of(share(0.5), [1.0] * 3)
    records = [replace(r, scores={"wasserstein.sliced_w2": 1.0}) for r in records]
    (found,) = budgets([REAL, share(0.5)], records, {"real": {"wasserstein": WASSERSTEIN}}, tolerance=FIVE)
    assert found.score == "wasserstein.sliced_w2"


@pytest.mark.parametrize(
    ("text", "found"), [("5%", FIVE), ("0.3", Tolerance(0.3, is_relative=False)), (" 12.5 %", 0.125)]
)
def test_tolerances_are_percentages_or_amounts(text: str, found: Any) -> None:
    parsed = Tolerance.parsed(text)
    assert (parsed if isinstance(found, Tolerance) else parsed.amount) == found


@pytest.mark.parametrize("text", ["", "five", "-5%", "0", "5%%", "nan", "inf"])
def test_other_tolerances_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="a tolerance is a percentage above 0, such as 5%, or an amount"):
        Tolerance.parsed(text)


# ── through the engine ───────────────────────────────────────────────────────


def test_shares_are_read_from_what_was_trained_on_whatever_the_loop() -> None:
    loops: dict[str, Any] = {
        "real": {"loop": "real-only"},
        "quarter": {"loop": {"use": "fixed-share", "synthetic": 0.25}},
        "all": {"loop": "fully-synthetic"},
        "added": {"loop": "synthetic-augmentation"},
        "everything": {"loop": "accumulate"},
        "thinned": {"loop": {"use": "accumulate-subsample", "size": 40}},
        "healed": {"loop": [{"use": "fully-synthetic", "generations": 2}, "real-only"]},
        "grown": {"loop": {"use": "fixed-share", "synthetic": 0.5, "total": 20}},
    }
    base = {"source": "normal", "model": "gaussian", "real": 40, "metrics": ["moments"], "reference": 20}
    run = Experiment.of({"seeds": [0, 1, 2], "generations": 3, "base": base, "arms": loops}).run(MemoryStore())
    arms = notes(run.plan).arms
    (found,) = budgets(arms, run.records(), run.measures, tolerance=FIVE, score="moments.mean_shift")
    assert {d.diet.arm: d.diet.share for d in found.shares} == {"real": 0, "quarter": 0.25, "all": 1}
    assert {d.diet.arm: (d.diet.real, d.diet.synthetic) for d in found.additions} == {
        "added": (40, 40),
        "everything": (40, 120),
    }
    assert found.group.left_out == {
        "thinned": "its share of synthetic data changes on the way",
        "healed": "its share of synthetic data changes on the way",
        "grown": "trains neither on 40 rows in all (total = 40) nor on 40 real ones and more",
    }
