"""Budgets of runs with gaps: what is missing, left out or contradicted is said, never passed over."""

from __future__ import annotations

import numpy as np
import pytest
from fake_budgets import FIVE, LAST, MEASURES, REAL, N, judged, lines, notes_of, records_of, share
from scipy.stats import ttest_1samp

from autophagy.analysis import budget_words as words
from autophagy.analysis.budget import budgets
from autophagy.analysis.budget_json import plain

VALUES = [10.0, 11.0, 12.0]


def test_lineages_that_never_came_so_far_are_told() -> None:
    half = share(0.5)
    pairs = [(REAL, [10.0, 11.0, 12.0, 13.0, 14.0]), (half, [10.3, 11.3, 12.3, 13.3, 14.3])]
    records = [r for arm, values in pairs for r in records_of(arm, values)]
    records = [r for r in records if (r.arm, r.generation) != (half.name, LAST) or r.seed > 1]
    (found,) = budgets([REAL, half], records, MEASURES, tolerance=FIVE, seeds=range(6))
    assert [(dose.lineages, dose.absent) for dose in found.shares] == [(5, 1), (3, 3)]
    assert words.caveats(found)[0] == (
        "Lineages that have not come so far, since a turn failed or is still to run: 1 of 'real', 3 of 'share 0.5'. A "
        "loss is that of the seeds which a share and the real-only arm both have, the budget and n that of those which "
        "all arms have."
    )
    assert plain(found)["shares"][1]["absent"] == 3


def test_a_share_that_by_itself_passes_the_tolerance_is_told_where_the_curve_does_not() -> None:
    pairs = lines({0.5: 0.059, 1.0: 0.02})
    (found,) = budgets(
        [arm for arm, _ in pairs], [r for arm, v in pairs for r in records_of(arm, v)], MEASURES, tolerance=FIVE
    )
    told = words.sentence(found)
    assert told.startswith("The curve through all shares tried, up to 100 % synthetic")
    assert "stays below 5 % of m loss, though 50 % by itself costs +5.9 %" in told


@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_loss_in_per_cent_has_the_interval_of_a_paired_test(n: int) -> None:
    """Fieller's: at its bounds a t-test of what is lost beyond them has p = 0.05."""
    rng = np.random.default_rng(n)
    real = 10 + rng.standard_normal(n)
    eaten = 1.2 * real + rng.standard_normal(n)
    loss = judged([(REAL, real.tolist()), (share(0.5), eaten.tolist())]).shares[1].loss
    assert loss.low < loss.mean < loss.high
    for bound in (loss.low, loss.high):
        assert ttest_1samp(eaten - (1 + bound) * real, 0).pvalue == pytest.approx(0.05)


def test_a_real_only_value_that_may_be_nothing_leaves_a_loss_without_interval() -> None:
    loss = judged([(REAL, [0.1, 10.0, 1.0]), (share(0.5), [0.2, 11.0, 1.0])]).shares[1].loss
    assert loss.mean == pytest.approx(1.1 / 11.1)
    assert np.isnan([loss.low, loss.high]).all()


def test_a_share_is_called_too_much_only_where_the_budgets_own_bound_lies_below_it() -> None:
    """The second share comes out better than the first, as noise may have it, and the curve, which never falls, goes
    between; so a test of the first alone and the curve's interval need not agree."""
    kinds = set()
    for seed in range(150):
        found = judged(lines({0.1: 0.09, 0.2: 0.07}, noise=0.25, seed=seed))
        told, passed = words.sentence(found), found.passed
        assert passed is not None
        if "already costs" in told:
            assert passed.high < 0.1
            assert found.shares[1].loss.low > 0.05
        elif "seems to cost" in told:
            kinds.add((found.shares[1].loss.low > 0.05, passed.high < 0.1))
        kinds.add("already costs" in told)
    assert kinds >= {True, False, (True, False)}


@pytest.mark.parametrize(
    ("losses", "noise", "told"),
    [
        ({0.1: 0.09, 0.3: -0.02, 0.6: 0.5}, 0.02, ", though 10 % by itself costs +8.8 % (8."),
        ({0.1: 0.0, 0.2: 0.09, 0.3: -0.02, 0.6: 0.5}, 0.02, ", though 20 % by itself costs +9"),
        ({0.1: 0.09, 0.3: -0.02, 0.6: 0.5}, 0.3, ", though 10 % by itself seems to cost +"),
        ({0.1: 0.01, 0.3: 0.02, 0.6: 0.5}, 0.02, None),
    ],
)
def test_a_share_below_the_budget_that_by_itself_costs_too_much_is_named(
    losses: dict[float, float], noise: float, told: str | None
) -> None:
    said = words.sentence(judged(lines(losses, noise=noise)))
    assert said.startswith("Up to ")
    assert ("though" in said) == (told is not None)
    assert told is None or told in said


