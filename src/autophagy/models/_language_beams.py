"""Beam search as transformers has it by default: scores a token, until no open text can better those that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ._language_reader import Reader, penalised

NEVER = -1e9


@dataclass
class _Search:
    """The texts after one prompt that have ended: scores a token, and tokens, the best first, no more than beams."""

    beams: int
    ended: list[tuple[float, np.ndarray]] = field(default_factory=list)

    def end(self, score: float, tokens: np.ndarray) -> None:
        self.ended = sorted([*self.ended, (score, tokens)], key=lambda one: -one[0])[: self.beams]

    def can_better(self, best: float) -> bool:
        return len(self.ended) < self.beams or best > self.ended[-1][0]


def by_beams(reader: Reader, length: int, beams: int, penalty: float, end: int | None) -> list[np.ndarray]:
    """The best of `beams` texts after each prompt, up to `length` tokens, without the `end` it stops at."""
    prompts, device = len(reader.read), reader.read.device
    searches = [_Search(beams) for _ in range(prompts)]
    live = searches
    reader.keep(torch.arange(prompts, device=device).repeat_interleave(beams))  # (b · beams, …) from here on
    scores = torch.full((prompts, beams), NEVER, device=device)
    scores[:, 0] = 0.0  # the others are copies of the first as yet
    for step in range(length):
        best = _likeliest(reader, scores, penalty)
        is_last = step + 1 == length
        hits = best.tokens.eq(-1 if end is None else end) | is_last
        _note(live, reader.drawn, best, hits, end)
        if is_last:
            break
        scores, picked = (best.scores + hits * NEVER).topk(beams)  # (b, beams)
        lead = (scores[:, 0] / (step + 1)).tolist()
        kept = [i for i, search in enumerate(live) if search.can_better(lead[i])]
        if not kept:
            break
        live, rows = [live[i] for i in kept], torch.tensor(kept, device=device)
        scores = scores[rows]
        reader.keep((rows[:, None] * beams + best.beam.gather(1, picked)[rows]).flatten())
        reader.feed(best.tokens.gather(1, picked)[rows].flatten())
    return [search.ended[0][1] for search in searches]


@dataclass(frozen=True)
class _Best:
    """Continuations of each prompt, the best first: summed log chances, tokens and beams they go on, `(b, k)` each."""

    scores: Tensor
    tokens: Tensor
    beam: Tensor


def _likeliest(reader: Reader, scores: Tensor, penalty: float) -> _Best:
    """Twice as many as there are beams, so that enough go on if the best ones end."""
    found = penalised(reader.logits.log_softmax(1), reader.read, penalty)
    total = (found.view(*scores.shape, -1) + scores[:, :, None]).flatten(1)  # (b, beams · tokens)
    values, places = total.topk(min(2 * scores.shape[1], total.shape[1]))
    return _Best(values, places % found.shape[1], places // found.shape[1])


def _note(searches: Sequence[_Search], drawn: Tensor, best: _Best, hits: Tensor, end: int | None) -> None:
    """Keeps the texts that have ended, if they are among the best continuations."""
    beams = len(drawn) // len(searches)
    for i, j in hits[:, :beams].nonzero().tolist():
        text, last = drawn[i * beams + int(best.beam[i, j])].cpu().numpy(), int(best.tokens[i, j])
        searches[i].end(float(best.scores[i, j]) / (drawn.shape[1] + 1), text if last == end else np.append(text, last))
