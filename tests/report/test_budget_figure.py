"""The budget's figure: what it says it draws, it draws."""

from __future__ import annotations

import io

import numpy as np
import pytest

from autophagy.analysis.budget import Budget, Tolerance, budgets
from autophagy.analysis.trajectories import interval
from autophagy.archive.run_folder import ArmNotes, Eaten, Forecast, Measure
from autophagy.core.generation import Record
from autophagy.report.budget import rows
from autophagy.report.budget_figure import figure


def arm(name: str, real: int, synthetic: int = 0, *, last: int = 1) -> ArmNotes:
    later = tuple(Eaten(origin, n) for origin, n in (("real", real), ("generation 0", synthetic)) if n)
    founder = (Eaten("real", real + synthetic),)
    return ArmNotes(name, last, {"source": "normal"}, "vectors", 100, real, (founder, later)[: last + 1], Forecast())


def budget(
    seeds: int, *, ended: str = "", of: int | None = None, others: tuple[ArmNotes, ...] = ()
) -> tuple[Budget, np.ndarray]:
    """Founders of 25 and 100 rows that are equally good, so that nothing is said of worth; and the smaller's values.

    Arm `ended` has diverged in the first `of` lineages, or in all.
    """
    rng = np.random.default_rng(0)
    arms = [arm("real", 100), arm("half", 50, 50), *others, arm("real, n=25", 25, last=0)]
    gone = seeds if of is None else of
    values = {one.name: rng.normal(10, 1, seeds) for one in arms}
    records = [
        Record(
            one.name, s, g, "diverged" if one.name == ended and g and s < gone else "finished", "",
            kept=100, scores={"m.loss": x}, trained_on={eaten.origin: eaten.count for eaten in one.mixtures[g]},
        )
        for one in arms for g in range(one.generations + 1) for s, x in enumerate(values[one.name])
    ]  # fmt: skip
    measures = {"real": {"m": Measure("distance", {"loss": "lower"}, {}, {})}}
    (found,) = budgets(arms, records, measures, tolerance=Tolerance(0.05, is_relative=True))
    return found, values["real, n=25"]


def test_founders_that_do_not_improve_have_their_intervals_drawn() -> None:
    found, values = budget(5)
    assert found.curve is not None
    assert not found.curve.improves
    made = figure(found)
    (panel,) = (axes for axes in made.axes if axes.get_title() == "what real data alone gives")
    (bars,) = panel.collections
    of_25 = interval(values)
    ends = np.asarray(bars.get_paths()[0].vertices, float)
    np.testing.assert_allclose(ends, np.array([[25, of_25.low], [25, of_25.high]]))


def test_a_share_of_which_no_lineage_is_left_is_in_the_table_and_the_figure_without_a_value() -> None:
    found = budget(5, ended="half")[0]
    assert rows(found)[1] == ("half", "50 %", "–", "–", "–", "0.50", "0, 5 ended")
    figure(found).savefig(io.BytesIO(), format="png")


def test_the_note_gives_the_range_of_lineages() -> None:
    assert figure(budget(5)[0]).get_supxlabel().startswith("n = 5 lineages, generation 1;")
    assert figure(budget(5, ended="half", of=1)[0]).get_supxlabel().startswith("n = 4–5 lineages, generation 1;")


@pytest.mark.parametrize("others", [(), (arm("most", 20, 80),)])
def test_of_a_single_share_no_curve_and_no_budget_is_drawn(others: tuple[ArmNotes, ...]) -> None:
    found, _ = budget(5, others=others)
    assert found.passed is not None
    costs = figure(found).axes[0]
    assert costs.get_title() == "what a share costs"
    assert len(costs.patches) == len(others)  # the budget's span
    assert len(costs.collections) == len(others)  # the curve's band


@pytest.mark.parametrize(("seeds", "says"), [(2, False), (3, True)])
def test_the_note_speaks_of_intervals_only_where_there_are_any(seeds: int, says: bool) -> None:
    assert ("95 % intervals" in figure(budget(seeds)[0]).get_supxlabel()) is says
