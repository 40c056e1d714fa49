"""Diversity within each class: a collapse can keep every class and lose what differs inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Classifier, Encoder, Metric, Model, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import Range
from autophagy.kernels.pairwise import spread
from autophagy.kernels.rows import is_measurable, some

from ._features import encoded, misfit
from ._ratios import match

Pairable = Annotated[int, Range(2)]


@register("intra-class-diversity")
@dataclass(frozen=True)
class IntraClassDiversity(Metric):
    """Mean Euclidean distance between features of samples of one class, class by class, beside held-out real data's.

    `class_0`, `class_1`, … are these means, NaN for classes of fewer than
    `fewest_rows` rows; `mean` is theirs over the classes that have one. `ratio`
    is the mean over classes of samples over reference, `least_ratio` that of the
    class that has lost most, and `match` is min(r, 1/r) of `ratio`: more diverse
    than the truth is no better than less.

    Attributes:
        encoder: which features; with by = "predicted", one that predicts classes.
        by: "predicted" takes the classes that the encoder predicts, "condition" those that samples were drawn for.
        fewest_rows: that a class needs, among the samples and in the reference.
        limit: at most so many rows of a class are read.
    """

    takes = ("images",)
    axis: ClassVar = "diversity"
    better: ClassVar = {"match": "higher", "least_ratio": "higher"}
    encoder: Encoder = field(default_factory=default("encoder", "lenet"))
    by: Literal["predicted", "condition"] = "predicted"
    fewest_rows: Pairable = 10
    limit: Pairable = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by == "predicted" and not isinstance(self.encoder, Classifier):
            raise ConfigError(
                f"encoder must predict classes, but '{self.encoder.name}' gives features only; "
                'choose encoder = "lenet", or by = "condition".'
            )

    def most_rows(self, n: int, m: int) -> int:
        """Of all classes together, where it is known how many there are."""
        known = len(self.encoder.classes) if isinstance(self.encoder, Classifier) else 0
        return min(max(n, m), self.limit * known) if known else max(n, m)

    def objection(self, source: Source, model: Model) -> str | None:
        labels = source.conditions("heldout")
        if self.by == "condition" and not (model.conditional and labels is not None and labels.dtype.kind in "iu"):
            return (
                f"metric '{self.name}' with by = \"condition\" needs a source with class labels and a model that "
                f"learns them, but the source is '{source.name}' and the model '{model.name}'; say by = \"predicted\"."
            )
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        fake, real = encoded(self.name, generation, self.encoder)
        own, known = self._classes(fake, generation.samples), self._classes(real, generation.reference)
        classes = self.encoder.classes if self.by == "predicted" and isinstance(self.encoder, Classifier) else known
        numbers = np.unique(classes)
        means = self._means(fake, own, numbers)  # (k,)
        what = ("intra-class", part_key(self.encoder), self.by, self.fewest_rows, self.limit)
        usual = generation.features.remembered(
            what, (generation.reference,), lambda: self._means(real, known, numbers)
        )  # (k,)
        ratios = np.divide(means, usual, out=np.full(len(means), np.nan), where=usual > 0)
        ratio = _mean(ratios)
        return {
            "mean": _mean(means),
            "ratio": ratio,
            "match": match(ratio),
            "least_ratio": float(np.nanmin(ratios)) if np.isfinite(ratios).any() else float("nan"),
            **{f"class_{number}": float(mean) for number, mean in zip(numbers.tolist(), means, strict=True)},
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        key, fake, real = part_key(self.encoder), *encoded(self.name, generation, self.encoder)
        sizes = {
            "n": self._read(self._classes(fake, generation.samples)),
            "n_reference": self._read(self._classes(real, generation.reference)),
        }
        return {**sizes, "encoder": self.encoder.name, "encoder_key": key, "by": self.by}

    def _classes(self, features: np.ndarray, pool: Pool) -> np.ndarray:
        """Returns `(n,)` ints; none at all where samples have no class."""
        if self.by == "predicted" and isinstance(self.encoder, Classifier):
            return self.encoder.decide(features)
        labels = pool.condition
        return np.zeros(0, np.int64) if labels is None or labels.dtype.kind not in "iu" else labels

    def _read(self, classes: np.ndarray) -> int:
        """How many rows are read of these, class by class."""
        counts = np.unique(classes, return_counts=True)[1]
        return int(np.minimum(counts, self.limit)[counts >= self.fewest_rows].sum())

    def _means(self, rows: np.ndarray, classes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return np.array([self._mean_distance(rows[np.flatnonzero(classes == number)]) for number in numbers])

    def _mean_distance(self, rows: np.ndarray) -> float:
        if len(rows) < self.fewest_rows or not is_measurable(rows):
            return float("nan")
        return spread(some(rows, self.limit)).mean


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
