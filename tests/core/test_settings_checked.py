"""Settings are what their types say, or a sentence that names them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autophagy.core.errors import ConfigError
from autophagy.core.settings import (
    Count,
    Fraction,
    Positive,
    Range,
    Share,
    Whole,
    check,
    described,
    fitted,
    hints,
    shown,
)


@dataclass(frozen=True)
class Example:
    """One field of every kind."""

    count: Count = 1
    share: Share = 1.0
    name: str = "x"
    flag: bool = False
    mode: Literal["fast", "slow"] = "fast"
    maybe: Count | None = None
    either: Literal["all"] | Count = "all"
    row: tuple[float, ...] = ()
    pair: tuple[int, str] = (1, "a")
    table: Mapping[str, Fraction] = field(default_factory=dict)
    bounded: Annotated[float, Range(-1, 1)] = 0.0

    def __post_init__(self) -> None:
        check(self)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count must be at least 1, but is 0."),
        ({"count": 1.0}, "count must be a whole number, but is 1.0."),
        ({"count": True}, "count must be a whole number, but is True."),
        ({"count": 2**63}, "count must fit in 64 bits, but is 9223372036854775808."),
        ({"share": 0}, "share must be above 0 and at most 1, but is 0.0."),
        ({"share": math.nan}, "share must be a finite number, but is nan."),
        ({"share": 10**400}, "share must be a finite number, but is inf."),
        ({"share": "half"}, "share must be a number, but is 'half'."),
        ({"name": 3}, "name must be a text, but is 3."),
        ({"flag": 1}, "flag must be true or false, but is 1."),
        ({"mode": "fsat"}, "mode must be one of fast, slow, but is 'fsat'. Did you mean 'fast'?"),
        ({"mode": 1}, "mode must be one of fast, slow, but is 1."),
        ({"maybe": 0}, "maybe must be at least 1, but is 0."),
        ({"either": "some"}, "either must be one of all or a whole number at least 1, but is 'some'."),
        ({"row": 1.0}, "row must be a list, but is 1.0."),
        ({"row": [1, "2"]}, "row[1] must be a number, but is '2'."),
        ({"pair": [1]}, "pair must have 2 entries, but has 1."),
        ({"pair": [1, 2]}, "pair[1] must be a text, but is 2."),
        ({"table": []}, "table must be a table, but is []."),
        ({"table": {"a": 2}}, "table.a must be at least 0 and at most 1, but is 2.0."),
        ({"bounded": -1.5}, "bounded must be at least -1 and at most 1, but is -1.5."),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Example(**settings)
    assert str(caught.value) == message


def test_settings_take_the_shape_their_types_ask_for() -> None:
    found = Example(share=1, row=[1, 2], pair=[3, "b"], table={"a": 1}, either=4, maybe=None)  # type: ignore[arg-type]
    assert (found.share, found.row, found.pair, found.table, found.either) == (1.0, (1.0, 2.0), (3, "b"), {"a": 1.0}, 4)
    assert [type(x) for x in (found.share, found.row[0], found.table["a"])] == [float] * 3


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@example(name="table", value={"\xa0": {}})
@given(name=st.sampled_from(list(hints(Example))), value=ANY)
def test_any_value_fits_or_is_refused_by_name(name: str, value: Any) -> None:
    problem, found = "", None
    try:
        found = getattr(Example(**{name: value}), name)
    except ConfigError as error:
        problem = str(error)
    if problem:
        assert problem.startswith(name)
        assert problem.isprintable()
    else:
        assert fitted(found, hints(Example)[name], name) == found  # and stays as it is when checked again


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Count, "a whole number at least 1"),
        (Positive, "a number above 0"),
        (Whole, "a whole number at least 0"),
        (Fraction, "a number at least 0 and at most 1"),
        (tuple[int, ...], "a list"),
        (Mapping[str, int], "a table"),
        (Literal["a", "b"], "one of a, b"),
        (int | None, "a whole number or absent"),
        (bool, "true or false"),
        (Example, "a example"),
    ],
)
def test_types_are_described_in_words(hint: Any, words: str) -> None:
    assert described(hint) == words


def test_values_are_shown_short_and_on_one_line() -> None:
    assert shown("a\nb\x1b[2J") == "'a\\nb\\x1b[2J'"
    assert len(shown("x" * 500)) == 60
    assert shown("x" * 500).endswith("…")


@pytest.mark.parametrize(("limits", "words"), [(Range(), ""), (Range(2), "at least 2"), (Range(high=3), "at most 3")])
def test_ranges_are_told_in_words(limits: Range, words: str) -> None:
    assert str(limits) == words
    assert limits.holds(2.5) is True
