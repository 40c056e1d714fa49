"""The block recursion against the closed forms, to the last digits."""

from __future__ import annotations

import math

import pytest

from autophagy.core.errors import PlanError
from autophagy.core.parts import LinearFamily
from autophagy.theory import closed_forms, recursion
from autophagy.theory.recursion import Forecast, Step, forecast, limit, lineage

UNBIASED = LinearFamily(is_unbiased=True)


def founder(n: int) -> Step:
    return Step(0, n, (("real", n),))


def replaced(n: int, generations: int) -> list[Step]:
    return [founder(n), *(Step(g, n, ((g - 1, n),)) for g in range(1, generations))]


def accumulated(n: int, generations: int, budget: int | None = None) -> list[Step]:
    everything = [("real", n), *((g, n) for g in range(generations))]
    return [Step(g, n, tuple(everything[: g + 1]), budget) for g in range(generations)]


def fresh(real: int, synthetic: int, generations: int) -> tuple[list[Step], dict[object, int]]:
    later = [Step(g, synthetic, ((f"new {g}", real), (g - 1, synthetic))) for g in range(1, generations)]
    sizes = {"real": real} | {f"new {g}": real for g in range(1, generations)}
    return [Step(0, synthetic, (("real", real),)), *later], sizes


def test_fully_synthetic_is_exact_down_to_1e_90() -> None:
    n, found = 10, forecast(replaced(10, 2000), real={"real": 10})
    for g in (0, 1, 5, 50, 500, 1999):
        assert found.kept_variance[g] == pytest.approx(closed_forms.fully_synthetic_variance(n, g), rel=1e-12, abs=0)
        expected = closed_forms.fully_synthetic_mean_variance(n, g)
        assert found.mean_variance[g] == pytest.approx(expected, rel=1e-12, abs=0)
    assert 0 < found.kept_variance[-1] < 1e-90


def test_a_rescue_in_between_costs_no_digits() -> None:
    rescue, relapse, rescue_again = (("real", 4), (299, 4)), ((299, 4),), (("real", 4), (301, 4))
    steps = [*replaced(4, 300), *(Step(g, 4, t) for g, t in enumerate((rescue, relapse, rescue_again), 300))]
    found = forecast(steps, real={"real": 4})
    assert found.kept_variance[299] == pytest.approx(0.75**300, rel=1e-12, abs=0)  # 3e-38
    assert found.kept_variance[300] > 0.1
    assert found.kept_variance[301] == pytest.approx(0.75**301, rel=1e-12, abs=0)


@pytest.mark.parametrize("family", [LinearFamily(), UNBIASED])
def test_bias_and_divisor_of_the_fully_synthetic_loop_are_exact(family: LinearFamily) -> None:
    found = forecast(replaced(25, 40), real={"real": 25}, family=family, bias=0.8)
    for g in range(40):
        options = {"bias": 0.8, "unbiased": family.is_unbiased}
        kept = closed_forms.fully_synthetic_variance(25, g, **options)
        assert found.kept_variance[g] == pytest.approx(kept, rel=1e-12, abs=0)
        assert found.drawn_variance[g] == pytest.approx(0.8 * kept, rel=1e-12, abs=0)
        wandered = closed_forms.fully_synthetic_mean_variance(25, g, **options)
        assert found.mean_variance[g] == pytest.approx(wandered, rel=1e-12, abs=0)


def test_accumulate_is_exact() -> None:
    found = forecast(accumulated(20, 300), real={"real": 20})
    for g in (0, 1, 2, 17, 299):
        assert found.kept_variance[g] == pytest.approx(closed_forms.accumulate_variance(20, g), rel=1e-12, abs=0)
    assert sorted(found.effective_sample_size, reverse=True) == list(found.effective_sample_size)


def test_kernels_need_a_variance_to_be_shares_of() -> None:
    steps, real = [Step("a", 10, (("real", 10),))], {"real": 10}
    with pytest.raises(PlanError, match="no variance"):
        forecast(steps, real=real, family=LinearFamily(takes_bias=False, added=1.0), real_variance=0.0)
    assert forecast(steps, real=real, real_variance=0.0).kept_variance == (0.9,)


