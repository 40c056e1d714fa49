"""How surprising texts are to a language model: summed cross-entropy, each text's kept, softmax never before log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autophagy.training import moved

from ._language_rows import Rows
from ._language_task import NOTHING, wanted

LARGEST = 512  # tokens of one look at the network, whose answers in 64 bits are as many times the vocabulary


def surprise(network: Any, texts: Sequence[np.ndarray], *, start: int, context: int) -> np.ndarray:
    """Negative log-likelihood of each row of tokens, `(n,)` float64 nats, each after `start`.

    What is longer than the network's context is read in stretches that each begin with `start`. Stretches of like
    length are read together; one that is filled up is not looked at where it is, so company changes nothing but
    last bits.
    """
    pieces = [(i, piece) for i, text in enumerate(texts) for piece in _stretches(text, context - 1)]
    total = np.zeros(len(texts))
    order = sorted(range(len(pieces)), key=lambda k: len(pieces[k][1]))
    while order:
        width = len(pieces[order[-1]][1]) + 1
        some, order = [pieces[k] for k in order[-max(1, LARGEST // width) :]], order[: -max(1, LARGEST // width)]
        np.add.at(total, [i for i, _ in some], _nats(network, [piece for _, piece in some], start, width))
    return total


def _stretches(text: np.ndarray, size: int) -> list[np.ndarray]:
    return [text[first : first + size] for first in range(0, len(text), size)]


def _nats(network: Any, pieces: Sequence[np.ndarray], start: int, width: int) -> np.ndarray:
    """`(b,)` float64."""
    tokens = np.full((len(pieces), width), start, np.int64)
    for own, piece in zip(tokens, pieces, strict=True):
        own[1 : len(piece) + 1] = piece
    rows = Rows(tokens, np.array([len(piece) + 1 for piece in pieces]))
    labels = wanted(rows, network.device)  # (b, width − 1)
    logits = network(input_ids=moved(tokens, network.device), use_cache=False).logits[:, :-1]
    own = logits.gather(2, labels.clamp(min=0)[:, :, None])[:, :, 0].double()
    each = (logits.double().logsumexp(2) - own).masked_fill(labels == NOTHING, 0.0)
    found: np.ndarray = each.sum(1).cpu().numpy()
    return found
