import math

from autophagy.analysis.verdict_html import verdict_html
from autophagy.archive.run_folder import Measure
from autophagy.core.generation import Record

MEASURE = Measure("diversity", {"kept": "higher"}, {}, {})


def test_a_notebook_gets_the_words_and_no_markup_of_ours_or_theirs() -> None:
    arm = "<img src=x onerror=alert(1)>\u202e"
    records = [
        Record(arm, s, g, "finished", "k", scores={"m.kept": 1 - 0.08 * g + 0.001 * ((3 * s + g) % 4)})
        for s in range(5)
        for g in range(11)
    ]
    page = verdict_html(records, {arm: {"m": MEASURE}})
    assert "<td>collapses</td>" in page
    assert "<td>worse from generation 1</td>" in page
    assert "&lt;img src=x onerror=alert(1)&gt;</td>" in page
    assert "<img" not in page


def test_lineages_that_are_not_in_the_test_are_told() -> None:
    ends = {(4, 10): math.nan, (3, 10): math.inf}
    records = [
        Record("a", s, g, "finished", "k", scores={"m.kept": ends.get((s, g), 1)}) for s in range(5) for g in range(11)
    ]
    assert "<td>3 of 5, 2 without a value</td>" in verdict_html(records, {"a": {"m": MEASURE}})


def test_nothing_measured_is_said() -> None:
    assert "Nothing to judge" in verdict_html([], {})
