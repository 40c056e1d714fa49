from __future__ import annotations

import numpy as np
import pytest

from autophagy.core.errors import ConfigError
from autophagy.core.seeds import Seed
from autophagy.sources.gaussian_mixture import GaussianMixture


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"means": ()}, "means must be rows of the same number of coordinates, but is empty"),
        ({"means": ((),)}, "but is rows of 0 numbers"),
        ({"means": ((1.0,), (1.0, 2.0))}, "but is rows of 1 and 2 numbers"),
        ({"weights": (1.0,)}, "weights must have one entry for each of 2 means, not 1"),
        ({"weights": (1.0, 0.0)}, "weights.* must be above 0"),
        ({"covariances": (((1.0,),), ((1.0,),))}, r"covariances\[0\] must be 2 rows of 2 numbers"),
    ],
)
def test_impossible_settings_are_refused_in_one_sentence(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        GaussianMixture(**settings)  # type: ignore[arg-type]


def test_only_the_ratios_of_weights_matter() -> None:
    small, huge = (GaussianMixture(weights=(w, 3 * w)).draw(500, Seed(("w",))) for w in (0.25, 5e307))
    assert np.array_equal(small, huge)


def test_spread_is_that_of_the_widest_axis() -> None:
    tilted = ((2.0, 1.0), (1.0, 2.0))  # eigenvalues 1 and 3
    narrow = ((0.5, 0.0), (0.0, 0.5))
    assert GaussianMixture(covariances=(narrow, tilted)).spread() == pytest.approx(np.sqrt(3))
