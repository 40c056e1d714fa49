"""Texts by a CLIP's text model, in the space of its images; its tokenizer is given tokens, and no files to search."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
import transformers

from autophagy.checkpoints.clip_tokens import END, TokenFiles
from autophagy.core.errors import DataError
from autophagy.core.settings import shown

from ._torch_blocks import in_parallel
from ._transformers import Network

MISNAMED = 2  # the end of texts in early published settings, by mistake; the library then takes the last token's state


def text_features(net: Network, files: TokenFiles, texts: np.ndarray) -> np.ndarray:
    """`(n,)` texts → `(n, d)` float32, the same bits for a text whatever stands beside it.

    One text at a time, so that none is filled up to the length of another. Longer ones than the model can take lose
    their end. Raises DataError if the tokens are not this model's.
    """
    words, settings = tokenizer(files, files.digest()), net.model.config.text_config
    _check_tokens(files, words, settings)

    def encode(one: np.ndarray) -> torch.Tensor:
        found = words([str(one[0])], truncation=True, max_length=settings.max_position_embeddings, return_tensors="pt")
        embedded: torch.Tensor = net.model.get_text_features(**found).pooler_output
        return embedded

    return in_parallel(texts, 1, net.width, encode)


@lru_cache(maxsize=2)
def tokenizer(files: TokenFiles, digest: str) -> Any:
    """CLIP's tokenizer with a checkpoint's tokens, made once for each content."""
    tokens = files.tokens()
    merges: Any = list(tokens.merges)  # the library's types ask for texts, which it does not take
    try:
        return transformers.CLIPTokenizer(vocab=dict(tokens.numbers), merges=merges)
    except Exception as error:  # the library beneath raises nothing more special
        reason = shown(str(error).partition("\n")[0], 200)
        raise DataError(f"{files.who} cannot read texts: {reason}; get the tokenizer of a CLIP again.") from None


def _check_tokens(files: TokenFiles, words: Any, settings: Any) -> None:
    numbers, remedy = words.get_vocab(), "get the tokenizer that belongs to it"
    last = max(numbers.values())
    if last >= settings.vocab_size:
        raise DataError(
            f"{files.who}: its tokenizer has a token {last}, but its model knows {settings.vocab_size}; {remedy}."
        )
    if settings.eos_token_id not in (MISNAMED, numbers[END]):  # all texts would look the same to the model
        raise DataError(
            f"{files.who}: its tokenizer ends a text with the token {numbers[END]}, but its model looks for "
            f"{shown(settings.eos_token_id)}; {remedy}."
        )
