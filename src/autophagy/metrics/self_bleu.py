"""Self-BLEU: how much every sample is made of pieces of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import MissingPackage
from autophagy.core.generation import Generation
from autophagy.core.identity import part_key
from autophagy.core.parts import Metric
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Range, Whole

from ._ratios import match
from ._texts import some_texts


@register("self-bleu")
@dataclass(frozen=True)
class SelfBleu(Metric):
    """The mean BLEU of each sample with all others as its references (Zhu et al. 2018), 0–100.

    BLEU is sacrebleu's of one sentence (Papineni et al. 2002; Post 2018), with no orders that are longer than the
    sentence. 100 where all samples are one text. It grows with the number of samples: held-out real texts are scored on
    equally many, and `self_bleu_match` is min(r, 1/r) of the ratio r of the two, since noise is no better than
    repetition. Time grows as the square of `limit`: two seconds of 100 texts of 60 words. Rows of tokens are read as
    the texts they stand for. Needs the extra "text".

    Attributes:
        limit: at most so many samples, and as many held-out texts, drawn by `seed`.
        order: the longest n-grams that count.
        tokenize: how sacrebleu splits texts: "13a" as for news, "intl", "char", or "none" at white space.
        smoothing: of orders without a match: "exp" halves each (Chen and Cherry 2014), "floor", "add-k" or "none".
        seed: of the choice.
    """

    takes = ("text",)
    axis: ClassVar = "diversity"
    better: ClassVar = {"self_bleu_match": "higher"}
    limit: Annotated[int, Range(2)] = 100
    order: Annotated[int, Range(1, 10)] = 4
    tokenize: Literal["13a", "intl", "char", "none"] = "13a"
    smoothing: Literal["exp", "floor", "add-k", "none"] = "exp"
    seed: Whole = 0

    @property
    def fewest(self) -> int:
        return 2

    def lacking(self) -> str | None:
        return None if find_spec("sacrebleu") else str(self._missing())

    def measure(self, generation: Generation) -> Mapping[str, float]:
        n = self._rows(generation)
        own = self._score(generation, generation.samples, n)
        what = ("self-bleu", part_key(self), n)
        reference = generation.readable(generation.reference)
        real = generation.features.remembered(
            what, (reference,), lambda: np.array([self._score(generation, reference, n)])
        )
        ratio = own / float(real[0]) if real[0] > 0 else float("nan")
        return {"self_bleu": own, "self_bleu_reference": float(real[0]), "self_bleu_match": match(ratio)}

    def identity(self, generation: Generation) -> Mapping[str, str | int | float]:
        n = self._rows(generation)
        settings = {"order": self.order, "tokenize": self.tokenize, "smoothing": self.smoothing, "seed": self.seed}
        return {"n": n, "n_reference": n, **settings}

    def _rows(self, generation: Generation) -> int:
        return min(len(generation.samples), len(generation.reference), self.limit)

    def _score(self, generation: Generation, pool: Pool, n: int) -> float:
        texts = some_texts(generation.texts(pool), n, Seed(("metrics", "self-bleu", self.seed)))
        if len(texts) < 2:
            return float("nan")
        bleu = self._bleu()
        scores = [bleu.sentence_score(text, texts[:i] + texts[i + 1 :]).score for i, text in enumerate(texts)]
        return float(np.mean(scores))

    def _bleu(self) -> Any:
        try:
            from sacrebleu.metrics.bleu import BLEU
        except ImportError:
            raise self._missing() from None
        return BLEU(
            effective_order=True, max_ngram_order=self.order, tokenize=self.tokenize, smooth_method=self.smoothing
        )

    def _missing(self) -> MissingPackage:
        return MissingPackage(f"metric '{self.name}'", "sacrebleu", "text")
