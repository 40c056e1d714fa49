"""Draws of a language model, and how surprising texts are to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from autophagy.core.errors import ConfigError, DataError
from autophagy.core.parts import Begin, LanguageModel
from autophagy.core.seeds import Seed
from autophagy.training.machine import Precision

from ._language_draw import Decoder, continued
from ._language_network import TOKENS, Base, save_weights
from ._language_surprise import surprise
from ._trained import FACTS, WEIGHTS, NetworkSampler

BiasBy = Literal["nucleus", "temperature"]


@dataclass(frozen=True)
class Drawing:
    """How draws are made.

    Attributes:
        decoder: how the next token is chosen at λ = 1.
        bias_by: what λ is: the mass of the nucleus, or the temperature.
        length: tokens of a sample at most; exactly so many where samples are tokens.
        draws: texts, or rows of tokens.
        together: rows drawn at a time.
        keeps_prompt: whether a sample begins with its prompt.
        precision: of products.
        threads: that a draw computes on.
    """

    decoder: Decoder
    bias_by: BiasBy
    length: int
    draws: Literal["texts", "tokens"]
    together: int
    keeps_prompt: bool
    precision: Precision
    threads: int

    def biased(self, bias: float) -> Decoder:
        """λ in (0, 1] makes the nucleus, or the temperature, smaller by that factor."""
        own = self.decoder
        if self.bias_by == "nucleus":
            return Decoder(own.decoding, own.beams, own.temperature, own.top_k, own.top_p * bias, own.penalty)
        return Decoder(own.decoding, own.beams, own.temperature * bias, own.top_k, own.top_p, own.penalty)


class LanguageSampler(NetworkSampler, LanguageModel):
    """Goes on with prompts. `facts` say what was trained: "nothing", "full" or "adapters".

    Attributes:
        network: it asks.
        base: tokenizer and context.
        drawing: how draws are made.
    """

    def __init__(self, network: Any, facts: Mapping[str, Any], base: Base, drawing: Drawing) -> None:
        super().__init__(network, facts, drawing.threads)
        self.base, self.drawing = base, drawing
        self._short: Any = None

    def sample(
        self, n: int, *, condition: np.ndarray | None, bias: float, seed: Seed, begin: Begin | None = None
    ) -> np.ndarray:
        """Returns `(n,)` texts, or `(n, length)` int32 tokens where `draws` says so.

        Row i is drawn with a stream of its own, named by i: other rows change it by rounding at most. Without prompts
        every text starts from the sign for a beginning. Raises ConfigError for prompts that are no texts.
        """
        import torch

        from autophagy.training import threads, widened

        words, drawing = self.base.words, self.drawing
        prompts = self._prompts(n, condition)
        end = words.end if drawing.draws == "texts" else None
        with threads(self.threads), torch.inference_mode(), widened(self.device):
            found = continued(
                self._drawn_with(), prompts, drawing.length, drawing.biased(bias), seed, end=end,
                together=drawing.together, tokens=words.size,
            )  # fmt: skip
        if drawing.draws == "tokens":
            return np.array(found, np.int32).reshape(n, drawing.length)
        if drawing.keeps_prompt:
            found = [np.concatenate(pair) for pair in zip(self._whole(n, condition), found, strict=True)]
        return words.decode(found)

    @property
    def keeps_prompt(self) -> bool:
        return self.drawing.keeps_prompt

    def surprise(self, samples: np.ndarray, *, after: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The first token is predicted from the sign for a beginning, or from the prompt; the end is not asked for.

        In 32 bits whatever the precision of draws. Raises DataError for tokens that the network does not know.
        """
        import torch

        from autophagy.training import threads

        texts = self.base.words.encode(samples.tolist()) if samples.ndim == 1 else list(samples)
        if (
            samples.ndim == 2
            and samples.size
            and not 0 <= int(samples.min()) <= int(samples.max()) < self.base.words.size
        ):
            raise DataError(
                f"these rows have tokens from {samples.min()} to {samples.max()}, but the model knows 0 to "
                f"{self.base.words.size - 1}; use a source with its tokenizer."
            )
        with threads(self.threads), torch.inference_mode():
            prompts = [prompt[1:] for prompt in self._prompts(len(texts), after)]
            nats = surprise(self.network, texts, prompts, start=self.base.words.start, context=self.base.context)
        return nats, np.array([len(text) for text in texts], np.int64)

    def save(self, folder: Path) -> None:
        """Writes what was trained; of an untouched checkpoint only that it is one."""
        if self.facts["trained"] == "full":
            save_weights(self.network, folder / WEIGHTS)
        if self.facts["trained"] == "adapters":
            from ._language_adapters import save_adapters

            save_adapters(self.network, folder)
        if self.base.tokens:
            (folder / TOKENS).write_text(self.base.tokens, encoding="utf-8")
        (folder / FACTS).write_text(json.dumps(self.facts, ensure_ascii=False), encoding="utf-8")

    def _prompts(self, n: int, condition: np.ndarray | None) -> list[np.ndarray]:
        """Tokens of each, after the sign for a beginning; the end of those that leave no room for the sample."""
        room = self.base.context - self.drawing.length - 1
        start = np.array([self.base.words.start], np.int64)
        return [np.concatenate([start, text[max(0, len(text) - room) :]]) for text in self._whole(n, condition)]

    def _whole(self, n: int, condition: np.ndarray | None) -> list[np.ndarray]:
        """Tokens of each prompt."""
        if condition is None or not n:
            return [np.zeros(0, np.int64)] * n
        if np.asarray(condition).dtype.kind not in "UTO":
            raise ConfigError(f"a language model goes on with texts, but is given {np.asarray(condition).dtype}.")
        return self.base.words.encode([str(text) for text in condition[:n]])

    def _drawn_with(self) -> Any:
        """The network in the precision of draws: 16 bits are read twice as fast, which is what a step waits for."""
        import torch

        if self.drawing.precision == "float32":
            return self.network
        if self._short is None or self._short.device != self.device:
            self._short = deepcopy(self.network)
            for weights in self._short.parameters():  # and no buffers: frequencies of places would be too coarse
                weights.data = weights.data.to(torch.bfloat16)
        return self._short
