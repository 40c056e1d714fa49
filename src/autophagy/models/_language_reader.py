"""A network that reads a batch of rows token by token and keeps what it has read."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from autophagy.core.errors import Diverged


class Reader:
    """Rows of unequal beginnings, each with its end in the same place; what lies before a row's beginning is masked.

    Attributes:
        logits: `(b, tokens)` float32: of each row's next token, of those that the tokenizer has: networks often know
            a few more, which stand for nothing.
        read: `(b, width)` int64: what it has read, before a row's beginning its first token again.
        width: of the prompts.
    """

    def __init__(self, network: Any, prompts: Sequence[np.ndarray], tokens: int | None = None) -> None:
        self.network, self._tokens = network, tokens
        self._cache: Any = DynamicCache(config=network.config)
        self.width = max(map(len, prompts))
        short = [self.width - len(prompt) for prompt in prompts]
        rows = [np.pad(prompt, (less, 0), mode="edge") for less, prompt in zip(short, prompts, strict=True)]
        self.read = torch.from_numpy(np.stack(rows).astype(np.int64)).to(network.device)
        places = torch.arange(self.width, device=network.device)
        mask = (places >= torch.tensor(short, device=network.device)[:, None]).long()  # (b, width)
        self._mask = None if not any(short) else mask
        self.logits = self._asked(self.read)

    @property
    def drawn(self) -> Tensor:
        """`(b, k)`: what came after the prompts."""
        return self.read[:, self.width :]

    def feed(self, tokens: Tensor, *, is_last: bool = False) -> None:
        """Reads one more token of each row, `(b,)`; after the last nobody asks what comes next."""
        self.read = torch.cat([self.read, tokens[:, None]], 1)
        if self._mask is not None:
            self._mask = torch.cat([self._mask, self._mask.new_ones(len(self._mask), 1)], 1)
        if not is_last:
            self.logits = self._asked(tokens[:, None])

    def keep(self, rows: Tensor) -> None:
        """Goes on with these rows, `(k,)`; one may be there more than once."""
        self._cache.batch_select_indices(rows)
        self.logits, self.read = self.logits[rows], self.read[rows]
        if self._mask is not None:
            self._mask = self._mask[rows]

    def _asked(self, tokens: Tensor) -> Tensor:
        kind: Any = type(self.network)
        takes, told = _takes(kind), dict[str, Any]()
        if self._mask is not None:
            told["attention_mask"] = self._mask
            if "position_ids" in takes:
                told["position_ids"] = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        if "logits_to_keep" in takes:
            told["logits_to_keep"] = 1
        answer = self.network(input_ids=tokens, past_key_values=self._cache, use_cache=True, **told)
        found: Tensor = answer.logits[:, -1, : self._tokens].float()
        if not bool(torch.isfinite(found.amax(1)).all()):
            raise Diverged("the network's answers are not finite.")
        return found


def penalised(logits: Tensor, read: Tensor, penalty: float) -> Tensor:
    """Logits `(b, tokens)` of a token that is in `read` `(b, width)` already are made smaller by that factor."""
    if penalty == 1:
        return logits
    own = logits.gather(1, read)
    return logits.scatter(1, read, torch.where(own < 0, own * penalty, own / penalty))


@lru_cache(maxsize=16)
def _takes(kind: Any) -> frozenset[str]:
    return frozenset(inspect.signature(kind.forward).parameters)