def test_what_lineages_tell_from_none_is_the_paired_tests() -> None:
    """A loss whose interval, which knows the real-only value's noise, is long to one side only."""
    real = np.array([1.0, 3.0, 2.0, 5.0, 9.0, 2.5])
    found = judged([(REAL, real.tolist()), (share(0.5), (1.5 * real + 0.1).tolist())], tolerance=FIVE)
    lost = found.shares[1].losses
    assert found.resolution == pytest.approx(2.570581836 * lost.std(ddof=1) / np.sqrt(6))
    assert found.shares[1].loss.low > 0


def test_losses_in_per_cent_of_what_may_be_nothing_are_explained() -> None:
    found = judged([(REAL, [0.1, 10.0, 1.0]), (share(0.5), [0.2, 11.0, 1.0])])
    assert any(
        text.startswith("A loss in per cent has no interval: these lineages do not") for text in words.caveats(found)
    )
    few = judged(lines({0.5: 0.1}, seeds=2))
    assert not any("has no interval: these lineages do not" in text for text in words.caveats(few))


@pytest.mark.parametrize("scale", [1e-200, 1e148])
def test_a_losss_interval_has_no_units(scale: float) -> None:
    rng = np.random.default_rng(0)
    real = 10 + rng.standard_normal(5)
    eaten = 1.2 * real + rng.standard_normal(5)
    one, other = (
        judged([(REAL, (s * real).tolist()), (share(0.5), (s * eaten).tolist())]).shares[1].loss for s in (1, scale)
    )
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_an_arm_without_a_real_only_one_of_its_own_is_named_with_what_differs() -> None:
    arms = [REAL, share(0.5), share(0.25, "biased", bias=0.5)]
    (found,) = budgets(arms, [r for arm in arms for r in records_of(arm, VALUES)], MEASURES, tolerance=FIVE)
    assert found.group.left_out == {"biased": "has no real-only arm of its own: 'real' has another bias"}


def test_an_arm_that_belongs_to_no_group_is_told_with_the_first_answer_and_the_nearest_arm() -> None:
    arms = [REAL, notes_of("real b", {"real": N}, bias=0.5), share(0.5, "b", bias=0.5), share(0.5, "c", bias=0.25)]
    arms.append(share(0.5, "d", bias=0.5, model="kde"))
    (found,) = budgets(arms, [r for arm in arms for r in records_of(arm, VALUES)], MEASURES, tolerance=FIVE)
    assert found.group.reference.name == "real b"
    assert found.group.left_out == {
        "c": "has no real-only arm of its own: 'real' has another bias",
        "d": "has no real-only arm of its own: 'real b' has another model",
    }


def test_founders_that_are_missing_are_told() -> None:
    founders = [notes_of(f"real, n={n}", {}, last=0, founder=n) for n in (20, 50)]
    pairs = [(REAL, VALUES), (share(0.5), VALUES), *((arm, VALUES) for arm in founders)]
    records = [r for arm, values in pairs for r in records_of(arm, values) if (arm.name, r.seed) != ("real, n=20", 1)]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE, seeds=range(3))
    assert found.absent == {"real, n=20": 1}
    assert "1 of 'real, n=20'" in words.caveats(found)[0]


def test_several_answers_say_whose_they_are() -> None:
    arms = [REAL, share(0.5), notes_of("real b", {"real": N}, bias=0.5), share(0.25, "b", bias=0.5)]
    found = budgets(arms, [r for arm in arms for r in records_of(arm, VALUES)], MEASURES, tolerance=FIVE)
    assert [words.sentence(each).partition(":")[0] for each in found] == ["Against 'real'", "Against 'real b'"]


def test_of_arms_with_one_share_the_longest_says_where_all_are_judged() -> None:
    short = share(1.0, "short", last=LAST - 1)
    arms = [short, REAL, share(1.0), share(0.5)]
    (found,) = budgets(arms, [r for arm in arms for r in records_of(arm, VALUES)], MEASURES, tolerance=FIVE)
    assert found.group.generation == LAST
    assert found.group.left_out == {"short": f"ends at generation {LAST - 1}"}


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_lineages_do_not_say_what_data_are_worth(seeds: int) -> None:
    founders = [notes_of(f"real, n={n}", {}, last=0, founder=n) for n in (20, 50, N)]
    pairs = [(REAL, VALUES[:seeds]), (share(0.5), [v + 1 for v in VALUES[:seeds]])]
    pairs += [(arm, [v + 5 - i for v in VALUES[:seeds]]) for i, arm in enumerate(founders)]
    records = [r for arm, values in pairs for r in records_of(arm, values)]
    (found,) = budgets([arm for arm, _ in pairs], records, MEASURES, tolerance=FIVE)
    assert found.curve is not None
    assert "worth" not in words.sentence(found)
    assert "is not said by fewer than three lineages" in " ".join(words.caveats(found))
