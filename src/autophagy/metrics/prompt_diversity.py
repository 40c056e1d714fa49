"""How different the samples of one prompt are: a model can know every prompt, and a single picture for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np

from autophagy.core.catalog import default, register
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.settings import Range, shown
from autophagy.kernels.perceptual import Diversity, diversity
from autophagy.kernels.rows import is_measurable, some

from ._features import misfit
from ._prompts import by_prompt


@register("prompt-diversity")
@dataclass(frozen=True)
class PromptDiversity(Metric):
    """Mean distance between features of two samples of one caption or class, averaged over these prompts.

    Every prompt counts the same, however many samples it has; those with fewer
    than two have no part. `mean_se` is the standard error over fresh samples of
    the same prompts, by leaving each sample out in turn; `least` is the prompt
    that has lost most, and `prompts` how many there are. Neither way is better:
    near 0 every prompt has one picture left, but noise is more diverse than any
    pictures. No real data are looked at, so that probes are measured too;
    `intra-class-diversity` and `lpips-diversity` hold classes against real ones.

    Attributes:
        encoder: which features.
        distance: "cosine" is 1 − cos, from 0 to 2, blind to lengths; "euclidean" is in the features' own units.
        limit: at most so many samples of a prompt are read.
    """

    takes = ("vectors", "images", "text")
    alone: ClassVar = True
    axis: ClassVar = "diversity"
    encoder: Encoder = field(default_factory=default("encoder", "pixels"))
    distance: Literal["cosine", "euclidean"] = "cosine"
    limit: Annotated[int, Range(2)] = 1000

    def objection(self, source: Source, model: Model) -> str | None:
        if source.conditions("train") is None or not model.conditional:
            return (
                f"metric '{self.name}' needs captions or classes that samples are drawn for, but source "
                f"'{source.name}' or model '{model.name}' has none; leave the metric out."
            )
        return misfit(self.name, self.encoder, source)

    def measure(self, generation: Generation) -> Mapping[str, float]:
        found = list(self._diversities(generation).values())
        if not found:
            return {**dict.fromkeys(["mean", "mean_se", "least"], float("nan")), "prompts": 0.0}
        means = np.array([one.mean for one in found])
        error = float(np.sqrt(np.sum([one.error**2 for one in found]))) / len(found)
        return {"mean": float(means.mean()), "mean_se": error, "least": float(means.min()), "prompts": len(found)}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        found = self._diversities(generation)
        least = min(found, key=lambda prompt: found[prompt].mean, default=None)
        return {
            "n": sum(one.n for one in found.values()),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "distance": self.distance,
            "least": "none" if least is None else shown(least, 200),
            "mean_se_by": "jackknife over samples",
        }

    def _diversities(self, generation: Generation) -> Mapping[object, Diversity]:
        """Of every prompt with two samples or more whose features have a distance."""
        pool = generation.samples
        prompts = {prompt: rows for prompt, rows in by_prompt(pool).items() if len(rows) > 1}
        if not prompts:
            return {}
        features = generation.encode(self.encoder, pool)
        found = {prompt: self._diversity(features[rows]) for prompt, rows in prompts.items()}
        return {prompt: one for prompt, one in found.items() if np.isfinite(one.mean)}

    def _diversity(self, features: np.ndarray) -> Diversity:
        rows = some(features, self.limit).astype(np.float64)
        if not is_measurable(rows):
            return Diversity(len(rows), float("nan"), float("nan"))
        return _cosine(rows) if self.distance == "cosine" else _euclidean(rows)


def _cosine(rows: np.ndarray) -> Diversity:
    """Of 1 − cos, which is ‖x − y‖²/2 of rows of unit length, so that no pair is looked at; NaN with a row of zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        return Diversity(len(rows), float("nan"), float("nan"))
    unit = rows / lengths * np.sqrt(0.5)
    moved = unit - unit[0]  # so that copies of one row are at exactly 0
    return diversity(lambda: [moved])


def _euclidean(rows: np.ndarray) -> Diversity:
    from scipy.spatial.distance import pdist, squareform

    n = len(rows)
    sums = squareform(pdist(rows)).sum(1)  # (n,) of each row's distances to the others
    mean = float(sums.sum()) / (n * (n - 1))
    if n < 3:
        return Diversity(n, mean, float("nan"))
    left = (sums.sum() / 2 - sums) / ((n - 1) * (n - 2) / 2)  # (n,) means without each row
    return Diversity(n, mean, float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())))
