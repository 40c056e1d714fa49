"""Features of texts that need no weights: how often n-grams come, hashed to a fixed number of places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError
from autophagy.core.parts import Encoder
from autophagy.core.settings import Count
from autophagy.text.units import Unit

from ._strings import check_texts


@register("hashed-ngrams")
@dataclass(frozen=True)
class HashedNgrams(Encoder):
    """Counts of n-grams, each at the place and with the sign that its hash says, at unit length (Weinberger et al. 2009).

    By scikit-learn's HashingVectorizer. What a text says is not known, only which words or characters it is made of;
    two texts without a common one are orthogonal but for collisions. A text without a unit is all zeros.

    Attributes:
        unit: "word" is what stands between white space; of "character", white space counts as one blank.
        orders: the shortest and the longest n-grams.
        dimension: how many places there are.
    """

    takes = ("text",)
    unit: Unit = "word"
    orders: tuple[Count, Count] = (1, 2)
    dimension: Count = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.orders[0] > self.orders[1]:
            raise ConfigError(f"orders must be the shortest and the longest, but are {list(self.orders)}.")

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Returns `(n, dimension)` float32 of `(n,)` texts. Raises DataError for anything else."""
        check_texts(samples, "encoder 'hashed-ngrams'")
        from sklearn.feature_extraction.text import HashingVectorizer

        by_word = {"analyzer": "word", "tokenizer": str.split, "token_pattern": None}
        counting = HashingVectorizer(
            n_features=self.dimension,
            ngram_range=self.orders,
            lowercase=False,
            norm="l2",
            dtype=np.float32,
            **(by_word if self.unit == "word" else {"analyzer": "char"}),
        )
        if not len(samples):
            return np.zeros((0, self.dimension), np.float32)
        return np.asarray(counting.transform(samples.tolist()).toarray(), np.float32)
