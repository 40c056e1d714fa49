"""Numbers of single samples, which some metrics leave beside those of a generation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .store import Store
from .strict_json import lengthened


def of_each(store: Store, keys: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Numbers `(n,)` by "metric.value", out of scores by metric; a score that is gone, or has none, gives none."""
    kept = {metric: store.scores(key).get("each", {}) for metric, key in keys.items() if store.holds(key)}
    return {
        f"{metric}.{name}": np.array(lengthened(row)) for metric, rows in kept.items() for name, row in rows.items()
    }
