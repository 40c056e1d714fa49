"""How a language model goes on with texts: one token after the other, drawn, the likeliest, or by beams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from autophagy.core.seeds import Seed

from ._language_beams import by_beams
from ._language_reader import Reader, penalised
from ._trained import stretches

Decoding = Literal["sample", "greedy", "beam"]
STRETCH = 256  # tokens whose chances are added up at first
LIKELY = 1024  # tokens among which a nucleus is first looked for
NONE = -torch.inf


@dataclass(frozen=True)
class Decoder:
    """How the next token is chosen.

    Attributes:
        decoding: drawn, the likeliest, or by beams.
        beams: texts that are kept under way by beams.
        temperature: that logits are divided by.
        top_k: only so many of the likeliest tokens; None for all.
        top_p: only the likeliest tokens that together have this mass.
        penalty: for tokens that are there already (Keskar et al. 2019), 1 for none.
    """

    decoding: Decoding
    beams: int
    temperature: float
    top_k: int | None
    top_p: float
    penalty: float


def continued(
    network: Any,
    prompts: Sequence[np.ndarray],
    length: int,
    decoder: Decoder,
    seed: Seed,
    *,
    end: int | None,
    together: int,
    tokens: int | None = None,
) -> list[np.ndarray]:
    """Up to `length` tokens after each prompt, without the `end` that a text stops at; None never stops.

    Of `tokens` of the tokenizer, or of all that the network knows.
    Row i is drawn with a stream of its own, named by i. Rows with prompts of like length go together.
    """
    order = np.argsort([len(prompt) for prompt in prompts], kind="stable")
    found: list[np.ndarray] = [np.empty(0, np.int64)] * len(prompts)
    for stretch in stretches(len(order), together):
        rows = order[stretch]
        reader = Reader(network, [prompts[row] for row in rows], tokens)
        if decoder.decoding == "beam":
            texts = by_beams(reader, length, decoder.beams, decoder.penalty, end)
        else:
            texts = _one_by_one(reader, length, _chooser(decoder, length, rows, seed), end)
        for row, text in zip(rows.tolist(), texts, strict=True):
            found[row] = text
    return found


Choose = Callable[[Tensor, Tensor, np.ndarray, int], Tensor]


def _one_by_one(reader: Reader, length: int, choose: Choose, end: int | None) -> list[np.ndarray]:
    live = np.arange(len(reader.read))
    texts = [np.empty(0, np.int64)] * len(live)
    for step in range(length):
        tokens = choose(reader.logits, reader.read, live, step)  # (b,)
        has_ended = tokens.eq(-1 if end is None else end)
        if bool(has_ended.any()):  # such rows leave, and are computed no more
            goes = has_ended.cpu().numpy()
            for row, text in zip(live[goes], reader.drawn[has_ended].cpu().numpy(), strict=True):
                texts[row] = text
            live, tokens = live[~goes], tokens[~has_ended]
            if not len(live):
                return texts
            reader.keep((~has_ended).nonzero()[:, 0])
        reader.feed(tokens, is_last=step + 1 == length)
    for row, text in zip(live, reader.drawn.cpu().numpy(), strict=True):
        texts[row] = text
    return texts


def _chooser(decoder: Decoder, length: int, rows: np.ndarray, seed: Seed) -> Choose:
    if decoder.decoding == "greedy":
        return lambda logits, read, live, step: penalised(logits, read, decoder.penalty).argmax(1)
    streams = np.stack([seed.child("row", int(row)).numpy().random(length) for row in rows])  # (b, length)

    def choose(logits: Tensor, read: Tensor, live: np.ndarray, step: int) -> Tensor:
        chances = probabilities(penalised(logits, read, decoder.penalty), decoder)
        return drawn(chances, torch.from_numpy(streams[live, step]).to(chances.device))

    return choose


def probabilities(logits: Tensor, decoder: Decoder) -> Tensor:
    """Of every token, `(b, tokens)` float32; those that are not to be drawn have none. They need not sum to 1."""
    logits = logits / decoder.temperature
    if decoder.top_k is not None and decoder.top_k < logits.shape[1]:
        least = logits.topk(decoder.top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, NONE)
    chances = logits.softmax(1)
    if decoder.top_p < 1:
        chances = chances.masked_fill(chances < _edge(chances, decoder.top_p), 0.0)
    return chances


def drawn(chances: Tensor, at: Tensor) -> Tensor:
    """`(b,)` the token at which the chances `(b, tokens)`, added up, first exceed the share `at` `(b,)` of their sum.

    First the stretch is found and then the place in it: cumulated sums of all in 64 bits took twice as long.
    """
    short = -chances.shape[1] % STRETCH
    parts = F.pad(chances, (0, short)).view(len(chances), -1, STRETCH)  # (b, stretches, STRETCH)
    ends = parts.sum(2, dtype=torch.float64).cumsum(1)
    goal = at[:, None] * ends[:, -1:]
    stretch = (ends <= goal).sum(1, keepdim=True).clamp(max=ends.shape[1] - 1)
    within = parts.gather(1, stretch[:, :, None].expand(-1, -1, STRETCH))[:, 0].double()  # (b, STRETCH)
    sums = within.cumsum(1) + (ends.gather(1, stretch) - within.sum(1, keepdim=True))
    place = (sums <= goal).sum(1).clamp(max=STRETCH - 1)
    last = STRETCH - 1 - within.flip(1).gt(0).int().argmax(1)  # where rounding has left a goal beyond the last sum
    found: Tensor = stretch[:, 0] * STRETCH + torch.minimum(place, last)
    return found


def _edge(chances: Tensor, mass: float) -> Tensor:
    """`(b, 1)`: how likely the least likely token of the nucleus is (Holtzman et al. 2020); a tie is taken in whole."""
    ordered = chances.topk(min(LIKELY, chances.shape[1])).values  # (b, k), the likeliest first
    if bool((ordered.double().sum(1) < mass).any()):
        ordered = chances.sort(1, descending=True).values
    before = ordered.double().cumsum(1) - ordered
    count = (before < mass).sum(1, keepdim=True).clamp(min=1)
    return ordered.gather(1, count - 1)
