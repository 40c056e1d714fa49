"""One category of another source's images, and nothing else of it."""

from __future__ import annotations

import numpy as np
import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError, DataError
from autophagy.sources.mnist import Mnist
from autophagy.sources.subset import Subset


def test_it_keeps_the_rows_of_its_classes_in_their_order() -> None:
    whole, some = Mnist(), Subset(Mnist(), (3, 8))
    for split in ("train", "heldout"):
        rows = [i for i, label in enumerate(whole.conditions(split).tolist()) if label in (3, 8)]
        assert some.size(split) == len(rows)
        assert np.array_equal(some.conditions(split), whole.conditions(split)[rows])
        assert np.array_equal(some.load(split), whole.load(split)[rows])


def test_it_is_read_from_a_table_with_captions() -> None:
    inner = {"use": "digits", "caption": "the digit {label}"}
    some = build("source", {"use": "subset", "source": inner, "classes": ["the digit 7"]})
    assert set(some.conditions("train").tolist()) == {"the digit 7"}
    assert some.content() == some.source.content()


def test_what_it_cannot_give_is_a_sentence() -> None:
    with pytest.raises(DataError, match="'mnist' has no class 12 in 'train'; it has 0, 1, 2, 3"):
        Subset(Mnist(), (12,)).size("train")
    with pytest.raises(ConfigError, match="at least one class"):
        Subset(Mnist(), ())
    with pytest.raises(ConfigError, match="never runs dry"):
        build("source", {"use": "subset", "source": "normal", "classes": [1]})
