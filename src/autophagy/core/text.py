"""Text from outside, made fit to be printed in a terminal, a page or a figure."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # invisible too, but Persian, Hindi and emoji are misspelt without them
_DROPPED = ("Cc", "Cf", "Co", "Cn")  # controls, bidirectional overrides and other invisible ones, private, unassigned


def clean(text: str) -> str:
    """Returns `text` on one line, without control, bidirectional or invisible characters.

    Line breaks and tabs become spaces, half a surrogate pair becomes �. This
    does not escape: a page or a terminal's markup still needs its own.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_cleaned(character) for character in text)


def _cleaned(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if character in "\t\n\r\x0b\x0c\x85" or category in ("Zl", "Zp"):
        return " "
    return "" if category in _DROPPED and character not in _JOINERS else character
