"""A small GPT, trained from nothing with tokens of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from autophagy.core.abilities import Grounded
from autophagy.core.catalog import register
from autophagy.core.errors import ConfigError, DataError
from autophagy.core.known import Tokenised
from autophagy.core.parts import Model, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.seeds import Seed
from autophagy.core.settings import Count, Positive, Range

from ._language import Language
from ._trained import Epochs

if TYPE_CHECKING:
    from ._language_network import Base


@register("tiny-gpt")
@dataclass(frozen=True)
class TinyGPT(Language, Grounded):
    """A transformer of the Llama kind (Touvron et al. 2023) with random first weights.

    Its tokens are bytes joined by pairs (Sennrich et al. 2016), fitted on what the founder trains on and the founder's
    for ever after: every later generation, from scratch too, reads and writes with them. Needs the extra "text".

    Attributes:
        vocabulary: tokens at most, of which 257 are the bytes and the sign for an end.
        hidden: width of a token's state, a multiple of `heads`.
        depth: blocks.
        heads: of attention.
    """

    remembered: ClassVar[tuple[str, ...]] = (*Language.remembered, "hidden", "depth", "heads")
    epochs: Epochs = 10.0
    batch: Count = 16
    learning_rate: Positive = 1e-3
    block: Annotated[int, Range(2)] = 128
    length: Count | None = 64
    vocabulary: Annotated[int, Range(257, 65536)] = 1024
    hidden: Annotated[int, Range(8, 4096)] = 128
    depth: Annotated[int, Range(1, 64)] = 4
    heads: Annotated[int, Range(1, 64)] = 4
    trial: ClassVar[Mapping[str, Any]] = {
        "epochs": 4.0, "block": 32, "length": 12, "hidden": 32, "depth": 2, "vocabulary": 300, "learning_rate": 3e-3,
    }  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden % (2 * self.heads):
            raise ConfigError(f"hidden must be a multiple of twice {self.heads} heads, but is {self.hidden}.")
        if self.draws == "tokens":
            raise ConfigError('draws must be "texts": the tokens of a tiny-gpt are its own.')
        if self.train == "lora":
            raise ConfigError('train must be "full": there is nothing yet that adapters could stand beside.')

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        if isinstance(source, Tokenised):
            return f"{self.who} has tokens of its own, but source '{source.name}' gives tokens; use a source of texts"
        return super().misuse(source, start=start, bias=bias)

    def grounded(self, founder: Sampler) -> Model:
        from ._language_sampler import LanguageSampler

        if not isinstance(founder, LanguageSampler):
            raise DataError(f"{self.who} can only have the tokens of one of its own samplers.")
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return _WithTokens(**own, tokens=founder.base.words.tokenizer.backend.to_str())

    def _context(self) -> int | None:
        return self.block

    def _begun(self, base: Base, seed: Seed) -> Any:
        from ._tiny_gpt import fresh

        return fresh(self, base.words.size, seed.child("weights"))

    def _base_for(self, train: Pool) -> Base:
        from ._tiny_gpt import base_of, fitted_tokens

        return base_of(self, fitted_tokens(train, self.vocabulary, self.name))

    def _base_in(self, folder: Path) -> Base:
        from ._tiny_gpt import base_saved

        return base_saved(self, folder)


@dataclass(frozen=True)
class _WithTokens(TinyGPT):
    """One whose tokens are known, as in a tokenizer.json."""

    tokens: str = ""

    def _base_for(self, train: Pool) -> Base:
        from ._tiny_gpt import base_of

        return base_of(self, self.tokens)
