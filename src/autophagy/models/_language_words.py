"""Between texts and rows of tokens: a tokenizer with the signs that a language model needs around a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autophagy.checkpoints.tokenizer import vocabulary
from autophagy.core.errors import DataError


class Words:
    """A fast tokenizer of transformers.

    Attributes:
        start: the token before a text: the sign for its beginning, or for the end of the one before it.
        end: the token after a text.
        opens: whether packed texts have `start` before them too, since it is another sign than `end`.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise DataError("its tokenizer is of the slow kind, which has no tokenizer.json")
        if tokenizer.eos_token_id is None:
            raise DataError("its tokenizer has no sign for the end of a text (eos_token)")
        self.tokenizer = tokenizer
        self.end = int(tokenizer.eos_token_id)
        self.start = self.end if tokenizer.bos_token_id is None else int(tokenizer.bos_token_id)
        self.opens = self.start != self.end

    @property
    def size(self) -> int:
        """One more than the largest token."""
        return 1 + int(max(self.tokenizer.get_vocab().values()))

    @cached_property
    def digest(self) -> str:
        return vocabulary(self.tokenizer.backend_tokenizer)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, int32, without signs."""
        if not len(texts):
            return []
        found = self.tokenizer.backend_tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.array(each.ids, np.int32) for each in found]

    def decode(self, rows: Iterable[np.ndarray]) -> np.ndarray:
        """`(n,)` strings, without signs."""
        backend = self.tokenizer.backend_tokenizer
        texts = backend.decode_batch([row.tolist() for row in rows], skip_special_tokens=True)
        return np.array([text.replace("\0", "") for text in texts] or [""])[: len(texts)]  # numpy ends texts at zeros
