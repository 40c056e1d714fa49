"""An order as good as random, that equal rows do not spoil."""

import numpy as np
import pytest

from autophagy.kernels.frechet import frechet
from autophagy.kernels.frechet_error import extrapolated
from autophagy.kernels.order import shuffled

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_it_is_an_order_of_all_rows(n: int) -> None:
    assert sorted(shuffled(RNG.integers(0, 3, (n, 2))).tolist()) == list(range(n))


def test_the_order_they_came_in_does_not_matter() -> None:
    rows = RNG.integers(0, 4, (200, 1)).astype(float)
    again = rows[RNG.permutation(200)]
    assert np.array_equal(rows[shuffled(rows)], again[shuffled(again)])


def test_equal_rows_are_spread_as_at_random() -> None:
    """Of 20 kinds in 1,000 rows, 50 in a row hold 18.5 kinds on average; if equal ones stood together, one or two."""
    rows = np.arange(1000).reshape(-1, 1) % 20 / 7
    ordered = rows[shuffled(rows)].reshape(20, 50)
    kinds = np.mean([len(np.unique(part)) for part in ordered])
    assert kinds == pytest.approx(20 * (1 - 0.95**50), abs=0.8)


def test_a_collapsed_set_is_extrapolated_to_its_own_distance() -> None:
    """Twenty images over and over: if equal rows stood together, a fifth of the rows would be a fifth of the images."""
    images = RNG.standard_normal((20, 4))
    found, plain = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        real, fake = rng.standard_normal((1000, 4)), images[rng.integers(0, 20, 1000)]
        found.append(extrapolated(fake[shuffled(fake)], real, [200, 400, 600, 800, 1000]))
        plain.append(frechet(fake, real))
    assert np.mean(found) == pytest.approx(np.mean(plain), abs=0.05)
