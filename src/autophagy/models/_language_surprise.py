"""How surprising texts are to a language model: summed cross-entropy, each text's kept, softmax never before log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autophagy.training import moved

from ._language_rows import Rows
from ._language_task import NOTHING, wanted

LARGEST = 512  # tokens of one look at the network, whose answers in 64 bits are as many times the vocabulary


def surprise(
    network: Any, texts: Sequence[np.ndarray], prompts: Sequence[np.ndarray], *, start: int, context: int
) -> np.ndarray:
    """Negative log-likelihood of each row of tokens, `(n,)` float64 nats, each after `start` and its prompt.

    What is longer than the network's context is read in stretches that each begin with `start`. Stretches of like
    length are read together; one that is filled up is not looked at where it is, so company changes nothing but
    last bits.
    """
    pieces = [piece for i, pair in enumerate(zip(prompts, texts, strict=True)) for piece in _cut(i, *pair, context - 1)]
    total = np.zeros(len(texts))
    order = sorted(range(len(pieces)), key=lambda k: len(pieces[k].tokens))
    while order:
        width = len(pieces[order[-1]].tokens) + 1
        some, order = [pieces[k] for k in order[-max(1, LARGEST // width) :]], order[: -max(1, LARGEST // width)]
        np.add.at(total, [piece.row for piece in some], _nats(network, some, start, width))
    return total


@dataclass(frozen=True)
class _Stretch:
    """A part of text `row` that is read at once; its first `known` tokens are a prompt's and not asked for."""

    row: int
    tokens: np.ndarray
    known: int


def _cut(row: int, prompt: np.ndarray, text: np.ndarray, size: int) -> Iterator[_Stretch]:
    whole = np.concatenate([prompt, text])
    for first in range(0, len(whole), size):
        yield _Stretch(row, whole[first : first + size], max(0, len(prompt) - first))


def _nats(network: Any, pieces: Sequence[_Stretch], start: int, width: int) -> np.ndarray:
    """`(b,)` float64."""
    tokens = np.full((len(pieces), width), start, np.int64)
    for own, piece in zip(tokens, pieces, strict=True):
        own[1 : len(piece.tokens) + 1] = piece.tokens
    rows = Rows(tokens, np.array([len(piece.tokens) + 1 for piece in pieces]))
    labels = wanted(rows, network.device)  # (b, width − 1)
    for own, piece in zip(labels, pieces, strict=True):
        own[: piece.known] = NOTHING
    logits = network(input_ids=moved(tokens, network.device), use_cache=False).logits[:, :-1]
    own = logits.gather(2, labels.clamp(min=0)[:, :, None])[:, :, 0].double()
    totals = torch.cat([some.double().logsumexp(2) for some in logits.split(max(1, LARGEST // len(tokens)), 1)], 1)
    each = (totals - own).masked_fill(labels == NOTHING, 0.0)
    found: np.ndarray = each.sum(1).cpu().numpy()
    return found
