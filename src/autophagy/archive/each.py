"""Numbers of single samples, which some metrics leave beside those of a generation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .store import Store
from .strict_json import lengthened


def of_each(store: Store, of: str, keys: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Numbers `(n,)` by "metric.value" of the samples under the key `of`, out of scores by metric.

    A score that is gone, or has none, gives none.
    """
    scores = store.scores(of)
    kept = {metric: scores[key].get("each", {}) for metric, key in keys.items() if key in scores}
    return {
        f"{metric}.{name}": np.array(lengthened(row)) for metric, rows in kept.items() for name, row in rows.items()
    }
