from __future__ import annotations

import pytest

from autophagy.core.errors import ConfigError
from autophagy.sources.normal import Normal


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"dim": 2, "mean": (1.0,)}, "mean must have dim = 2 numbers, but has 1"),
        ({"dim": 2, "covariance": ((1.0, 0.0),)}, "covariance must be 2 rows of 2 numbers, but is 1 rows of 2"),
        ({"dim": 2, "covariance": ((1.0,), (1.0, 2.0))}, "but is 2 rows of 1 or 2 numbers"),
        ({"dim": 2, "covariance": ((1.0, 0.5), (0.4, 1.0))}, "symmetric"),
        ({"dim": 2, "covariance": ((1.0, 2.0), (2.0, 1.0))}, "positive semi-definite, but has the eigenvalue -1"),
        ({"dim": 2, "covariance": ((1e300, 2e300), (2e300, 1e300))}, "positive semi-definite"),
        ({"dim": 10**6}, "dim must be at least 1 and at most 4096"),
    ],
)
def test_impossible_settings_are_refused_in_one_sentence(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Normal(**settings)  # type: ignore[arg-type]


def test_a_covariance_of_zeros_is_allowed() -> None:
    assert not Normal(dim=2, covariance=((0.0, 0.0), (0.0, 0.0))).moments()[1].any()
