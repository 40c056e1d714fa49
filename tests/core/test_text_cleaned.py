from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autophagy.core.text import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain λ 東京 🙂", "plain λ 東京 🙂"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("one\ntwo\tthree\r\u2028four", "one two three  four"),
        ("safe\u202etxt.exe", "safetxt.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("\x9b2J", "2J"),
    ],
)
def test_what_could_move_a_cursor_or_hide_is_dropped(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_can_be_printed_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in cleaned)
    cleaned.encode()
