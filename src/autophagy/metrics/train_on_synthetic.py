"""What the samples are worth to somebody who trains on them: the downstream task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import Count
from autophagy.kernels.order import shuffled
from autophagy.kernels.rows import chosen, is_measurable

from ._alike import check_alike
from ._features import misfit

NAMES = (
    "accuracy",
    "accuracy_se",
    "real_accuracy",
    "real_accuracy_se",
    "difference",
    "difference_se",
    "ratio",
)


@register("train-on-synthetic")
@dataclass(frozen=True)
class TrainOnSynthetic(Metric):
    """Accuracy on held-out real data of a classifier trained on samples and what they were drawn for.

    It is the classification accuracy score of Ravuri and Vinyals 2019, with a
    small classifier. `real_accuracy` is that of the same one trained on as many
    rows of the lineage's real set; `difference` and `ratio` are the first less
    and over the second. Standard errors are over held-out rows: binomial, and
    that of a difference from the rows on which the two disagree. The more rows
    the better the classifier: compare at equal n.

    Attributes:
        encoder: which features.
        classifier: "mlp" has one hidden layer of 128 and 500 steps of Adam; "logistic" is multinomial regression.
        limit: at most so many samples, and as many real ones, are trained on.
    """

    takes = ("vectors", "images")
    axis: ClassVar = "task"
    better: ClassVar = {"accuracy": "higher"}
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    classifier: Literal["mlp", "logistic"] = "mlp"
    limit: Count = 10_000

    def objection(self, source: Source, model: Model) -> str | None:
        labels = source.conditions("train")
        if labels is None or not model.conditional:
            return (
                f"metric '{self.name}' needs classes or captions that samples are drawn for, but source "
                f"'{source.name}' or model '{model.name}' has none; leave the metric out."
            )
        kinds = len(np.unique(labels))
        if not 2 <= kinds <= len(labels) / 2:
            return (
                f"metric '{self.name}' needs two classes or more, each with several rows, but source '{source.name}' "
                f"has {kinds} in {len(labels)} rows; leave the metric out."
            )
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.reference)
        n = self._rows(generation)
        what = ("train-on-synthetic", part_key(self), n)
        real = generation.features.remembered(
            what, (generation.real, generation.reference), lambda: self._right(generation, generation.real, n)
        )
        return _values(self._right(generation, generation.samples, n), real)

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        return {
            "n": self._rows(generation),
            "n_reference": len(generation.reference),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "classifier": self.classifier,
            "se_by": "binomial over the reference",
        }

    def _rows(self, generation: Generation) -> int:
        return min(len(generation.samples), len(generation.real), self.limit)

    def _right(self, generation: Generation, pool: Pool, n: int) -> np.ndarray:
        """`(m,)` 1 where a classifier trained on `n` rows of `pool` is right of a held-out row; NaN for no answer."""
        from ._classifiers import classified

        truth = generation.reference.condition
        pool = pool.take(chosen(len(pool), n)) if n < len(pool) else pool
        rows, labels = generation.encode(self.encoder, pool), pool.condition
        if truth is None or labels is None or not n or not is_measurable(rows):
            return np.full(len(generation.reference), np.nan)
        order = shuffled(rows)
        order = order[np.argsort(labels[order], kind="stable")]  # so that the order they came in does not matter
        asked = generation.encode(self.encoder, generation.reference)
        rows, asked = _scaled(rows[order], asked), _scaled(asked, asked)
        return np.asarray(classified(self.classifier, rows, labels[order], asked) == truth, np.float64)


def _scaled(rows: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`(n, d)` float32, where the reference is centred and about one wide; beyond 100 all is equally far."""
    width = float(np.sqrt(reference.var(0, dtype=np.float64).mean())) or 1.0
    return np.asarray(np.clip((rows - reference.mean(0, dtype=np.float64)) / width, -100, 100), np.float32)


def _values(own: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """`own` and `real` are `(m,)` zeros and ones about the same rows."""
    if not len(own):
        return dict.fromkeys(NAMES, float("nan"))
    accuracy, usual = float(own.mean()), float(real.mean())
    return {
        "accuracy": accuracy,
        "accuracy_se": _error(own),
        "real_accuracy": usual,
        "real_accuracy_se": _error(real),
        "difference": accuracy - usual,
        "difference_se": _error(own - real),
        "ratio": accuracy / usual if usual > 0 else float("nan"),
    }


def _error(values: np.ndarray) -> float:
    """Of a mean; for zeros and ones √(p (1 − p) / m)."""
    return float(values.std() / np.sqrt(len(values)))
