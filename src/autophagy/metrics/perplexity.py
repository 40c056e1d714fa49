"""Perplexity: how surprising real texts are to a generation's model, and its texts to the first ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from autophagy.core.abilities import MeasuresEach
from autophagy.core.catalog import register
from autophagy.core.errors import DataError
from autophagy.core.generation import Generation
from autophagy.core.parts import LanguageModel, Metric, Model, Read, Sampler, Source
from autophagy.core.settings import Count
from autophagy.kernels.rows import everywhere, some
from autophagy.text.prompts import parted

from .pairwise_distance import CURVE as PERCENTS

CURVE = {"q001": 0.001, "q005": 0.005, **PERCENTS, "q995": 0.995, "q999": 0.999}  # of up to 500 texts, both ends
Reader = Literal["founder", "first", "own"]


# 2: q001, q005, q995, q999; 3: after_prompts, and numbers of each text; 4: prompts that samples hold are not counted
@register("perplexity", version=4)
@dataclass(frozen=True)
class Perplexity(Metric, MeasuresEach):
    """exp of the mean negative log-likelihood of a token, in nats; every reader counts with its own tokens.

    `heldout` is that of held-out real texts under this generation's model, all tokens alike, and `heldout_se` its
    standard error over texts. The others are of single generated texts (Shumailov et al. 2023, where later
    generations pile up at likely texts and grow a tail of unlikely ones): `founder_mean_log` is the mean of logs under
    generation 0's model, `founder_median` and `founder_q01` … `founder_q99` are quantiles of perplexities, from which
    a report draws the histogram; `own_…` under the model that drew them, `first_…` under generation 1's, the paper's
    choice, where there is one. Texts are read on their own, as if they stood at a beginning, unless `after_prompts`;
    only then is `own_…`, if nothing was cut off or sharpened, the chance with which they were drawn. Texts without a
    token are left out. `heldout_tokens`,
    `founder_tokens` and so on are how many tokens a number stands on. Every text's own perplexities are kept too.

    Attributes:
        readers: under whose models generated texts are read.
        after_prompts: whether generated texts are read as what follows the prompts that they went on from, of which
            nothing is counted, whether the samples hold them or not.
        curve: whether the quantiles are kept too.
        limit: at most so many texts of each set are read, always the same rows.
    """

    takes = ("text",)
    alone: ClassVar = True
    axis: ClassVar = "quality"
    better: ClassVar = {"heldout": "lower"}
    readers: tuple[Reader, ...] = ("founder", "own")
    after_prompts: bool = False
    curve: bool = True
    limit: Count = 1000

    @property
    def reads(self) -> tuple[Read, ...]:
        return ("sampler", *(reader for reader in dict.fromkeys(self.readers) if reader != "own"))

    def objection(self, source: Source, model: Model) -> str | None:
        if model.speaks:
            if self.after_prompts and source.conditions("train") is None:
                return f"metric '{self.name}': source '{source.name}' has no prompts; leave after_prompts out."
            return None
        return (
            f"metric '{self.name}' needs a model that knows how likely a text is, such as 'causal-lm' or 'n-gram', but "
            f"'{model.name}' does not; leave the metric out."
        )

    def measure(self, generation: Generation) -> Mapping[str, float]:
        return self.measure_each(generation)[0]

    def measure_each(self, generation: Generation) -> tuple[Mapping[str, float], Mapping[str, np.ndarray]]:
        """Of each sample its perplexity under every reader, by the reader's name."""
        own, texts = generation.sampler, some(generation.samples.samples, self.limit)
        values = self._heldout(own, some(generation.reference.samples, self.limit))
        each: dict[str, np.ndarray] = {}
        after = generation.samples.condition if self.after_prompts else None
        if after is not None:
            after = some(after, self.limit)
            if isinstance(own, LanguageModel) and own.keeps_prompt:
                texts, after = parted(texts, after)
        known = {"founder": generation.founder, "first": generation.first, "own": own}
        for reader in dict.fromkeys(self.readers):
            logs, tokens = self._logs(known[reader], texts, after)
            values |= {f"{reader}_{name}": value for name, value in self._told(logs, tokens).items()}
            each[reader] = everywhere(np.exp(logs), len(generation.samples))
        return values, each

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        """How many texts; the values say how many tokens of each reader these are."""
        n, real = (min(len(pool), self.limit) for pool in (generation.samples, generation.reference))
        return {"n": n, "n_reference": real}

    def _heldout(self, model: Sampler | None, texts: np.ndarray) -> dict[str, float]:
        if model is None or not len(texts):
            return dict.fromkeys(("heldout", "heldout_se", "heldout_tokens"), float("nan"))
        nats, tokens = self._speaker(model).surprise(texts)
        total = int(tokens.sum())
        with np.errstate(invalid="ignore", divide="ignore"):  # a text that cannot be has infinitely many nats
            rate = np.divide(nats.sum(), total)  # nats a token
            spread = np.sqrt(np.square(nats - rate * tokens).sum()) / total  # of that ratio
            error = np.exp(rate) * spread
        return {"heldout": float(np.exp(rate)), "heldout_se": float(error), "heldout_tokens": float(total)}

    def _logs(
        self, model: Sampler | None, texts: np.ndarray, after: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of single texts nats a token, NaN where there is no token or no model; and numbers of tokens."""
        if model is None or not len(texts):
            return np.full(len(texts), np.nan), np.zeros(len(texts), int)
        nats, tokens = self._speaker(model).surprise(texts, after=after)
        return np.where(tokens > 0, nats / np.maximum(tokens, 1), np.nan), tokens

    def _told(self, logs: np.ndarray, tokens: np.ndarray) -> dict[str, float]:
        """Of all texts: what a generation without such a model, or without a text, has no value for is NaN."""
        shares = CURVE if self.curve else {}
        if not len(logs := logs[tokens > 0]):
            return dict.fromkeys(("mean_log", "median", "tokens", *shares), float("nan"))
        found = {
            "mean_log": float(logs.mean()),
            "median": float(np.exp(np.median(logs))),
            "tokens": float(tokens.sum()),
        }
        return found | {name: float(np.exp(_quantile(logs, share))) for name, share in shares.items()}

    def _speaker(self, model: Sampler) -> LanguageModel:
        if isinstance(model, LanguageModel):
            return model
        raise DataError(
            f"metric '{self.name}' needs a model that knows how likely a text is, but got a {type(model).__name__}; "
            "leave the metric out."
        )


def _quantile(values: np.ndarray, share: float) -> float:
    """One of the values, none between two: there may be infinite ones."""
    return float(np.quantile(values, share, method="inverted_cdf"))
