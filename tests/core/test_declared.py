"""What a metric says of itself is checked when it is made: a misspelt direction would turn its verdicts round."""

from __future__ import annotations

from typing import Any

import pytest

from autophagy.core.catalog import build
from autophagy.core.errors import ConfigError
from autophagy.core.parts import Metric
from autophagy.metrics.frechet import Frechet


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"better": {"x": "Higher"}}, r"better\['x'\] must be one of higher, lower, but is 'Higher'"),
        ({"axis": "prettiness"}, "axis must be one of distance, diversity, quality, task, but is 'prettiness'"),
        ({"axes": {"x": "speed"}}, r"axes\['x'\] must be one of"),
        ({"reads": ("sampel",)}, "reads must be one of .* but is 'sampel'"),
    ],
)
def test_a_misspelt_word_is_told(said: dict[str, Any], told: str) -> None:
    made = type("Odd", (Metric,), {"name": "odd", "measure": lambda self, generation: {"x": 1.0}, **said})
    with pytest.raises(ConfigError, match=told):
        made()


def test_what_ours_say_is_known() -> None:
    assert build("metric", "frechet") == Frechet()
