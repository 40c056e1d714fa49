"""Two sets of rows as the engine's metrics see them: a generation of samples beside real data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autophagy.core.errors import AutophagyError, DataError, is_out_of_memory
from autophagy.core.features import Features
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Source
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.seeds import Seed
from autophagy.kernels.rows import some

from .subjects import said

BLOCKS = 10  # of the jackknife
NOTHING = "has no value here: too few rows, none that its settings leave, no classes to go by, or numbers too large"


class Ready(Features):
    """For pools whose samples are features already: their encoder gives them back."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._encoder = encoder

    def of(self, encoder: Encoder, pool: Pool, *, reference: Pool) -> np.ndarray:
        if part_key(encoder) != part_key(self._encoder):
            raise DataError(f"it reads features of '{encoder.name}', but these are of '{self._encoder.name}'")
        return pool.samples


@dataclass(frozen=True)
class Measured:
    """What a metric said, and what that stands on."""

    values: Mapping[str, float]
    identity: Mapping[str, str | int | float]


@dataclass(frozen=True)
class Comparison:
    """Real rows `(m, …)` and fake rows `(n, …)`: features, or images for metrics that must see them.

    Metrics that hold samples against a training set and against new real data
    are given two random halves of the real rows for these. All else is held
    against all real rows.

    Attributes:
        training: `(m,)` bool, the first of these halves.
        control: `(m,)` bool, the second; of a thinned comparison, what is left of it.
        reference: `(m,)` bool, all real rows; of a thinned comparison, what is left of them.
        features: makes the features' cache of a comparison.
        seed: of the halves and the jackknife's blocks.
    """

    real: np.ndarray
    fake: np.ndarray
    training: np.ndarray
    control: np.ndarray
    reference: np.ndarray
    source: Source
    features: Callable[[], Features]
    seed: Seed

    @classmethod
    def of(
        cls, real: np.ndarray, fake: np.ndarray, source: Source, features: Callable[[], Features], seed: Seed
    ) -> Comparison:
        training = seed.child("halves").numpy().permutation(len(real)) < len(real) // 2
        return cls(real, fake, training, ~training, np.ones(len(real), bool), source, features, seed)

    def measured(self, metrics: Sequence[Metric]) -> list[Measured | str]:
        """Every metric's numbers, or why it has none; work that several share is done once."""
        generation = self._generation()
        return [self._measured(metric, generation) for metric in metrics]

    def floor(self) -> Comparison | None:
        """Real rows against other real rows, as many of each side as there are; None where they are too few."""
        samples = min(len(self.fake), len(self.real) // 2)
        rows = self.seed.child("floor").numpy().permutation(len(self.real))
        fake, real = np.sort(rows[:samples]), np.sort(rows[samples:])
        if samples < 2:
            return None
        return Comparison.of(self.real[real], self.real[fake], self.source, self.features, self.seed)

    def thinned(self, limit: int) -> Comparison:
        """At most so many rows of each set, of what samples may copy all: what a metric with this limit reads."""
        fake = some(np.arange(len(self.fake)), limit)
        control, reference = _thinned(self.control, limit), _thinned(self.reference, limit)
        return replace(self._take(np.arange(len(self.real)), fake), control=control, reference=reference)

    def without_blocks(self) -> Iterator[Comparison]:
        """This comparison without each of ten random blocks of both sets; none where there are too few rows."""
        if min(self.reference.sum(), len(self.fake)) < 2 * BLOCKS:
            return
        uses = self.training + 2 * self.control + 4 * self.reference
        real = parts(-uses, self.seed.child("blocks", "real"))
        fake = parts(np.zeros(len(self.fake)), self.seed.child("blocks", "fake"))
        for block in range(BLOCKS):
            yield self._take(np.flatnonzero(real != block), np.flatnonzero(fake != block))

    def _take(self, real: np.ndarray, fake: np.ndarray) -> Comparison:
        if len(real) == len(self.real) and len(fake) == len(self.fake):
            return self
        sides = {"training": self.training, "control": self.control, "reference": self.reference}
        left = {name: rows[real] for name, rows in sides.items()}
        return replace(self, real=self.real[real], fake=self.fake[fake], **left)

    def _measured(self, metric: Metric, generation: Generation) -> Measured | str:
        if min(len(self.real), len(self.fake)) < metric.fewest:
            return f"needs at least {metric.fewest:,} on each side"
        try:
            values = {name: float(value) for name, value in metric.measure(generation).items()}
            if values and not any(map(math.isfinite, values.values())):
                return NOTHING
            return Measured(values, metric.identity(generation))
        except AutophagyError as problem:
            return said(problem)
        except (MemoryError, RuntimeError) as problem:  # torch's is the latter
            if not is_out_of_memory(problem):
                raise
            return "needs more memory than there is; choose smaller settings or sets (--limit)"

    def _generation(self) -> Generation:
        return Generation(
            number=0,
            samples=_pool("fake", self.fake),
            real=_pool("training", self.real[self.training]),
            reference=_pool("real", self.real if self.reference.all() else self.real[self.reference]),
            control=_pool("control", self.real[self.control]),
            source=self.source,
            features=self.features(),
        )


def _pool(name: str, rows: np.ndarray) -> Pool:
    return Pool.born(rows, Origin(name, REAL_DATA))


def _thinned(chosen: np.ndarray, limit: int) -> np.ndarray:
    """`(m,)` bool: at most so many of the chosen rows."""
    left = np.zeros(len(chosen), bool)
    left[some(np.flatnonzero(chosen), limit)] = True
    return left


def parts(uses: np.ndarray, seed: Seed) -> np.ndarray:
    """`(n,)` random blocks 0 … 9, as equal in size as can be in rows of every use alike."""
    found = np.empty(len(uses), np.int64)
    found[np.lexsort((seed.numpy().random(len(uses)), uses))] = np.arange(len(uses)) % BLOCKS
    return found
