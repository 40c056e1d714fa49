"""Cutting documents into passages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autophagy.text.passages import blocks, counted, cut, divided, held_out_stretches

POEM = "Full fathom five\n thy father lies;\n\n\tOf his bones\n \nare coral made. "


def test_words_follow_one_another_letter_for_letter_and_what_is_left_over_is_dropped() -> None:
    assert cut(POEM, "words", 4) == ["Full fathom five\n thy", "father lies;\n\n\tOf his", "bones\n \nare coral made."]
    assert cut(POEM, "words", 5) == ["Full fathom five\n thy father", "lies;\n\n\tOf his bones\n \nare"]
    assert cut(POEM, "words", 13) == []


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("lines", ["Full fathom five", "thy father lies;", "Of his bones", "are coral made."]),
        ("paragraphs", ["Full fathom five\n thy father lies;", "Of his bones", "are coral made."]),
        ("documents", ["Full fathom five\n thy father lies;\n\n\tOf his bones\n \nare coral made."]),
    ],
)
def test_the_other_units_are_where_lines_end(unit, expected) -> None:
    assert cut(POEM, unit, 3) == expected
    assert cut(" \n\n ", unit, 3) == []


@given(st.text(alphabet="ab \n\té—", max_size=80), st.integers(1, 5))
def test_passages_of_words_lose_nothing_but_the_end(text: str, length: int) -> None:
    words = text.split()
    passages = cut(text, "words", length)
    assert [word for passage in passages for word in passage.split()] == words[: len(words) // length * length]
    assert all(passage in text and len(passage.split()) == length for passage in passages)


@given(st.text(alphabet="ab \n", min_size=1, max_size=60), st.floats(0, 1))
def test_a_prompt_is_the_first_words_rounded_down(text: str, share: float) -> None:
    prompt, rest = divided(text.strip(), share)
    words = text.split()
    assert prompt.split() == words[: counted(share, len(words))]
    assert prompt.split() + rest.split() == words
    assert text.strip().startswith(prompt)


def test_a_share_is_not_rounded_down_twice() -> None:
    assert [counted(0.29, 100), counted(0.5, 3), counted(1, 7), counted(0, 7)] == [29, 1, 7, 0]


def test_tokens_are_cut_without_overlap() -> None:
    assert blocks(range(11), 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert blocks([1, 2], 4).shape == (0, 4)


@pytest.mark.parametrize("n", [40, 100, 799, 5000])
def test_stretches_are_a_fixed_share_spread_over_the_whole(n: int) -> None:
    held = held_out_stretches(n, 0.2)
    assert abs(held.mean() - 0.2) < 0.03
    stretch = max(1, min(16, n // 50))
    assert np.diff(np.flatnonzero(np.diff(held.astype(int)))).min() >= stretch  # neighbours stay together
    for part in np.array_split(held, 4):
        assert abs(part.mean() - 0.2) < 0.12