def test_kde_is_exact_in_the_units_of_the_data() -> None:
    family = LinearFamily(takes_bias=False, added=0.6**2)
    found = forecast(replaced(15, 60), real={"real": 15}, family=family, bias=0.25, real_variance=4.0)
    for g in range(60):
        expected = closed_forms.kde_variance(15, g, 0.3, real_variance=4.0)  # λ = 1/4 halves the kernel's width
        assert 4 * found.kept_variance[g] == pytest.approx(expected, rel=1e-12, abs=0)
        assert 4 * found.drawn_variance[g] == pytest.approx(expected + 0.09, rel=1e-12, abs=0)


def test_retraining_on_the_same_real_data_changes_nothing() -> None:
    found = forecast([founder(9), *(Step(g, 9, (("real", 9),)) for g in range(1, 8))], real={"real": 9})
    assert found.mean_variance == pytest.approx([1 / 9] * 8, rel=1e-14, abs=0)
    assert found.effective_sample_size == pytest.approx([9] * 8, rel=1e-12, abs=0)


def test_a_healed_loop_forgets_its_poisoned_past() -> None:
    steps = [*replaced(9, 5), Step(5, 9, (("real", 9),)), Step(6, 9, ((5, 9),))]
    found = forecast(steps, real={"real": 9})
    assert found.kept_variance[4] == pytest.approx((8 / 9) ** 5, rel=1e-13, abs=0)
    assert found.kept_variance[5:] == pytest.approx([8 / 9, (8 / 9) ** 2], rel=1e-13, abs=0)


def test_real_rows_seen_before_are_worth_less_than_fresh_ones() -> None:
    def last(block: str) -> Forecast:
        steps = [founder(30), Step(1, 30, ((0, 30),)), Step(2, 30, ((block, 30), (1, 30)))]
        return forecast(steps, real={"real": 30, "fresh": 30}).last

    assert last("fresh").effective_sample_size > last("real").effective_sample_size


def test_a_budget_that_thins_nothing_changes_nothing() -> None:
    real = {"real": 12}
    assert forecast(accumulated(12, 9, budget=108), real=real) == forecast(accumulated(12, 9), real=real)
    assert forecast(accumulated(12, 9, budget=107), real=real) != forecast(accumulated(12, 9), real=real)


def test_thinning_to_one_point_leaves_no_variance() -> None:
    found = forecast([founder(12), Step(1, 5, (("real", 12),), budget=1)], real={"real": 12})
    assert (found.mean_variance[1], found.kept_variance[1]) == (1.0, 0.0)


def test_taking_a_block_by_halves_is_taking_two_independent_subsets() -> None:
    found = forecast([Step(0, 4, (("real", 10), ("real", 10)))], real={"real": 10})
    assert found.mean_variance[0] == pytest.approx(1 / 10, rel=1e-14, abs=0)  # all ten points, each twice
    found = forecast([Step(0, 4, (("real", 1), ("real", 1)))], real={"real": 4})
    assert found.mean_variance[0] == pytest.approx(
        (1 + 1 / 4) / 2, rel=1e-14, abs=0
    )  # the same point once in four times


def test_drawing_nothing_from_a_block_is_leaving_it_out() -> None:
    steps = [founder(10), Step(1, 0, (("real", 10), (0, 0))), Step(2, 10, (("real", 10), (1, 0)))]
    assert forecast(steps, real={"real": 10}).kept_variance == pytest.approx([0.9] * 3, rel=1e-14, abs=0)


def test_a_lineage_is_what_a_block_descends_from() -> None:
    steps = [
        Step("a0", 5, (("real", 5),)),
        Step("b0", 5, (("real", 5),)),
        Step("a1", 5, (("b0", 5), ("real", 5))),
        Step("b1", 5, (("b0", 5),)),
        Step("a2", 5, (("a1", 5),)),
    ]
    assert [step.block for step in lineage(steps, "a2")] == ["b0", "a1", "a2"]
    whole, alone = forecast(steps, real={"real": 5}), forecast(lineage(steps, "a2"), real={"real": 5})
    assert alone.last == whole.last


