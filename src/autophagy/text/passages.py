"""Passages: what a document is cut into, and the beginning of each that serves as its prompt.

A passage is a slice of its document, letter for letter, and never crosses the border to another document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

Unit = Literal["words", "lines", "paragraphs", "documents"]
STRETCH, STRETCHES = 16, 50  # passages of a stretch, and how many stretches there should be at the least
_WORD = re.compile(r"\S+")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_ROUNDING = 1e-9  # 0.29 of 100 is 28.999999999999996


def cut(text: str, unit: Unit, length: int) -> list[str]:
    """The passages of a document, in its order and without blanks at either end; none is empty.

    Passages of `length` words (what stands between blanks) follow one another without overlap, and the words that are
    left over at the end are dropped. Paragraphs are divided by empty lines.
    """
    if unit == "words":
        spans = [match.span() for match in _WORD.finditer(text)]
        last = len(spans) - length + 1
        return [text[spans[i][0] : spans[i + length - 1][1]] for i in range(0, last, length)]
    pieces = {"lines": text.split("\n"), "paragraphs": _EMPTY_LINES.split(text)}.get(unit, [text])
    return [piece.strip() for piece in pieces if piece.strip()]


def counted(share: float, whole: int) -> int:
    """How many of `whole` words or tokens a share of them is, rounded down."""
    return math.floor(share * whole + _ROUNDING)


def divided(passage: str, share: float) -> tuple[str, str]:
    """The first share of a passage's words, and what follows them, both without blanks at their ends."""
    ends = [match.end() for match in _WORD.finditer(passage)]
    count = counted(share, len(ends))
    end = ends[count - 1] if count else 0
    return passage[:end], passage[end:].strip()


def blocks(tokens: Sequence[int] | np.ndarray, block: int) -> np.ndarray:
    """`(n, block)` int32: a document's tokens cut without overlap; what is left over at the end is dropped."""
    n = len(tokens) // block
    return np.asarray(tokens[: n * block], np.int32).reshape(n, block)


def held_out_stretches(n: int, share: float) -> np.ndarray:
    """`(n,)` bool: which passages of a lone document are held out.

    They go in stretches of sixteen neighbours (fewer where there are fewer than 800 passages), of which a share that
    is spread evenly over the document is held out.
    """
    stretch = np.arange(n) // max(1, min(STRETCH, n // STRETCHES))
    held: np.ndarray = np.floor((stretch + 1) * share + _ROUNDING) > np.floor(stretch * share + _ROUNDING)
    return held
