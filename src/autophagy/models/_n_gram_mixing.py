"""How much each order says of the next unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._n_gram_counts import UNSEEN, Table


@dataclass(frozen=True)
class Smoothing:
    """A unit's probability as a mixture of its relative frequencies after contexts of 0, 1, … units, and of 1/v.

    Attributes:
        kind: "none", "add-k" or "interpolated".
        k: of add-k.
        weights: of interpolation for each order (Jelinek and Mercer), or none for Witten and Bell's.
    """

    kind: str
    k: float = 1.0
    weights: tuple[float, ...] = ()

    def shares(self, tables: tuple[Table, ...], known: np.ndarray, outcomes: int) -> np.ndarray:
        """Returns `(n, 1 + order)`, each row summing to 1: of equal chances, then of contexts of 0, 1, … units.

        `known` `(n, order)` are the numbers of these contexts.
        """
        found = np.zeros((len(known), 1 + len(tables)))
        if self.kind == "none":
            deepest = (known != UNSEEN).sum(1)
            found[np.arange(len(known)), deepest] = 1.0
        elif self.kind == "add-k":
            seen = _of(tables[-1].totals, known[:, -1])
            found[:, -1] = seen / (seen + self.k * outcomes)
            found[:, 0] = 1 - found[:, -1]
        else:
            left = np.ones(len(known))
            for m in range(len(tables), 0, -1):
                weight = self._weight(tables[m - 1], known[:, m - 1], m)
                found[:, m] = left * weight
                left = left * (1 - weight)
            found[:, 0] = left
        return found

    def _weight(self, table: Table, context: np.ndarray, order: int) -> np.ndarray:
        """`(n,)` of the relative frequencies after these contexts; 0 where a context was not seen."""
        if self.weights:
            return np.where(context == UNSEEN, 0.0, self.weights[order - 1])
        seen = _of(table.totals, context)
        return seen / np.maximum(seen + _of(table.kinds, context), 1)


def _of(numbers: np.ndarray, context: np.ndarray) -> np.ndarray:
    """`(n,)` a context's number; 0 where it was not seen."""
    return np.where(context == UNSEEN, 0, numbers[context])
