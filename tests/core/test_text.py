import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from autophagy.core.text import clean


def test_what_could_fool_a_terminal_or_a_reader_is_gone() -> None:
    assert clean("a\x1b[31mred\x1b]0;title\x07 \u202egnp.exe\u2066\u200b\x00\x9b") == "a[31mred]0;title gnp.exe"
    assert clean("one\ntwo\tthree\u2028four") == "one two three four"
    assert clean("\ud800") == "\ufffd"


def test_scripts_that_need_joiners_keep_them() -> None:
    assert clean("می\u200cخواهم 👩\u200d🔬 naïve 数") == "می\u200cخواهم 👩\u200d🔬 naïve 数"


@given(st.text())
def test_any_text_becomes_one_line_that_can_be_encoded(text: str) -> None:
    found = clean(text)
    found.encode()
    assert not {unicodedata.category(c) for c in found} & {"Cc", "Cs", "Zl", "Zp"}
    assert clean(found) == found
