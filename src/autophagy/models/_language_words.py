"""Between texts and rows of tokens: a tokenizer with the signs that a language model needs around a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

import numpy as np

from autophagy.checkpoints.tokenizer import Tokenizer
from autophagy.core.errors import DataError
from autophagy.core.settings import shown


class Words:
    """A fast tokenizer of transformers.

    Attributes:
        tokenizer: between texts and tokens.
        start: the token before a text: the sign for its beginning, or for the end of the one before it.
        end: the token after a text.
        opens: whether packed texts have `start` before them too, since it is another sign than `end`.
        size: one more than the largest token; signs that nobody writes do not count, which libraries like to add.
    """

    def __init__(self, found: Any) -> None:
        """Raises DataError if it is of the slow kind or has no sign for an end."""
        if not getattr(found, "is_fast", False):
            raise DataError("its tokenizer can only be run by Python code that comes with it")
        if found.eos_token_id is None:
            raise DataError("its tokenizer has no sign for the end of a text (eos_token)")
        found.backend_tokenizer.no_truncation()
        found.backend_tokenizer.no_padding()
        found.backend_tokenizer.encode_special_tokens = True  # spelled out in a text they are letters, and end nothing
        self.tokenizer = Tokenizer(found.backend_tokenizer)
        self.end = int(found.eos_token_id)
        self.start = self.end if found.bos_token_id is None else int(found.bos_token_id)
        self.opens = self.start != self.end
        others = {number for number, token in found.added_tokens_decoder.items() if token.special}
        used = {self.start, self.end, *(number for number in found.get_vocab().values() if number not in others)}
        self.size = 1 + int(max(used))

    def begun_with(self, sign: str) -> Words:
        """The same tokens with another sign before a text. Raises DataError if it is none of them."""
        start = self.tokenizer.number(sign)
        if start is None:
            raise DataError(f"the tokenizer has no token {shown(sign)} for texts to begin with; name one that it has.")
        found = copy(self)
        found.start, found.opens, found.size = start, start != self.end, max(self.size, start + 1)
        return found

    @property
    def digest(self) -> str:
        return self.tokenizer.vocabulary

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, int32, without signs."""
        return self.tokenizer.encode(texts) if len(texts) else []

    def decode(self, rows: Iterable[np.ndarray]) -> np.ndarray:
        """`(n,)` strings, without signs."""
        backend = self.tokenizer.backend
        texts = backend.decode_batch([row.tolist() for row in rows], skip_special_tokens=True)
        return np.array([text.rstrip("\0") for text in texts] or [""])[: len(texts)]  # as numpy cuts them off anyway
