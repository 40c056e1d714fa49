"""Texts as rows of units."""

from __future__ import annotations

import numpy as np
import pytest

from autophagy.text.units import Unit, numbered, types_of


@pytest.mark.parametrize(("unit", "n"), [("word", 5), ("character", 9)])
def test_a_zero_inside_a_text_loses_no_unit(unit: Unit, n: int) -> None:
    texts = np.array(["ab\0 c", "ab\0d c"])
    types = types_of(texts, unit)
    rows = numbered(texts, types, unit)
    assert (rows.ids >= 0).all()
    assert rows.lengths.sum() == len(rows.ids) == n