def test_names_of_blocks_and_unrelated_steps_change_nothing() -> None:
    mine = accumulated(6, 12)
    other = [
        Step(("other", s.block), 6, tuple((b if b == "real" else ("other", b), n) for b, n in s.taken)) for s in mine
    ]
    both = forecast([step for pair in zip(mine, other, strict=True) for step in pair], real={"real": 6})
    alone = forecast(mine, real={"real": 6})
    assert both.mean_variance[::2] == pytest.approx(alone.mean_variance, rel=1e-13, abs=0)
    assert both.mean_variance[1::2] == pytest.approx(alone.mean_variance, rel=1e-13, abs=0)


@pytest.mark.parametrize(("real", "synthetic"), [(50, 50), (100, 7), (3, 400)])
def test_the_fresh_data_loop_ends_where_its_closed_form_says(real: int, synthetic: int) -> None:
    found = limit(lambda generations: fresh(real, synthetic, generations))
    assert found is not None
    expected = closed_forms.fresh_data_mean_variance(real, synthetic)
    assert found.mean_variance[0] == pytest.approx(expected, abs=1e-11)
    assert found.effective_sample_size[0] == pytest.approx(1 / expected, rel=1e-7)


def test_the_limit_does_not_depend_on_the_first_model() -> None:
    def from_(first: int, generations: int) -> tuple[list[Step], dict[object, int]]:
        steps, real = fresh(40, 60, generations)
        return [Step(0, 60, (("real", first),)), *steps[1:]], real | {"real": first}

    ends = [limit(lambda g, n=n: from_(n, g), bias=0.7, family=UNBIASED) for n in (2, 4000)]
    assert ends[0].kept_variance[0] == pytest.approx(ends[1].kept_variance[0], rel=1e-9)
    assert ends[0].kept_variance[0] < 0.9


def test_a_loop_that_wanders_for_ever_has_no_limit() -> None:
    def history(generations: int) -> tuple[list[Step], dict[object, int]]:
        return replaced(10, generations), {"real": 10}

    assert limit(history, family=UNBIASED, longest=256) is None
    assert limit(history).mean_variance[0] == pytest.approx(1, rel=1e-11, abs=0)


def test_more_blocks_than_the_table_began_with_are_no_different() -> None:
    fixed = {f"real {i}": 3 for i in range(40)}
    steps = [Step(g, 7, tuple((name, 3) for name in fixed)) for g in range(3)]
    steps.append(Step(3, 7, tuple((g, 7) for g in range(3))))
    found = forecast(steps, real=fixed)
    assert found.mean_variance[:3] == pytest.approx([1 / 120] * 3, rel=1e-13, abs=0)
    assert found.mean_variance[3] == pytest.approx(1 / 120 + (119 / 120) / 21, rel=1e-13, abs=0)


def test_no_steps_give_no_numbers() -> None:
    assert forecast([], real={}) == Forecast((), (), (), ())


def test_steps_that_cannot_be_are_refused() -> None:
    real = {"real": 10}
    for steps, said in [
        ([Step(0, 5, ((1, 5),)), Step(1, 5, (("real", 5),))], "neither real nor drawn"),
        ([Step(0, 5, (("real", 11),))], "takes 11 of 'real', which has 10"),
        ([founder(10), Step(0, 5, (("real", 5),))], "drawn twice"),
        ([Step("real", 5, (("real", 5),))], "drawn twice"),
    ]:
        with pytest.raises(ValueError, match=said):
            forecast(steps, real=real)
    with pytest.raises(PlanError, match="no samples"):
        forecast([Step(0, 5, ())], real=real)
    with pytest.raises(PlanError, match="at least 2"):
        forecast([Step(0, 5, (("real", 1),))], real=real, family=UNBIASED)


def test_a_loop_too_wide_to_forecast_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recursion, "MOST_BLOCKS", 10)
    assert len(forecast(accumulated(5, 10), real={"real": 5}).kept_variance) == 10
    with pytest.raises(PlanError, match="at most 10 blocks"):
        forecast(accumulated(5, 11), real={"real": 5})


def test_kept_and_mean_variance_sum_to_the_truth() -> None:
    found = forecast(accumulated(7, 30, budget=9), real={"real": 7})
    assert [math.fsum(pair) for pair in zip(found.kept_variance, found.mean_variance, strict=True)] == pytest.approx(
        [1.0] * 30, rel=1e-13, abs=0
    )
