"""Which classes a classifier still sees among the samples, and how evenly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Generation
from autophagy.core.parts import Classifier, Encoder, Metric


@register("class-balance")
@dataclass(frozen=True)
class ClassBalance(Metric):
    """Entropy of the predicted classes, and how many of the reference's classes are lost.

    With p_c the share of samples predicted as class c: `entropy_nats` is
    −Σ p_c ln p_c, ln k for k equal classes; `classes_lost` counts the classes
    predicted somewhere in the reference and nowhere in the samples;
    `largest_share` is max p_c; `share_0`, `share_1`, … are the p_c themselves.
    `agreement` is the share of samples predicted as the class they were drawn
    for, and NaN where the conditions are not class numbers; it means something
    only if the classifier numbers its classes as the source does.

    Attributes:
        encoder: one that predicts classes.
    """

    takes = ("images",)
    alone = True
    axis: ClassVar = "diversity"
    better: ClassVar = {
        "entropy_nats": "higher",
        "classes_lost": "lower",
        "largest_share": "lower",
        "agreement": "higher",
    }
    encoder: Encoder = field(default_factory=default("encoder", "lenet"))

    def __post_init__(self) -> None:
        super().__post_init__()
        _classifier(self.encoder)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        classifier = _classifier(self.encoder)
        predicted, known = (
            classifier.decide(generation.encode(classifier, pool))
            for pool in (generation.samples, generation.reference)
        )  # (n,), (m,)
        shares = _shares(predicted, classifier.classes)  # (k,)
        expected = _shares(known, classifier.classes) > 0  # (k,)
        seen = shares[shares > 0]
        return {
            "entropy_nats": float(-(seen * np.log(seen)).sum()) + 0.0 if len(seen) else float("nan"),
            "classes_lost": float((expected & ~(shares > 0)).sum()),
            "largest_share": float(shares.max()),
            "agreement": _agreement(predicted, generation.samples.condition),
            **{f"share_{c}": float(share) for c, share in zip(classifier.classes, shares, strict=True)},
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        sizes = super().identity(generation)
        return {**sizes, "encoder": self.encoder.name, "encoder_version": self.encoder.version}


def _classifier(encoder: Encoder) -> Classifier:
    if isinstance(encoder, Classifier):
        return encoder
    raise ConfigError(
        f"encoder must predict classes, but '{encoder.name}' gives features only; "
        "metric 'class-balance' works with encoder = \"lenet\"."
    )


def _shares(predicted: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
    """`(k,)` shares of each class; NaN for no samples at all."""
    if not len(predicted):
        return np.full(len(classes), np.nan)
    return np.asarray((predicted[:, None] == np.array(classes)).mean(0))


def _agreement(predicted: np.ndarray, condition: np.ndarray | None) -> float:
    if condition is None or not len(condition) or not np.issubdtype(condition.dtype, np.integer):
        return float("nan")
    return float((predicted == condition).mean())
