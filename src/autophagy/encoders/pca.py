"""The main directions in which held-out real data varies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.parts import Encoder
from autophagy.core.pool import Pool
from autophagy.core.settings import Count

from ._blocks import blas, in_blocks
from ._flat import flat

WHO = "encoder 'pca'"
BLOCK = 256


@register("pca")
@dataclass(frozen=True)
class Pca(Encoder):
    """Coordinates along the principal components of the reference, largest variance first, unscaled.

    It is fitted by `prepared`, in float64. A component points so that its entry
    of largest magnitude is positive, hence the same data gives the same signs.

    Attributes:
        components: how many directions; fewer than the reference has samples.
    """

    takes = ("vectors", "images")
    components: Count = 50

    @property
    def fewest(self) -> int:
        """One row more than directions, for their mean takes one."""
        return self.components + 1

    def prepared(self, reference: Pool) -> FittedPca:
        """Raises DataError if the reference does not vary in `components` directions."""
        x = flat(reference.samples, WHO).astype(np.float64)  # (n, d)
        mean = x.mean(0) if len(x) else np.zeros(x.shape[1])
        with blas().limit(limits=1, user_api="blas"):
            values, basis = _principal(x - mean)  # (r,), (d, r) with r = min(n, d)
        rank = int((values > values.max(initial=0) * max(x.shape) * np.finfo(np.float64).eps).sum())
        if rank < self.components:
            raise DataError(
                f"{WHO} cannot fit components = {self.components}: the {len(x)} reference samples of {x.shape[1]} "
                f"numbers vary in {rank} directions; ask for fewer or give more held-out data."
            )
        basis = basis[:, : self.components]
        largest = np.take_along_axis(basis, np.abs(basis).argmax(0)[None], 0)  # (1, k)
        return FittedPca(mean, np.ascontiguousarray(basis * np.sign(largest)))

    def encode(self, samples: np.ndarray) -> np.ndarray:
        raise DataError(f"{WHO} has not been fitted; use prepared(reference).encode(samples).")


@dataclass(frozen=True, eq=False)
class FittedPca(Encoder):
    """What `Pca.prepared` returns: `(x − mean) @ basis`."""

    name: ClassVar[str] = "pca"
    takes = ("vectors", "images")
    mean: np.ndarray  # (d,) float64
    basis: np.ndarray  # (d, k) float64, orthonormal columns

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, k)` float32. Raises DataError for samples of another size than the reference's."""
        x = flat(samples, WHO)
        d, k = self.basis.shape
        if x.shape[1] != d:
            raise DataError(
                f"{WHO} was fitted on samples of {d} numbers, but got samples of {x.shape[1]}; "
                "give it samples of the reference's shape."
            )
        return in_blocks(x, BLOCK, k, lambda rows: (rows - self.mean) @ self.basis)


def _principal(gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances `(r,)`, falling, and their directions `(d, r)` for centred rows; by the smaller Gram matrix."""
    n, d = gap.shape
    if d <= n:
        values, vectors = np.linalg.eigh(gap.T @ gap)
        return values[::-1], vectors[:, ::-1]
    values, vectors = np.linalg.eigh(gap @ gap.T)
    directions = gap.T @ vectors[:, ::-1]  # (d, n), their lengths are the singular values
    lengths = np.linalg.norm(directions, axis=0)
    return values[::-1], directions / np.where(lengths > 0, lengths, 1)
