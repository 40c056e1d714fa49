"""Whether a classifier reads off a sample what its caption asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from autophagy.core.abilities import Captions
from autophagy.core.catalog import default, register
from autophagy.core.errors import ConfigError
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Encoder, Metric, Model, Source
from autophagy.core.settings import shown

from ._features import misfit
from ._prompts import captions, uncaptioned

NOTHING = -1  # the answer of a caption that does not name one of the words, or names several


@register("prompt-accuracy")
@dataclass(frozen=True)
class PromptAccuracy(Metric):
    """The share of samples on which a classifier finds the words of their captions: "a photo of a red seven".

    `both` is the share, 0 to 1, where every question is answered as the caption
    has it; `thing` and `colour` are the shares of each, and `lowest_thing` and
    `lowest_colour` those of the word that is found least often where it was asked
    for. `both_se` and the like are binomial standard errors. `n` samples are
    counted: those whose captions name one known thing and one known colour. The
    others, such as "a photo of a red coat" where coats are not known, are
    `unread`, neither right nor wrong. The classifier errs too: the floor, of real
    held-out data, says how often. No real data are looked at by the metric
    itself, so that probes are measured too.

    Attributes:
        encoder: one that says what a caption should have said.
    """

    takes = ("images",)
    alone: ClassVar = True
    axis: ClassVar = "task"
    better: ClassVar = {"both": "higher", "thing": "higher", "colour": "higher", "lowest_thing": "higher"}
    encoder: Encoder = field(default_factory=default("encoder", "coloured-things"))

    def __post_init__(self) -> None:
        super().__post_init__()
        _classifier(self.encoder)

    def objection(self, source: Source, model: Model) -> str | None:
        trouble = uncaptioned(self.name, source, model) or misfit(self.name, self.encoder, source)
        if trouble is not None:
            return trouble
        known = np.array(sorted(set(np.asarray(source.conditions("train")).tolist())))
        words = _classifier(self.encoder).words()
        if _is_read(_asked(known, words)).any():
            return None
        return (
            f"metric '{self.name}' finds no caption of source '{source.name}' that names a {' and a '.join(words)} its "
            f"encoder '{self.encoder.name}' knows, such as {shown(str(known[0]))}; leave the metric out."
        )

    def measure(self, generation: Generation) -> Mapping[str, float]:
        found, n = self._reading(generation), len(generation.samples)
        values: dict[str, float] = {}
        for name, right in {"both": found.both, **found.right}.items():
            share = float(right.mean()) if len(right) else float("nan")
            values |= {name: share, f"{name}_se": math.sqrt(share * (1 - share) / max(1, len(right)))}
        lowest = {f"lowest_{name}": found.lowest(name)[1] for name in found.right}
        return {**values, **lowest, "n": float(len(found.both)), "unread": float(n - len(found.both))}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        found = self._reading(generation)
        return {
            "n": len(found.both),
            **{f"lowest_{name}": found.lowest(name)[0] for name in found.right},
            "encoder": self.encoder.name,
            "encoder_key": part_key(self.encoder),
            "se_by": "binomial over samples",
        }

    def _reading(self, generation: Generation) -> _Reading:
        classifier, pool = _classifier(self.encoder), generation.samples
        words, texts = classifier.words(), captions(pool)
        distinct, which = np.unique(texts if texts is not None else np.full(len(pool), ""), return_inverse=True)
        asked = {name: found[which] for name, found in _asked(distinct, words).items()}
        is_read = _is_read(asked)
        answers = classifier.answers(generation.encode(self.encoder, pool)[is_read])
        asked = {name: found[is_read] for name, found in asked.items()}
        return _Reading(words, asked, {name: answers[name] == asked[name] for name in words})


@dataclass(frozen=True)
class _Reading:
    """Of the samples whose captions name one word for every question.

    Attributes:
        words: what may be asked for, by question.
        asked: `(n,)` ints, which of the words it was.
        right: `(n,)` bools, whether the classifier finds it.
    """

    words: Mapping[str, tuple[str, ...]]
    asked: Mapping[str, np.ndarray]
    right: Mapping[str, np.ndarray]

    @property
    def both(self) -> np.ndarray:
        """`(n,)` whether everything is right."""
        return np.asarray(np.all(list(self.right.values()), axis=0))

    def lowest(self, question: str) -> tuple[str, float]:
        """The word that is found least often where it was asked for, and the share; "none" and NaN without any."""
        asked, right = self.asked[question], self.right[question]
        shares = {self.words[question][word]: float(right[asked == word].mean()) for word in np.unique(asked)}
        return min(shares.items(), key=lambda share: share[1], default=("none", float("nan")))


def _asked(distinct: np.ndarray, words: Mapping[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    """For each question the `(k,)` indices of the word that each caption names, or NOTHING."""
    said = [set(re.findall(r"[\w-]+", str(caption).lower())) for caption in distinct]
    return {name: np.array([_one_of(known, found) for found in said], np.int64) for name, known in words.items()}


def _one_of(known: tuple[str, ...], said: set[str]) -> int:
    found = [i for i, word in enumerate(known) if word in said]
    return found[0] if len(found) == 1 else NOTHING


def _is_read(asked: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether every question has its answer in a caption."""
    return np.asarray(np.all([found != NOTHING for found in asked.values()], axis=0))


def _classifier(encoder: Encoder) -> Captions:
    if isinstance(encoder, Captions):
        return encoder
    raise ConfigError(
        f"encoder must say what is on a sample, but '{encoder.name}' gives features only; "
        "metric 'prompt-accuracy' works with encoder = \"coloured-things\"."
    )
