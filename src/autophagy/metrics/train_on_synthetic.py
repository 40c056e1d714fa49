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
from autophagy.core.settings import Count, shown
from autophagy.kernels.order import shuffled
from autophagy.kernels.rows import chosen, is_measurable

from ._alike import check_alike
from ._features import misfit

FEWEST = 5  # rows of a class from which something can be learnt
NAMES = (
    "accuracy",
    "accuracy_se",
    "real_accuracy",
    "real_accuracy_se",
    "difference",
    "difference_se",
    "ratio",
)


@register("train-on-synthetic", version=3)  # 2: exactly 500 steps, units of the real rows; 3: equal rows apart
@dataclass(frozen=True)
class TrainOnSynthetic(Metric):
    """Accuracy on held-out real data of a classifier trained on samples and what they were drawn for.

    It is the classification accuracy score of Ravuri and Vinyals 2019, with a
    small classifier. `real_accuracy` is that of the same one trained on as many
    rows, `n`, of the lineage's real set; `difference` and `ratio` are the first
    less and over the second. Standard errors are over held-out rows: binomial,
    and that of a difference from the rows on which the two disagree. The more
    rows the better the classifier: compare at equal n. Features are in units of
    the real rows trained on, for both.

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
        labels, truth = source.conditions("train"), source.conditions("heldout")
        if labels is None or truth is None or not model.conditional:
            return (
                f"metric '{self.name}' needs classes or captions that samples are drawn for, but source "
                f"'{source.name}' or model '{model.name}' has none; leave the metric out."
            )
        rows = np.unique(labels, return_counts=True)[1]
        if len(rows) < 2 or 2 * (rows >= FEWEST).sum() < len(rows):
            return (
                f"metric '{self.name}' needs two classes or more, most of them with {FEWEST} rows or more, but source "
                f"'{source.name}' has {len(rows)} in {len(labels)} rows; leave the metric out."
            )
        unknown = ~np.isin(truth, labels)
        if unknown.any():
            return (
                f"metric '{self.name}' asks for the classes of held-out rows, but {unknown.sum()} of the "
                f"{len(truth)} that source '{source.name}' holds out are of classes that no row to train on has, such "
                f"as {shown(truth[unknown].tolist()[0])}; leave the metric out."
            )
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        check_alike(self.name, generation.samples, generation.reference)
        n = self._rows(generation)
        what = ("train-on-synthetic", part_key(self), n)
        real = generation.features.remembered(
            what, (generation.real, generation.reference), lambda: self._right(generation, generation.real, n)
        )
        return {**_values(self._right(generation, generation.samples, n), real), "n": float(n)}

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

        truth, labels = generation.reference.condition, _some(pool, n).condition
        rows, usual = (generation.encode(self.encoder, _some(each, n)) for each in (pool, generation.real))
        if truth is None or labels is None or not n or not is_measurable(rows) or not is_measurable(usual):
            return np.full(len(generation.reference), np.nan)
        order = shuffled(rows)
        order = order[np.argsort(labels[order], kind="stable")]  # so that the order they came in does not matter
        asked = generation.encode(self.encoder, generation.reference)
        usual = usual[shuffled(usual)]
        rows, asked = _scaled(rows[order], usual), _scaled(asked, usual)
        return np.asarray(classified(self.classifier, rows, labels[order], asked) == truth, np.float64)


def _some(pool: Pool, n: int) -> Pool:
    return pool.take(chosen(len(pool), n)) if n < len(pool) else pool


def _scaled(rows: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """`(n, d)` float32, where `usual` is centred and about one wide; beyond 100 all is equally far."""
    width = float(np.sqrt(usual.var(0, dtype=np.float64).mean())) or 1.0
    return np.asarray(np.clip((rows - usual.mean(0, dtype=np.float64)) / width, -100, 100), np.float32)


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
