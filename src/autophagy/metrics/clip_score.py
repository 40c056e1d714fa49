"""Whether a sample shows what its caption says, as a network sees it that learned from images and captions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.abilities import ReadsTexts
from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.pool import REAL_DATA, Origin, Pool
from autophagy.core.settings import shown

from ._features import misfit
from ._prompts import by_prompt, captions, uncaptioned

HESSEL = 2.5  # the published score's factor
NAMES = ("mean", "sd", "se", "hessel", "lowest", "highest")


@register("clip-score")
@dataclass(frozen=True)
class ClipScore(Metric):
    """100 · cos of the embeddings of a sample and of its caption (Hessel et al. 2021): mean, deviation and error.

    `sd` is over samples (divisor n − 1) and `se` the mean's standard error,
    sd/√n. `hessel` is the published form, the mean of 2.5 · max(cos, 0), where a
    cosine below 0 counts as none. `lowest` and `highest` are the means of the
    captions that fare worst and best; the record's identity has their texts.
    Scores of different checkpoints are on different scales: compare within one.
    No real data are looked at, so that probes are measured too.

    Attributes:
        encoder: one that reads texts too, such as {use = "clip", checkpoint = "openai/clip-vit-base-patch32", …}.
        per_group: also the mean of every caption, `group_1`, `group_2`, … in the order of their texts, which the
            record's identity has.
    """

    takes = ("images",)
    alone: ClassVar = True
    axis: ClassVar = "task"
    better: ClassVar = {"mean": "higher"}
    encoder: Encoder = field(kw_only=True)
    per_group: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._of_texts()

    def objection(self, source: Source, model: Model) -> str | None:
        return (
            uncaptioned(self.name, source, model)
            or misfit(self.name, self.encoder, source)
            or self._of_texts().objection(source, model)
        )

    def content(self) -> str:
        """Of what captions are read by; the encoder tells its own."""
        return part_key(self._of_texts())

    def measure(self, generation: Generation) -> Mapping[str, float]:
        scores = self.scores(generation)
        n = len(scores)
        if not n:
            return {**dict.fromkeys(NAMES, float("nan")), "n": 0.0}
        sd = float(scores.std(ddof=1)) if n > 1 else float("nan")
        groups = list(self._groups(generation, scores).values())
        of_each = {f"group_{i}": mean for i, mean in enumerate(groups, 1)} if self.per_group else {}
        return {
            "mean": float(scores.mean()),
            "sd": sd,
            "se": sd / float(np.sqrt(n)),
            "hessel": HESSEL * float(np.maximum(scores, 0).mean()) / 100,
            "lowest": min(groups),
            "highest": max(groups),
            "n": float(n),
            **of_each,
        }

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        scores = self.scores(generation)
        groups = self._groups(generation, scores)
        named = {"lowest": min, "highest": max}
        return {
            "n": len(scores),
            "groups": len(groups),
            **(
                {name: shown(pick(groups, key=groups.__getitem__), 200) for name, pick in named.items()}
                if groups
                else {}
            ),
            **({f"group_{i}": shown(group, 200) for i, group in enumerate(groups, 1)} if self.per_group else {}),
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
        }

    def scores(self, generation: Generation) -> np.ndarray:
        """Returns `(n,)` float64, 100 · cos of every sample, −100 to 100; none at all of samples without captions."""
        texts = captions(generation.samples)
        if texts is None:
            return np.zeros(0)
        distinct, which = np.unique(texts, return_inverse=True)
        prompts = Pool.born(distinct, Origin("captions", REAL_DATA))  # so that each is encoded once, and remembered
        there = _unit(generation.encode(self._of_texts(), prompts))[which]
        here = _unit(generation.encode(self.encoder, generation.samples))
        return np.asarray(100 * np.einsum("nd,nd->n", here, there))

    def _groups(self, generation: Generation, scores: np.ndarray) -> dict[object, float]:
        """The mean of every caption's samples."""
        if not len(scores):
            return {}
        return {caption: float(scores[rows].mean()) for caption, rows in by_prompt(generation.samples).items()}

    def _of_texts(self) -> Encoder:
        if isinstance(self.encoder, ReadsTexts):
            return self.encoder.of_texts()
        raise ConfigError(
            f"encoder must read captions too, but '{self.encoder.name}' takes images only; "
            f"metric '{self.name}' works with encoder = {{use = \"clip\", checkpoint = …}}."
        )


def _unit(features: np.ndarray) -> np.ndarray:
    """`(n, d)` float64 rows of unit length; NaN for a row without a direction."""
    rows = features.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.full(rows.shape, np.nan), where=lengths > 0))
