"""The kernel distance between features: KID, on any encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Whole
from autophagy.kernels.kid import Sums, kid, over_subsets, within
from autophagy.kernels.order import shuffled
from autophagy.kernels.rows import is_measurable, some

from ._features import encoded, misfit


@register("kid", version=2)  # 2: equal rows in different subsets
@dataclass(frozen=True)
class Kid(Metric):
    """The unbiased squared MMD of features under the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    Its expectation does not depend on n, and it is 0 for equal distributions, so
    it can be negative. `kid` uses all pairs; `se` is its standard error over
    fresh draws of samples and reference. With `subsets` it is the mean over
    random subsets instead, as torch-fidelity's and other packages' 100 × 1,000,
    and `subset_sd` their standard deviation, which is not a standard error.

    Attributes:
        encoder: which features.
        subsets: how many; 0 for all pairs at once.
        subset_size: rows of each, of samples and of reference.
        seed: of the subsets.
        limit: at most so many samples are read, and as many real ones.
    """

    takes = ("vectors", "images", "text")
    axis: ClassVar = "distance"
    better: ClassVar = {"kid": "lower"}
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    subsets: Whole = 0
    subset_size: Count = 1000
    seed: Whole = 0
    limit: Count = 10_000

    @property
    def fewest(self) -> int:
        return self.subset_size if self.subsets else 2

    def most_rows(self, n: int, m: int) -> int:
        return 0 if self.subsets else super().most_rows(n, m)

    def objection(self, source: Source, model: Model) -> str | None:
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        fake, real = (some(rows, self.limit) for rows in encoded(self.name, generation, self.encoder))
        if self.subsets:
            value, spread = over_subsets(fake, real, self._subsets(fake, real))
            return {"kid": value, "subset_sd": spread}
        found = kid(fake, real, self._within(generation, real))
        return {"kid": found.value, "se": found.error}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        n, m = len(generation.samples), len(generation.reference)
        drawn = {"subset_size": self.subset_size, "seed": self.seed} if self.subsets else {}
        return {
            "n": min(n, self.limit),
            "n_reference": min(m, self.limit),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "subsets": self.subsets,
            **drawn,
        }

    def _within(self, generation: Generation, real: np.ndarray) -> Sums | None:
        if not is_measurable(real):
            return None

        def packed() -> np.ndarray:
            found = within(real)
            return np.append(found.rows, found.squares)

        what = ("kid", part_key(self.encoder), self.limit)
        kept = generation.features.remembered(what, (generation.reference,), packed)
        return Sums(kept[:-1], kept[:-1], float(kept[-1]), len(real) * (len(real) - 1))

    def _subsets(self, fake: np.ndarray, real: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of the subsets, the same ones in whatever order the rows come."""
        rng = Seed(("metrics", "kid", self.seed)).numpy()
        orders = shuffled(fake), shuffled(real)
        size = min(self.subset_size, *map(len, orders))
        for _ in range(self.subsets):
            one, other = (order[rng.choice(len(order), size, replace=False)] for order in orders)
            yield one, other
