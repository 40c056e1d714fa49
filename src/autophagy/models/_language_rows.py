"""Training rows of a language model: texts joined and cut into blocks, or one text a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from autophagy.core.errors import DataError, Diverged
from autophagy.core.pool import REAL_DATA, Pool

from ._language_words import Words

Packing = Literal["blocks", "rows"]


@dataclass(frozen=True)
class Rows:
    """Tokens `(n, width)` int32 and how many of each row are a text's, `(n,)` int64; the rest is never looked at."""

    tokens: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: np.ndarray) -> Rows:
        return Rows(self.tokens[rows], self.lengths[rows])

    def cut(self) -> Rows:
        """Without the columns that no row uses."""
        return Rows(self.tokens[:, : int(self.lengths.max())], self.lengths)


def rows_of(train: Pool, words: Words, *, block: int, packing: Packing, model: str, more: str) -> Rows:
    """A pool as rows. Raises DataError where there is too little, for which it asks for `more`, or unknown tokens."""
    samples = train.samples
    if samples.ndim == 2 and samples.dtype.kind == "i":
        if samples.shape[1] < 2 or int(samples.min()) < 0 or int(samples.max()) >= words.size:
            raise DataError(
                f"model '{model}' needs rows of 2 tokens or more, from 0 to {words.size - 1}, but got rows of "
                f"{samples.shape[1]} from {samples.min()} to {samples.max()}; use a source with this model's tokenizer."
            )
        return Rows(samples.astype(np.int32), np.full(len(samples), samples.shape[1], np.int64))
    if samples.ndim != 1 or samples.dtype.kind != "U":
        raise DataError(f"model '{model}' needs texts (n,), but got {samples.dtype} of shape {samples.shape}.")
    texts = words.encode(samples.tolist())
    if packing == "rows":
        return padded(texts, words, block)
    found = packed(texts, words, block)
    if not len(found):
        total = sum(len(text) for text in texts)
        if (train.generation != REAL_DATA).any():
            raise Diverged(
                f"the {len(texts)} texts to train on have {total} tokens together, not one block of {block}."
            )
        raise DataError(
            f"model '{model}': all {len(texts)} texts together have {total} tokens, which is not one block of {block}; "
            f'use a smaller block, {more}, or packing = "rows".'
        )
    return found


def packed(texts: list[np.ndarray], words: Words, block: int) -> Rows:
    """Texts laid end to end with signs between them and cut; what is left over at the end is dropped, as run_clm does.

    The sign is the one for the end of a text, and the one for a beginning too where that is another.
    """
    before = [words.start] if words.opens else []
    joined = np.concatenate([np.concatenate([before, text, [words.end]]) for text in texts]).astype(np.int32)
    n = len(joined) // block
    return Rows(joined[: n * block].reshape(n, block), np.full(n, block, np.int64))


def padded(texts: list[np.ndarray], words: Words, block: int) -> Rows:
    """A text a row, between its signs, cut at `block` tokens."""
    whole = [np.concatenate([[words.start], text, [words.end]])[:block] for text in texts]
    lengths = np.array([len(row) for row in whole], np.int64)
    tokens = np.full((len(whole), int(lengths.max())), words.end, np.int32)
    for own, row in zip(tokens, whole, strict=True):
        own[: len(row)] = row
    return Rows(tokens, lengths)
