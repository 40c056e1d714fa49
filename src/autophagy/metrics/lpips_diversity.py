"""How different samples look from one another: LPIPS over all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from autophagy.core.catalog import build, register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import Count, Range
from autophagy.kernels.perceptual import Diversity, diversity
from autophagy.kernels.rows import blocks, some

from ._alike import check_alike
from ._ratios import match

# There is no encoder to choose, so that the name always means LPIPS; raise the version where encoder `lpips` does.
ROOM = 2**28  # bytes of features that are kept; of more than that, images are encoded twice
TOGETHER = 32  # images encoded at a time

Blocks = Callable[[], Iterable[np.ndarray]]


@register("lpips-diversity", version=2)  # 2: by class, the ratio is over classes that both sides have
@dataclass(frozen=True)
class LpipsDiversity(Metric):
    """Mean LPIPS over all unordered pairs of samples (Zhang et al. 2018), with its standard error over samples.

    `ratio` is that of the samples over that of held-out real data: 1 where
    nothing is lost, towards 0 where all images become one. `match` is
    min(r, 1/r) of it and what is judged, since noise is more diverse than any
    images. No pair is looked at; every image passes the network once, or twice
    where their features do not fit into 256 MB.

    Attributes:
        smallest: images whose shorter side has fewer pixels are enlarged to it, as encoder `lpips` does.
        by_class: only pairs of one class or caption, averaged over the classes that have a pair (intra-class LPIPS);
            the ratio is over those that have one on both sides.
        limit: at most so many samples, and as many real ones, are read.
    """

    takes = ("images",)
    axis: ClassVar = "diversity"
    better: ClassVar = {"match": "higher"}
    smallest: Annotated[int, Range(31, 1024)] = 64
    by_class: bool = False
    limit: Count = 1000

    def objection(self, source: Source, model: Model) -> str | None:
        if self.by_class and (source.conditions("train") is None or not model.conditional):
            return (
                f"metric '{self.name}' with by_class = true needs classes or captions, but source '{source.name}' or "
                f"model '{model.name}' has none; leave by_class out."
            )
        return None

    @property
    def fewest(self) -> int:
        return 2

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.reference)
        found, reference = self._of_groups(generation.samples), generation.reference
        usual = generation.features.remembered(
            ("lpips-diversity", part_key(self)), (reference,), lambda: _means(self._of_groups(reference))
        )
        real = dict(zip(self._groups(reference), usual.tolist(), strict=True))
        own = [one for one in found.values() if one.n > 1]
        both = [name for name, one in found.items() if one.n > 1 and np.isfinite(real.get(name, np.nan))]
        among_real = sum(real[name] for name in both)
        ratio = sum(found[name].mean for name in both) / among_real if among_real > 0 else float("nan")
        return {
            "mean": float(np.mean([one.mean for one in own])) if own else float("nan"),
            "mean_se": _error(own) if own else float("nan"),
            "ratio": ratio,
            "match": match(ratio),
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": min(len(generation.samples), self.limit),
            "n_reference": min(len(generation.reference), self.limit),
            "encoder": "lpips",
            "encoder_key": part_key(self._encoder()),
            "mean_se_by": "jackknife over samples",
        }

    def _encoder(self) -> Encoder:
        found: Encoder = build("encoder", {"use": "lpips", "smallest": self.smallest})
        return found

    def _of_groups(self, pool: Pool) -> dict[object, Diversity]:
        encoder = self._encoder()
        return {name: diversity(_encoded(encoder, pool.samples[rows])) for name, rows in self._groups(pool).items()}

    def _groups(self, pool: Pool) -> dict[object, np.ndarray]:
        """The rows that are paired with one another: all of them, or by class those of each."""
        rows = some(np.arange(len(pool)), self.limit)
        if not self.by_class:
            return {None: rows}
        if pool.condition is None:
            raise DataError(f"metric '{self.name}' with by_class = true needs classes or captions, but got none.")
        names = pool.condition[rows]
        return {name: rows[names == name] for name in np.unique(names).tolist()}


def _encoded(encoder: Encoder, samples: np.ndarray) -> Blocks:
    """A way to read the features as often as one likes, from memory where there is room for them."""

    def stream() -> Iterable[np.ndarray]:
        return (encoder.encode(samples[part]) for part in blocks(len(samples), TOGETHER))

    if len(samples) * encoder.encode(samples[:1]).nbytes > ROOM:
        return stream
    kept = list(stream())
    return lambda: kept


def _means(found: Mapping[object, Diversity]) -> np.ndarray:
    """`(k,)` means over the pairs of each group; NaN where there is none."""
    return np.array([one.mean if one.n > 1 else np.nan for one in found.values()])


def _error(found: list[Diversity]) -> float:
    """Of a mean over classes that are drawn apart from one another."""
    return float(np.sqrt(np.sum([one.error**2 for one in found])) / len(found))
