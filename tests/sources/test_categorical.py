from __future__ import annotations

import numpy as np
import pytest

from autophagy.core.errors import ConfigError
from autophagy.core.seeds import Seed
from autophagy.sources.categorical import Categorical


@pytest.mark.parametrize(
    "source",
    [
        Categorical(symbols=7),
        Categorical(symbols=30, law="zipf", exponent=1.2),
        Categorical(probabilities=(0.5, 0.0, 0.2, 0.3)),
    ],
)
def test_symbols_come_as_often_as_they_should(source: Categorical) -> None:
    n, chances = 60_000, source.distribution()
    symbols = source.draw(n, Seed(("symbols",)))
    assert symbols.dtype == np.int64
    assert symbols.shape == (n,)
    counts = np.bincount(symbols, minlength=len(chances))
    assert len(counts) == len(chances)
    assert not counts[chances == 0].any()
    z = (counts - n * chances)[chances > 0] / np.sqrt(n * chances * (1 - chances))[chances > 0]
    assert np.abs(z).max() < 4


def test_zipf_halves_at_the_second_symbol() -> None:
    chances = Categorical(symbols=4, law="zipf").distribution()
    assert chances == pytest.approx(np.array([12, 6, 4, 3]) / 25)


@pytest.mark.parametrize("wrong", [(0.5, 0.4), (1.0, 1.0), (0.0,)])
def test_probabilities_must_sum_to_one(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="probabilities must sum to 1, but sum to"):
        Categorical(probabilities=wrong)
