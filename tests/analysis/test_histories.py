from __future__ import annotations

from autophagy.analysis.histories import Branch, branches
from autophagy.core.generation import Record


def lineage(arm: str, keys: str, seed: int = 0) -> list[Record]:
    """Records whose samples' keys are the letters of `keys`, by generation; a space for one that diverged."""
    return [
        Record(arm, seed, g, "diverged" if key == " " else "finished", "done", pools={"samples": key.strip()})
        for g, key in enumerate(keys)
    ]


def test_the_arm_that_goes_on_for_longer_is_the_branch_wherever_it_stands() -> None:
    records = [*lineage("healed", "abcdefgh"), *lineage("quarter", "abcd")]
    expected = {"healed": Branch("healed", "quarter", 3)}
    assert branches(records, ["healed", "quarter"]) == branches(records, ["quarter", "healed"]) == expected


def test_of_arms_that_end_together_the_later_one_is_the_branch() -> None:
    records = [*lineage("a", "abcd"), *lineage("b", "abxy")]
    assert branches(records, ["a", "b"]) == {"b": Branch("b", "a", 1)}


def test_a_shared_founder_is_no_history_and_neither_is_a_meeting_later_on() -> None:
    records = [*lineage("a", "abcd"), *lineage("b", "axcd"), *lineage("c", "xbcde")]
    assert branches(records, ["a", "b", "c"]) == {}


def test_arms_that_never_part_are_no_branches() -> None:
    assert branches([*lineage("a", "abc"), *lineage("b", "abc")], ["a", "b"]) == {}


def test_a_branch_is_where_every_seed_still_goes_along() -> None:
    records = [*lineage("a", "abcd"), *lineage("b", "abcdef")]
    records += [*lineage("a", "ABCD", seed=1), *lineage("b", "ABxxxx", seed=1)]
    assert branches(records, ["a", "b"]) == {"b": Branch("b", "a", 1)}


def test_a_branch_goes_on_from_the_arm_it_has_most_in_common_with() -> None:
    records = [*lineage("a", "abcd"), *lineage("b", "abcxy"), *lineage("c", "abcxyz")]
    found = branches(records, ["a", "b", "c"])
    assert found == {"b": Branch("b", "a", 2), "c": Branch("c", "b", 4)}


def test_records_that_name_no_samples_and_diverged_ones_are_left_out() -> None:
    bare = [Record("x", 0, g, "finished", "k") for g in range(3)]
    records = [*bare, *lineage("a", "abc"), *lineage("b", "ab def")]
    assert branches(records, ["x", "a", "b"]) == {"b": Branch("b", "a", 1)}
